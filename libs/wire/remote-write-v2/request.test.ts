import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteWriter } from '@xscaler/encoding';
import { Labels } from '@xscaler/model';
import fc from 'fast-check';
import { doubleWords, writeMessage } from '../protobuf/protobuf-writer.ts';
import { encodeWriteRequest } from '../remote-write-v1/request-encoder.ts';
import {
  anyExemplar,
  anyHistogram,
  anyLabels,
  anyTimestamp,
  type ReadRequest,
  readSource,
} from '../wire.testbed.ts';
import { encodeWriteRequestV2, type WriteSeriesV2 } from './request-encoder.ts';
import { WriteRequestV2Reader } from './request-reader.ts';

const reader = new WriteRequestV2Reader();

function read(body: Uint8Array): ReadRequest {
  reader.reset(body);
  return readSource(reader);
}

const anySeries: fc.Arbitrary<WriteSeriesV2> = fc
  .record({
    labels: anyLabels,
    samples: fc.array(fc.tuple(anyTimestamp, fc.double(), fc.oneof(fc.constant(0), anyTimestamp)), {
      maxLength: 5,
    }),
    histograms: fc.array(
      fc.record({ timestampMs: anyTimestamp, histogram: anyHistogram, startMs: anyTimestamp }),
      { maxLength: 2 },
    ),
    exemplars: fc.array(anyExemplar, { maxLength: 2 }),
  })
  .map(({ labels, samples, histograms, exemplars }) => ({
    labels,
    timestamps: samples.map(([timestampMs]) => timestampMs),
    values: Float64Array.from(samples, ([, value]) => value),
    startTimes: samples.map(([, , startMs]) => startMs),
    histograms,
    exemplars,
  }));

test('what was encoded is read again, bit for bit', () => {
  fc.assert(
    fc.property(fc.array(anySeries, { maxLength: 6 }), (series) => {
      const got = read(encodeWriteRequestV2(series)).series;
      assert.equal(got.length, series.length);
      for (const [i, one] of got.entries()) {
        const sent = series[i];
        assert.deepEqual(one.labels.pairs, sent.labels.pairs);
        assert.ok(one.normalised);
        assert.deepEqual(one.timestamps, sent.timestamps);
        assert.deepEqual(one.words, [...doubleWords(sent.values as Float64Array)]);
        const startTimes = sent.startTimes ?? [];
        assert.deepEqual(
          one.startTimes,
          startTimes.some((startMs) => startMs !== 0) ? startTimes : undefined,
        );
        assert.deepEqual(
          one.histograms,
          sent.histograms?.map(({ histogram, timestampMs, startMs }) => ({
            histogram,
            fault: undefined,
            timestampMs,
            startMs,
          })),
        );
        assert.deepEqual(
          one.exemplars.map((exemplar) => [exemplar?.labels.pairs, exemplar?.value, exemplar?.timestampMs]),
          sent.exemplars?.map(({ labels, value, timestampMs }) => [labels.pairs, value, timestampMs]),
        );
      }
    }),
  );
});

const labels = Labels.of({ __name__: 'requests_total', job: 'api' });

test('a series has the same content hash in every request, whatever the order of the symbols', () => {
  const other = { labels: Labels.of({ api: 'job', job: 'other' }), timestamps: [1], values: [1] };
  const one = { labels, timestamps: [1], values: [1] };
  const [first] = read(encodeWriteRequestV2([one])).series;
  const [different, again] = read(encodeWriteRequestV2([other, one])).series;
  assert.equal(again.hash, first.hash);
  assert.notEqual(different.hash, first.hash);
  const swapped = { ...one, labels: Labels.fromSorted(['__name__', 'api', 'job', 'requests_total']) };
  assert.notEqual(read(encodeWriteRequestV2([swapped])).series[0].hash, first.hash);
});

test('metadata comes with its series, under the name of the family', () => {
  const metadata = { type: 'histogram', help: 'Time.', unit: 'seconds' } as const;
  const bucket = Labels.of({ __name__: 'd_seconds_bucket', le: '1' });
  const request = read(
    encodeWriteRequestV2([
      { labels: bucket, timestamps: [1], values: [1], metadata },
      { labels, timestamps: [1], values: [1], metadata: { type: 'counter', help: '', unit: '' } },
      { labels, timestamps: [1], values: [1], metadata: { type: 'unknown', help: '', unit: '' } },
    ]),
  );
  assert.deepEqual(request.metadata, [
    { metric: 'd_seconds', ...metadata },
    { metric: 'requests_total', type: 'counter', help: '', unit: '' },
  ]);
});

test('the created timestamp of a series stands for samples and histograms without a start of their own', () => {
  const histogram = {
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
  } as const;
  const [series] = read(
    encodeWriteRequestV2([
      {
        labels,
        timestamps: [10, 20],
        values: [1, 2],
        startTimes: [0, 7],
        histograms: [
          { timestampMs: 10, histogram },
          { timestampMs: 20, histogram, startMs: 8 },
        ],
        createdMs: 5,
      },
    ]),
  ).series;
  assert.deepEqual(series.startTimes, [5, 7]);
  assert.deepEqual(
    series.histograms.map(({ startMs }) => startMs),
    [5, 8],
  );
});

