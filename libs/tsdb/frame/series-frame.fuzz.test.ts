import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecodeError } from '@xscaler/encoding';
import { SampleColumns } from '@xscaler/model';
import fc from 'fast-check';
import { Head } from '../head/head.ts';
import { appends, appendTo, TENANT, WINDOW_MS, WINDOW_START_MS } from '../testing/head-model.ts';
import { SeriesFrameReader } from './series-frame.ts';
import { SeriesMerger } from './series-merger.ts';

function frameOf(seed: number, fromOffset = 300): Uint8Array {
  const window = { windowStartMs: WINDOW_START_MS, windowMs: WINDOW_MS };
  const head = new Head({ tenant: TENANT, partition: 1, seq: 0, fromOffset, ...window });
  const samples = fc.sample(appends(200), { numRuns: 20, seed });
  const longest = samples.reduce((one, other) => (other.length > one.length ? other : one));
  for (const append of longest) appendTo(head, append);
  using selection = head.select([], -Infinity, Infinity);
  return [...selection.frames()][0];
}

const frames = [...[1, 2, 3, 4].map((seed) => frameOf(seed)), frameOf(5, -300)];

/** Reads everything; true if the bytes were refused. */
function refused(bytes: Uint8Array): boolean {
  try {
    const merger = new SeriesMerger();
    merger.addFrame(bytes);
    const columns = new SampleColumns();
    for (const series of merger.finish(-Infinity, Infinity)) {
      columns.reset();
      series.read(columns);
      for (let i = 1; i < columns.length; i++) assert.ok(columns.timestamps[i] > columns.timestamps[i - 1]);
    }
    return false;
  } catch (error) {
    assert.ok(error instanceof DecodeError, String(error));
    return true;
  }
}

test('a frame cut short anywhere is refused', () => {
  for (const frame of frames) {
    assert.equal(refused(frame), false);
    for (let length = 0; length < frame.length; length++)
      assert.ok(refused(frame.subarray(0, length)), `at ${length}`);
  }
});

test('a frame says which offset its head begins at, below zero too', () => {
  assert.equal(new SeriesFrameReader(frameOf(1, 300)).fromOffset, 300);
  assert.equal(new SeriesFrameReader(frameOf(1, -1)).fromOffset, -1);
  assert.equal(new SeriesFrameReader(frameOf(1, -(2 ** 40))).fromOffset, -(2 ** 40));
});

test('bytes behind a frame, and another version, are refused', () => {
  const [frame] = frames;
  assert.ok(refused(Uint8Array.of(...frame, 0)));
  assert.ok(refused(Uint8Array.of(3, ...frame.subarray(1))));
});

test('flipped bits are refused or read as increasing times, without crash or hang', () => {
  const flips = fc.array(fc.nat(), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.constantFrom(...frames), flips, (frame, positions) => {
      const damaged = frame.slice();
      for (const position of positions) damaged[(position >>> 3) % frame.length] ^= 1 << (position & 7);
      refused(damaged);
    }),
    { numRuns: 2000 },
  );
});

test('arbitrary bytes are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      refused(bytes);
      refused(Uint8Array.of(1, ...bytes));
    }),
    { numRuns: 2000 },
  );
});
