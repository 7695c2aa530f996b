import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Labels, SampleColumns } from '@xscaler/model';
import fc from 'fast-check';
import { Head } from '../head/head.ts';
import {
  type Append,
  appends,
  appendTo,
  bounds,
  columnRows,
  HeadModel,
  MODEL_LABELS,
  readFrames,
  TENANT,
  WINDOW_MS,
  WINDOW_START_MS,
} from '../testing/head-model.ts';
import { SeriesMerger } from './series-merger.ts';

interface Source {
  readonly partition: number;
  readonly fromOffset: number;
  readonly appended: readonly Append[];
}

function framesOf({ partition, fromOffset, appended }: Source, maxBytes = 400): Uint8Array[] {
  const window = { windowStartMs: WINDOW_START_MS, windowMs: WINDOW_MS };
  const head = new Head({ tenant: TENANT, partition, seq: 0, fromOffset, ...window });
  for (const append of appended) appendTo(head, append);
  using selection = head.select([], -Infinity, Infinity);
  return [...selection.frames(maxBytes)];
}

const source: fc.Arbitrary<Source> = fc.record({
  partition: fc.nat(2),
  fromOffset: fc.nat(3),
  appended: appends(60),
});

const sources = fc.uniqueArray(source, {
  minLength: 1,
  maxLength: 4,
  selector: ({ partition, fromOffset }) => partition * 10 + fromOffset,
});

test('of samples at one time, that of the lowest partition and offset stands, in whatever order frames come', () => {
  fc.assert(
    fc.property(sources, bounds, fc.infiniteStream(fc.nat()), (given, [startMs, endMs], shuffle) => {
      const model = new HeadModel();
      const ranked = given.toSorted((a, b) => a.partition - b.partition || a.fromOffset - b.fromOffset);
      for (const { appended } of ranked) for (const append of appended) model.append(append);
      const frames = given
        .flatMap((one) => framesOf(one))
        .map((frame) => ({ frame, key: shuffle.next().value }));
      frames.sort((a, b) => a.key - b.key);
      const read = readFrames(
        frames.map(({ frame }) => frame),
        startMs,
        endMs,
      );
      assert.deepEqual(read, model.read([], startMs, endMs));
    }),
  );
});

test('series come sorted by labels, and may be read again', () => {
  const merger = new SeriesMerger();
  const appended = MODEL_LABELS.map((_, series) => ({
    series,
    timestampMs: WINDOW_START_MS + series,
    low: series,
    high: 0,
  }));
  for (const frame of framesOf({ partition: 0, fromOffset: 0, appended })) merger.addFrame(frame);
  const merged = merger.finish(WINDOW_START_MS, WINDOW_START_MS + WINDOW_MS);
  const sorted = MODEL_LABELS.toSorted((a, b) => a.compare(b));
  const labels = (all: readonly { labels: Labels }[]) => all.map((one) => String(one.labels));
  assert.deepEqual(labels(merged), sorted.map(String));
  const columns = new SampleColumns();
  merged[3].read(columns);
  merged[3].read(columns);
  const [one, two] = columnRows(columns);
  assert.deepEqual(one, two);
});

test('the same head twice is counted twice and read once', () => {
  const appended = fc.sample(appends(200), { numRuns: 1, seed: 3 })[0];
  const frames = framesOf({ partition: 1, fromOffset: 5, appended });
  const merger = new SeriesMerger();
  for (const frame of frames) merger.addFrame(frame);
  const { seriesCount, sampleCount, byteSize } = merger;
  for (const frame of frames) merger.addFrame(frame);
  assert.deepEqual(
    [merger.seriesCount, merger.sampleCount, merger.byteSize],
    [seriesCount, 2 * sampleCount, 2 * byteSize],
  );
  assert.deepEqual(
    readFrames([...frames, ...frames], -Infinity, Infinity),
    readFrames(frames, -Infinity, Infinity),
  );
  const bound = merger.finish(-Infinity, Infinity).reduce((sum, series) => sum + series.sampleCountBound, 0);
  assert.equal(bound, 2 * sampleCount);
});

test('series without chunks in the bounds are left out', () => {
  const merger = new SeriesMerger();
  const appended = [{ series: 0, timestampMs: WINDOW_START_MS, low: 0, high: 0 }];
  for (const frame of framesOf({ partition: 0, fromOffset: 0, appended })) merger.addFrame(frame);
  assert.deepEqual(merger.finish(0, WINDOW_START_MS - 1), []);
  assert.equal(merger.finish(0, WINDOW_START_MS).length, 1);
});