/** A request of these symbols and one series of these fields. */
function request(symbols: readonly string[], ...fields: number[]): Uint8Array {
  const body = new ByteWriter();
  for (const text of symbols) {
    body.u8(0x22);
    body.string(text);
  }
  const series = new ByteWriter();
  series.raw(Uint8Array.from(fields));
  writeMessage(body, 0x2a, series);
  return body.take();
}

const sample = [0x12, 11, 0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x10, 7];

test('a series with references that lead nowhere is refused by name, the others stand', () => {
  const good = encodeWriteRequestV2([{ labels, timestamps: [1], values: [1] }]);
  for (const [refs, reason] of [
    [[0x0a, 2, 1, 9], 'bad_symbol_reference'],
    [[0x0a, 3, 1, 2, 1], 'odd_label_references'],
    [[0x08, 1], 'odd_label_references'],
  ] as const) {
    const bad = request([], ...refs, ...sample, ...sample);
    const { series, refusals } = read(Buffer.concat([bad, good, bad]));
    assert.equal(series.length, 1);
    assert.deepEqual(
      refusals.map(({ reason, count }) => [reason, count]),
      [
        [reason, 2],
        [reason, 2],
      ],
    );
  }
});

test('metadata with references that lead nowhere is refused by name, its series stands', () => {
  const refs = [0x0a, 2, 1, 2];
  for (const [metadata, refused] of [
    [[0x08, 1, 0x18, 2], 0],
    [[0x08, 1, 0x18, 3], 1],
    [[0x20, 9], 1],
  ] as const) {
    const body = request(['', 'a', 'b'], ...refs, ...sample, 0x2a, metadata.length, ...metadata);
    const { series, metadata: entries, refusals } = read(body);
    assert.deepEqual(series[0].labels.pairs, ['a', 'b']);
    assert.equal(entries.length, 1 - refused);
    assert.deepEqual(
      refusals.map(({ reason, count, metadata }) => [reason, count, metadata]),
      refused === 0 ? [] : [['bad_symbol_reference', 0, 1]],
    );
  }
});

test('symbols may follow their series, references stand alone, fields in any order', () => {
  const series = request([], 0x08, 1, ...sample, 0x08, 2, 0x3a, 1, 5);
  const symbols = request(['', 'a', 'b']).subarray(0, 8);
  const { series: read1 } = read(Buffer.concat([series, symbols]));
  assert.deepEqual(read1[0].labels.pairs, ['a', 'b']);
  assert.deepEqual(read1[0].timestamps, [7]);
});

test('a body of remote write 1.0 is refused by name', () => {
  const labels = Labels.of({ __name__: 'a' });
  const body = encodeWriteRequest([{ labels, timestamps: [1], values: [1] }]);
  const refusal = { name: 'DecodeError', message: /not an io\.prometheus\.write\.v2\.Request but a/ };
  assert.throws(() => read(body), refusal);
  assert.throws(() => read(Uint8Array.of(0x1a, 2, 0x12, 0)), refusal, 'metadata alone');
  assert.deepEqual(read(new Uint8Array(0)), { series: [], metadata: [], refusals: [] });
});

test('labels that grow beyond the bound once written out are refused before they are', () => {
  const long = 'x'.repeat(10_000);
  const refs = Array.from({ length: 100 }, () => 1);
  const series = [0x0a, 100, ...refs, ...sample];
  const body = request(['', long], ...series);
  reader.reset(body, 100, 1_000_000);
  assert.throws(() => reader.next(), { name: 'TooLargeError' });
  reader.reset(body, 100, 1_100_000);
  reader.next();
  assert.ok(reader.labelsEnd > 1_000_000);
  assert.equal(
    read(request(['', 'x'.repeat(600_000)], 0x0a, 2, 1, 1, ...sample)).refusals[0].reason,
    'labels_too_long',
  );
  const many = new ByteWriter();
  many.u8(0x0a);
  many.uvarint(6_000);
  many.raw(new Uint8Array(6_000));
  assert.equal(read(request([''], ...many.take())).refusals[0].reason, 'labels_too_long');
});

test('what is not a Request is refused', () => {
  for (const bytes of [
    [0x2a],
    [0x2a, 5, 1],
    [0x22, 9],
    [0x20, 1],
    [0x28, 1],
    [0x2a, 2, 0x10, 1],
    [0x2a, 3, 0x0a, 200, 1],
    [0x2a, 5, 0x12, 3, 0x09, 1, 2],
    [0x2a, 4, 0x12, 2, 0x11, 1],
    [0x2a, 2, 0x0a, 0x80],
  ]) {
    assert.throws(() => read(Uint8Array.from(bytes)), { name: 'DecodeError' }, `${bytes}`);
  }
});
