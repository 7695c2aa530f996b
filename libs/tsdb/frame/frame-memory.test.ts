import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameMemory } from './frame-memory.ts';
import { SeriesFrameReader } from './series-frame.ts';

const KB = 1024;

test('a frame that was given back is lent again, once', () => {
  const memory = new FrameMemory();
  const frame = memory.lend(100 * KB);
  assert.equal(frame.length, 100 * KB);
  assert.notEqual(memory.lend(100 * KB).buffer, frame.buffer);
  memory.giveBack(frame);
  memory.giveBack(frame);
  assert.notEqual(memory.lend(1_000 * KB).buffer, frame.buffer, 'it is too small for that');
  assert.equal(memory.lend(90 * KB).buffer, frame.buffer);
  assert.notEqual(memory.lend(90 * KB).buffer, frame.buffer, 'it was lent to somebody');
});

test('this many frames are kept, and none that came from elsewhere', () => {
  const memory = new FrameMemory();
  const frames = Array.from({ length: 20 }, () => memory.lend(1_024 * KB));
  const buffers = new Set(frames.map(({ buffer }) => buffer));
  for (const frame of frames) memory.giveBack(frame);
  memory.giveBack(new Uint8Array(100 * KB));
  const again = Array.from({ length: 20 }, () => memory.lend(1_024 * KB).buffer);
  assert.equal(again.filter((buffer) => buffers.has(buffer)).length, 8);
});

test('a writer that was put back begins anew', () => {
  const memory = new FrameMemory();
  const writer = memory.writer(1, 10);
  writer.definePair(1, 'a', 'b');
  writer.addSeries(new Int32Array(4), 0, 0);
  writer.beginChunks(0);
  memory.putBack(writer);
  const second = memory.writer(2, 20);
  assert.equal(second, writer);
  const reader = new SeriesFrameReader(second.takeInto(memory.lend));
  assert.deepEqual([reader.partition, reader.fromOffset, reader.seriesCount], [2, 20, 0]);
});
