import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueryMemory } from './query-memory.ts';

const MB = 1024 * 1024;

test('a column that was given back is lent again, as zeros', () => {
  const memory = new QueryMemory(8 * MB);
  const first = memory.floats(100_000);
  assert.equal(first.length, 100_000);
  first.fill(7);
  assert.notEqual(memory.floats(100_000).buffer, first.buffer, 'it was lent to somebody');
  memory.reclaim();
  const buffers = [memory.floats(99_999), memory.bytes(800_000)].map((column) => {
    assert.ok(column.every((value) => value === 0));
    return column.buffer;
  });
  assert.ok(buffers.includes(first.buffer));
});

test('a piece that was given back is lent again, to be read by another thread in its place', () => {
  const memory = new QueryMemory(8 * MB);
  const piece = memory.piece(65_536);
  assert.equal(piece.write('café', 0), 5);
  assert.ok(piece.buffer instanceof SharedArrayBuffer);
  assert.notEqual(memory.piece(65_536).buffer, piece.buffer);
  memory.reclaim();
  assert.ok([memory.piece(65_536), memory.piece(65_536)].some(({ buffer }) => buffer === piece.buffer));
  assert.equal(memory.piece(10).length, 10);
});

test('no more is kept than it may, and small columns are not', () => {
  const memory = new QueryMemory(2 * MB);
  const columns = Array.from({ length: 5 }, () => memory.bytes(MB));
  assert.equal(new Set(columns.map(({ buffer }) => buffer)).size, 5);
  assert.equal(memory.byteSize, 2 * MB);
  memory.floats(10);
  assert.equal(memory.byteSize, 2 * MB);
  memory.reclaim();
  assert.equal(memory.bytes(2 * MB).length, 2 * MB);
  assert.equal(memory.byteSize, 2 * MB, 'what is of another size made room');
  memory.reclaim();
  memory.drop();
  assert.equal(memory.byteSize, 0);
});
