import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SampleColumns } from '@xscaler/model';
import fc from 'fast-check';
import { writeBlock } from '../block-writing/block-writer.ts';
import { SeriesMerger } from '../frame/series-merger.ts';
import { slotOf, TENANT, WINDOW_MS, WINDOW_START_MS } from '../testing/head-model.ts';
import { Head } from './head.ts';

function newHead(): Head {
  const window = { windowStartMs: WINDOW_START_MS, windowMs: WINDOW_MS };
  return new Head({ tenant: TENANT, partition: 3, seq: 0, fromOffset: 17, ...window });
}

/** Appends the time itself as value, plus `high`. */
function appendTimes(head: Head, times: Iterable<number>, high = 0): number[] {
  const slot = slotOf(head, 0);
  const outcomes = [0, 0, 0];
  for (const time of times) outcomes[head.append(slot, WINDOW_START_MS + time, time, high)]++;
  return outcomes;
}

function* descending(from: number, to: number, step = 1): Generator<number, void, void> {
  for (let time = from; time >= to; time -= step) yield time;
}

function* ascending(from: number, to: number, step = 1): Generator<number, void, void> {
  for (let time = from; time <= to; time += step) yield time;
}

/** All times of 0 to `count` - 1, spread so that neighbours come far apart. */
function* scattered(count: number): Generator<number, void, void> {
  for (let i = 0; i < count; i++) yield (i * 7919) % count;
}

function readTimes(frames: Iterable<Uint8Array>): SampleColumns {
  const merger = new SeriesMerger();
  for (const frame of frames) merger.addFrame(frame);
  const columns = new SampleColumns();
  const [series] = merger.finish(-Infinity, Infinity);
  series.read(columns);
  return columns;
}

function read(head: Head): SampleColumns {
  using selection = head.select([], -Infinity, Infinity);
  return readTimes(selection.frames());
}

function assertTimes(columns: SampleColumns, count: number, step = 1): void {
  assert.equal(columns.length, count);
  let wrong = 0;
  for (let i = 0; i < count; i++) {
    if (columns.timestamps[i] !== WINDOW_START_MS + i * step) wrong++;
    if (columns.valueWords[2 * i] !== i * step || columns.valueWords[2 * i + 1] !== 0) wrong++;
  }
  assert.equal(wrong, 0);
}

function digestOf(head: Head): string {
  const writing = writeBlock(head);
  for (let step = writing.next(); ; step = writing.next()) if (step.done) return step.value.digest;
}

// The numbers of samples in these tests end only if each costs about the same, however many came before.

test('a million samples, newest first, are taken and read, in a few bytes each', () => {
  const head = newHead();
  assert.deepEqual(appendTimes(head, descending(999_999, 0)), [1_000_000, 0, 0]);
  assert.ok(head.chunks.byteSize < 6_000_000, `${head.chunks.byteSize} bytes`);
  assertTimes(read(head), 1_000_000);
  assert.deepEqual(appendTimes(head, descending(999_999, 0)), [0, 1_000_000, 0]);
  assert.deepEqual(appendTimes(head, ascending(0, 999_999), 1), [0, 0, 1_000_000]);
  assert.ok(head.chunks.byteSize < 6_000_000, `${head.chunks.byteSize} bytes`);
});

test('half a million late samples in no order are taken and read, their doubles counted', () => {
  const head = newHead();
  appendTimes(head, [499_999]);
  assert.deepEqual(appendTimes(head, scattered(500_000)), [499_999, 1, 0]);
  assertTimes(read(head), 500_000);
  assert.deepEqual(appendTimes(head, scattered(500_000), 7), [0, 0, 500_000]);
  const ordered = newHead();
  appendTimes(ordered, ascending(0, 499_999));
  assert.equal(digestOf(head), digestOf(ordered));
});

