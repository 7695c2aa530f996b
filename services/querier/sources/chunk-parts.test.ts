import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChunkParts } from './chunk-parts.ts';

const PART = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);

class Store {
  readonly reads: { number: number; offset: number | undefined; length: number | undefined }[] = [];

  async readPart(_blockId: string, _kind: string, number: number, offset?: number, length?: number) {
    this.reads.push({ number, offset, length });
    return offset === undefined ? PART.slice() : PART.slice(offset, offset + (length ?? PART.length));
  }
}

test('a large read keeps the part, and every later read comes from memory', async () => {
  const store = new Store();
  const parts = new ChunkParts(store, 1_000_000);
  assert.deepEqual(await parts.read('b', 0, 10, 20_000), PART.slice(10, 20_010));
  assert.deepEqual(await parts.read('b', 0, 99_990, 20), PART.slice(99_990));
  assert.deepEqual(await parts.read('b', 0, 5, 3), PART.slice(5, 8));
  assert.equal(store.reads.length, 1);
});

test('a small read is passed on unchanged; the second one keeps the part', async () => {
  const store = new Store();
  const parts = new ChunkParts(store, 1_000_000);
  assert.deepEqual(await parts.read('b', 0, 7, 5), PART.slice(7, 12));
  assert.equal(parts.byteSize, 0);
  assert.deepEqual(await parts.read('b', 1, 7, 5), PART.slice(7, 12));
  assert.deepEqual(await parts.read('b', 0, 8, 5), PART.slice(8, 13));
  assert.deepEqual(await parts.read('b', 0, 9, 5), PART.slice(9, 14));
  const whole = { offset: undefined, length: undefined };
  assert.deepEqual(store.reads, [
    { number: 0, offset: 7, length: 5 },
    { number: 1, offset: 7, length: 5 },
    { number: 0, ...whole },
  ]);
});

test('kept parts stay within the byte limit', async () => {
  const store = new Store();
  const parts = new ChunkParts(store, 250_000);
  for (let number = 0; number < 10; number++) {
    await parts.read('b', number, 0, 50_000);
    assert.ok(parts.byteSize <= 250_000);
  }
  await parts.read('b', 9, 0, 50_000);
  assert.equal(store.reads.length, 10);
  await parts.read('b', 0, 0, 50_000);
  assert.equal(store.reads.length, 11);
});

test('concurrent queries for a part share one read, and a failed read is retried', async () => {
  const store = new Store();
  let fails = 1;
  const failing = {
    readPart: async (...args: Parameters<Store['readPart']>) => {
      if (fails-- > 0) throw new Error('away');
      return store.readPart(...args);
    },
  };
  const parts = new ChunkParts(failing, 1_000_000);
  await assert.rejects(parts.read('b', 0, 0, 50_000), /away/);
  const [a, b] = await Promise.all([parts.read('b', 0, 0, 50_000), parts.read('b', 0, 1, 50_000)]);
  assert.deepEqual(a, PART.slice(0, 50_000));
  assert.deepEqual(b, PART.slice(1, 50_001));
  assert.equal(store.reads.length, 1);
});
