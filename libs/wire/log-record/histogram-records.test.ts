import assert from 'node:assert/strict';
import test from 'node:test';
import zlib from 'node:zlib';
import { ByteWriter, hasIntegerCounts, histogramByteBound } from '@xscaler/encoding';
import { type BucketSpan, type FloatHistogram, Labels, STALE_HIGH, STALE_LOW } from '@xscaler/model';
import fc from 'fast-check';
import { writeLabelSet } from '../labels/label-set.ts';
import { MAX_TIMESTAMP_MS } from './format.ts';
import { LogRecordReader } from './reader.ts';
import { LogRecordWriter } from './writer.ts';

const integerCount = fc.oneof(fc.nat(1000), fc.maxSafeNat());
const floatCount = fc.oneof(fc.nat(1000), fc.double({ noNaN: true }));
const span = fc.tuple(fc.integer({ min: -2000, max: 2000 }), fc.nat(4));
const spans = fc.array(
  span.map(([offset, length]) => ({ offset, length })),
  { maxLength: 4 },
);
const threshold = fc.oneof(fc.constantFrom(0, 2 ** -128, 1e-128, -0), fc.double({ noNaN: true }));

function bucketsOf(sides: readonly BucketSpan[], counts: readonly number[]): number[] {
  const length = sides.reduce((sum, span) => sum + span.length, 0);
  return Array.from({ length }, (_, i) => counts[i % counts.length]);
}

function histogramsOf(count: fc.Arbitrary<number>): fc.Arbitrary<FloatHistogram> {
  return fc
    .record({
      schema: fc.oneof(fc.integer({ min: -4, max: 8 }), fc.constant(-53)),
      zeroThreshold: threshold,
      zeroCount: count,
      count,
      sum: fc.double({ noNaN: true }),
      positiveSpans: spans,
      negativeSpans: spans,
      counts: fc.array(count, { minLength: 1, maxLength: 8 }),
      customValues: fc.array(fc.double({ noNaN: true }), { maxLength: 4 }),
      counterResetHint: fc.constantFrom('unknown', 'reset', 'not_reset', 'gauge'),
    })
    .map(({ counts, ...rest }) => ({
      ...rest,
      positiveBuckets: bucketsOf(rest.positiveSpans, counts),
      negativeBuckets: bucketsOf(rest.negativeSpans, counts),
    }));
}

const histogram = fc.oneof(histogramsOf(integerCount), histogramsOf(floatCount));
const startMs = fc.constantFrom(0, 0, 1, -5, 1_700_000_000_000, 1_700_000_000_000, MAX_TIMESTAMP_MS);
const samples = fc.array(
  fc.record({
    newSeries: fc.boolean(),
    isInteger: fc.boolean(),
    histogram: fc.option(histogram),
    startMs,
  }),
  { minLength: 1, maxLength: 20 },
);

const writer = new LogRecordWriter();
const reader = new LogRecordReader();
const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);

function addSeries(): void {
  const labels = new ByteWriter(64);
  writeLabelSet(Labels.of({ __name__: 'latency_seconds' }).pairs, labels);
  writer.addSeries(1, 2, 3, 4, labels.bytes, 0, labels.length);
}

function addHistogram(timestampMs: number, one: FloatHistogram, isInteger: boolean): void {
  float[0] = one.sum;
  writer.addHistogram(timestampMs, words[0], words[1], one, isInteger);
}

const example: FloatHistogram = {
  schema: 3,
  zeroThreshold: 2 ** -128,
  zeroCount: 1,
  count: 10,
  sum: 12.5,
  positiveSpans: [
    { offset: -2, length: 2 },
    { offset: 3, length: 1 },
  ],
  positiveBuckets: [4, 3, 2],
  negativeSpans: [],
  negativeBuckets: [],
  customValues: [],
  counterResetHint: 'unknown',
};