test('half a million samples that come again are found in the chunks of those in order', () => {
  const head = newHead();
  assert.deepEqual(appendTimes(head, ascending(0, 499_999)), [500_000, 0, 0]);
  assert.deepEqual(appendTimes(head, ascending(0, 499_999)), [0, 500_000, 0]);
  assert.deepEqual(appendTimes(head, descending(499_999, 0), 1), [0, 0, 500_000]);
});

test('late samples between those in order are merged with them', () => {
  const head = newHead();
  appendTimes(head, ascending(0, 998_000, 2));
  appendTimes(head, descending(997_999, 1, 2));
  assertTimes(read(head), 998_001);
});

test('a selection makes chunks only of late samples that came since the one before, within its bounds', () => {
  const head = newHead();
  appendTimes(head, [100_000]);
  appendTimes(head, scattered(100_000));
  const slot = slotOf(head, 0);
  const chunksOf = (fromMs: number, toMs: number) =>
    head.chunks.lateChunks(slot, WINDOW_START_MS + fromMs, WINDOW_START_MS + toMs);
  const before = head.chunks.byteSize;
  const few = chunksOf(50_000, 50_010);
  assert.ok(few.length > 0 && few.length <= 2);
  assert.ok(head.chunks.byteSize - before < 20_000, 'what is out of bounds stays unchanged');
  const all = chunksOf(0, 100_000);
  assert.ok(all.length > 50);
  assert.ok(all.includes(few[0]));
  const again = chunksOf(0, 100_000);
  assert.ok(again.every((chunk, i) => chunk === all[i]));
  const free = newHead();
  appendTimes(free, [100_000, ...descending(99_998, 0, 2)]);
  const freeSlot = slotOf(free, 0);
  const first = free.chunks.lateChunks(freeSlot, -Infinity, Infinity);
  appendTimes(free, [50_001]);
  const second = free.chunks.lateChunks(freeSlot, -Infinity, Infinity);
  const known = new Set(first);
  assert.ok(second.filter((chunk) => !known.has(chunk)).length <= 2);
});

/** Late samples by the run: where it begins, its direction and length, by what step. */
const run = fc.record({
  from: fc.nat(9_999),
  step: fc.constantFrom(-3, -1, 1, 2),
  length: fc.integer({ min: 1, max: 3_000 }),
  high: fc.nat(2),
});

test('runs of late samples in any direction are held as a map holds them, and selections do not move', () => {
  fc.assert(
    fc.property(fc.array(run, { minLength: 1, maxLength: 12 }), fc.nat(11), (runs, selectAt) => {
      const head = newHead();
      const slot = slotOf(head, 0);
      const model = new Map<number, number>([[10_000, 0]]);
      head.append(slot, WINDOW_START_MS + 10_000, 10_000, 0);
      const rows = () => [...model].sort(([a], [b]) => a - b);
      const rowsOf = (columns: SampleColumns) =>
        Array.from({ length: columns.length }, (_, i) => [
          columns.timestamps[i] - WINDOW_START_MS,
          columns.valueWords[2 * i + 1],
        ]);
      let noted: { selection: ReturnType<Head['select']>; rows: number[][] } | undefined;
      for (const [i, { from, step, length, high }] of runs.entries()) {
        if (i === selectAt) noted = { selection: head.select([], -Infinity, Infinity), rows: rows() };
        for (let k = 0; k < length; k++) {
          const time = (((from + k * step) % 10_000) + 10_000) % 10_000;
          const there = model.get(time);
          const expected = there === undefined ? 0 : there === high ? 1 : 2;
          const outcome = head.append(slot, WINDOW_START_MS + time, time, high);
          if (outcome !== expected) assert.fail(`${outcome}, not ${expected}, at ${time}`);
          if (there === undefined) model.set(time, high);
        }
      }
      assert.equal(head.sampleCount, model.size);
      assert.deepEqual(rowsOf(read(head)), rows());
      if (noted === undefined) return;
      assert.equal(noted.selection.sampleCount, noted.rows.length);
      assert.deepEqual(rowsOf(readTimes(noted.selection.frames())), noted.rows);
      noted.selection.close();
    }),
    { numRuns: 60 },
  );
});
