import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteWriter } from '@xscaler/encoding';
import { type FloatHistogram, STALE_HIGH, STALE_LOW } from '@xscaler/model';
import { ProtobufReader } from '../protobuf/protobuf-reader.ts';
import { NativeHistogramReader } from './native-histogram-reader.ts';
import { writeHistogram } from './native-histogram-writer.ts';

const body = new ProtobufReader();
const reader = new NativeHistogramReader();

const EMPTY: FloatHistogram = {
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 0,
  count: 0,
  sum: 0,
  positiveSpans: [],
  positiveBuckets: [],
  negativeSpans: [],
  negativeBuckets: [],
  customValues: [],
  counterResetHint: 'unknown',
};

function readBack(changes: Partial<FloatHistogram>, asFloats = false): NativeHistogramReader {
  const to = new ByteWriter();
  writeHistogram({ timestampMs: 5, histogram: { ...EMPTY, ...changes }, asFloats }, to);
  body.reset(to.take());
  return reader.read(body, 0, body.end);
}

test('a histogram that does not hold together is refused, and it is said why', () => {
  const spans = [{ offset: 0, length: 2 }];
  const cases: [Partial<FloatHistogram>, RegExp][] = [
    [{ schema: 53 }, /schema 53/],
    [{ schema: -5 }, /schema -5/],
    [{ schema: -54 }, /schema -54/],
    [{ positiveSpans: spans, positiveBuckets: [1], count: 1 }, /positive spans/],
    [{ negativeBuckets: [1], count: 1 }, /negative spans/],
    [
      { positiveSpans: [...spans, { offset: -1, length: 1 }], positiveBuckets: [1, 1, 1], count: 3 },
      /positive spans/,
    ],
    [{ positiveSpans: [{ offset: 2 ** 31, length: 1 }], positiveBuckets: [1], count: 1 }, /positive spans/],
    [{ positiveSpans: spans, positiveBuckets: [1, -1], count: 0 }, /-1 observations in a bucket/],
    [{ positiveSpans: spans, positiveBuckets: [1, 1], count: 3 }, /2 observations in buckets, 3 in all/],
    [{ zeroCount: 1, count: 0, sum: Number.NaN }, /1 observations in buckets, 0 in all/],
    [{ zeroThreshold: -1 }, /zero threshold of -1/],
    [{ zeroThreshold: Number.NaN }, /zero threshold of NaN/],
    [{ count: Number.NaN }, /NaN observations/],
    [{ schema: -53, zeroCount: 1, count: 1 }, /zero bucket/],
    [{ schema: -53, negativeSpans: spans, negativeBuckets: [1, 1], count: 2 }, /negative buckets/],
    [{ schema: -53, customValues: [1, 1] }, /do not ascend/],
    [{ schema: -53, customValues: [1, Number.POSITIVE_INFINITY] }, /custom bound of Infinity/],
    [{ schema: -53, positiveSpans: spans, positiveBuckets: [1, 1], count: 2 }, /beyond the custom bounds/],
  ];
  for (const [changes, fault] of cases) {
    const { histogram, fault: got, timestampMs } = readBack(changes);
    assert.equal(histogram, undefined);
    assert.match(got ?? '', fault);
    assert.equal(timestampMs, 5);
  }
  assert.equal(readBack({ zeroCount: 1, count: 2, sum: Number.NaN }).fault, undefined);
  assert.equal(readBack({ positiveSpans: spans, positiveBuckets: [1, 1], count: 3 }, true).fault, undefined);
});

test('counts of a float histogram that are whole and do not add up are read as they were written', () => {
  const histogram = { ...EMPTY, count: 3, positiveSpans: [{ offset: 0, length: 1 }], positiveBuckets: [1] };
  const to = new ByteWriter();
  writeHistogram({ timestampMs: 5, histogram }, to);
  body.reset(to.take());
  assert.deepEqual(reader.read(body, 0, body.end).histogram, histogram);
});

test('a schema finer than 8 becomes 8', () => {
  // Bucket i of schema s ends at 2^(i / 2^s): those of schema 9 that end at 2^(1/512) and 2^(2/512) end up in one.
  const { histogram } = readBack({
    schema: 9,
    count: 15,
    positiveSpans: [
      { offset: -2, length: 3 },
      { offset: 0, length: 2 },
      { offset: 100, length: 1 },
    ],
    positiveBuckets: [1, 2, 3, 4, 0, 5],
  });
  assert.equal(histogram?.schema, 8);
  assert.deepEqual(histogram?.positiveSpans, [
    { offset: -1, length: 3 },
    { offset: 50, length: 1 },
  ]);
  assert.deepEqual(histogram?.positiveBuckets, [1, 5, 4, 5]);
});

test('a staleness marker is one, whatever its counts', () => {
  const stale = new Float64Array(Uint32Array.of(STALE_LOW, STALE_HIGH).buffer)[0];
  const { fault, sumLow, sumHigh } = readBack({ sum: stale, count: 2 ** 52, zeroCount: 3 });
  assert.deepEqual([fault, sumLow, sumHigh], [undefined, STALE_LOW, STALE_HIGH]);
});

test('more buckets than a record of the log holds are refused', () => {
  const positiveBuckets = new Array(20_000).fill(1);
  const { fault } = readBack({
    positiveSpans: [{ offset: 0, length: 20_000 }],
    positiveBuckets,
    count: 20_000,
  });
  assert.match(fault ?? '', /more than 16384 buckets/);
});