test('histograms and start timestamps come back as they were written', () => {
  fc.assert(
    fc.property(samples, (written) => {
      writer.reset('t', 7_200_000);
      let series = 0;
      for (const [i, one] of written.entries()) {
        if (one.newSeries || i === 0) {
          addSeries();
          series++;
        }
        const before = writer.byteLength;
        if (one.histogram === null) writer.addSample(1000 + i, i, 0);
        else {
          addHistogram(1000 + i, one.histogram, one.isInteger);
          assert.ok(writer.byteLength - before <= 8 + 9 + 15 + histogramByteBound(one.histogram));
        }
        writer.setStartTime(one.startMs);
      }
      const bound = writer.byteLength;
      const record = writer.finish();
      assert.ok(record.length <= bound, `${record.length} bytes, ${bound} estimated`);
      const plain = written.every((one) => one.histogram === null && one.startMs === 0);
      assert.equal(record[0], plain ? 1 : 2);

      assert.equal(reader.decode(record), 'samples');
      assert.equal(reader.seriesCount, series);
      const expected = written.flatMap((one, sample) =>
        one.histogram === null
          ? []
          : [
              {
                sample,
                histogram: { ...one.histogram, isInteger: one.isInteger && hasIntegerCounts(one.histogram) },
              },
            ],
      );
      assert.deepEqual(reader.histograms(), expected);
      const starts = written.map((one) => one.startMs);
      if (starts.every((start) => start === 0)) assert.equal(reader.startTimes, undefined);
      else assert.deepEqual([...(reader.startTimes ?? []).slice(0, starts.length)], starts);
    }),
    { numRuns: 500 },
  );
});

test('a stale histogram keeps the bits of its sum', () => {
  writer.reset('t', 1);
  addSeries();
  writer.addHistogram(5, STALE_LOW, STALE_HIGH, example, true);
  reader.decode(writer.finish());
  assert.deepEqual([...reader.valueWords.subarray(0, 2)], [STALE_LOW, STALE_HIGH]);
  assert.equal(reader.histograms()[0].histogram.isInteger, true);
});

test('a histogram whose parts do not go together is refused and leaves the record as before', () => {
  writer.reset('t', 1);
  addSeries();
  for (const wrong of [
    { ...example, schema: 9 },
    { ...example, schema: 0.5 },
    { ...example, positiveBuckets: [1] },
    { ...example, positiveSpans: [{ offset: 0, length: 1.5 }] },
    { ...example, negativeBuckets: [1] },
    { ...example, positiveSpans: [{ offset: 0, length: 70_000 }], positiveBuckets: Array(70_000).fill(1) },
  ]) {
    assert.throws(() => addHistogram(5, wrong, true), { name: 'RangeError' });
  }
  assert.equal(writer.sampleCount, 0);
  writer.addSample(6, 7, 8);
  reader.decode(writer.finish());
  assert.equal(reader.sampleCount, 1);
  assert.equal(reader.histogramPlaces.count, 0);
});

test('what is left of a record does not reach the next one', () => {
  writer.reset('t', 1);
  addSeries();
  addHistogram(5, example, true);
  writer.setStartTime(77);
  writer.reset('t', 1);
  addSeries();
  addHistogram(6, example, false);
  reader.decode(writer.finish());
  assert.equal(reader.startTimes, undefined);
  assert.deepEqual(reader.histograms(), [{ sample: 0, histogram: { ...example, isInteger: false } }]);
  writer.reset('t', 1);
  const plain = writer.finish();
  assert.equal(plain[0], 1);
  reader.decode(plain);
  assert.equal(reader.histogramPlaces.count, 0);
});

test('version 1 has no histograms and no start timestamps', () => {
  writer.reset('t', 1);
  addSeries();
  addHistogram(5, example, true);
  assert.throws(() => reader.decode(resealed(writer.finish(), (content) => content.with(0, 1))), {
    name: 'UnknownRecordError',
    message: 'section 3 in a record of version 1',
  });
});

test('damage behind a right checksum is refused or read as histograms, never more', () => {
  writer.reset('tenant', 7_200_000);
  for (let i = 0; i < 4; i++) {
    addSeries();
    addHistogram(1e12 + i, { ...example, zeroThreshold: i % 2, count: 10 + i }, i !== 2);
    if (i > 0) writer.setStartTime(1e12);
  }
  const record = writer.finish();
  let state = 99;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let run = 0; run < 20_000; run++) {
    const damaged = resealed(record, (content) => {
      for (let flips = 1 + random(3); flips > 0; flips--) content[random(content.length)] ^= 1 << random(8);
      return content;
    });
    try {
      reader.decode(damaged);
    } catch (error) {
      assert.match((error as Error).name, /^(DecodeError|UnknownRecordError)$/);
      continue;
    }
    // What decodes, decodes to the end.
    for (const { sample } of reader.histograms()) assert.ok(sample < reader.sampleCount);
  }
});

/** The record with its content changed and its checksum right again. */
function resealed(record: Uint8Array, change: (content: Uint8Array) => Uint8Array): Uint8Array {
  const content = change(record.slice(0, -4));
  const sealed = new Uint8Array(content.length + 4);
  sealed.set(content);
  new DataView(sealed.buffer).setUint32(content.length, zlib.crc32(content), true);
  return sealed;
}
