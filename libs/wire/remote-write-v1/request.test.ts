import assert from 'node:assert/strict';
import test from 'node:test';
import { Labels, METRIC_TYPES } from '@xscaler/model';
import fc from 'fast-check';
import { LabelSetParser } from '../labels/label-set.ts';
import { AT_END, AT_METADATA, AT_SERIES } from '../labels/series-source.ts';
import { encodeWriteRequestV2 } from '../remote-write-v2/request-encoder.ts';
import { anyHistogram, anyTimestamp, readSource } from '../wire.testbed.ts';
import { encodeWriteRequest, type WriteSeries } from './request-encoder.ts';
import { WriteRequestReader } from './request-reader.ts';

const reader = new WriteRequestReader();
const parser = new LabelSetParser();

interface ReadSeries {
  readonly labels: Labels;
  readonly timestamps: number[];
  readonly words: number[];
  readonly exemplars: number;
  readonly histograms: number;
}

function read(body: Uint8Array) {
  const series: ReadSeries[] = [];
  const metadata: unknown[] = [];
  reader.reset(body);
  for (let at = reader.next(); at !== AT_END; at = reader.next()) {
    if (at === AT_METADATA) {
      metadata.push(reader.metadata());
      continue;
    }
    assert.equal(at, AT_SERIES);
    parser.parse(reader.labelBytes, reader.labelsStart, reader.labelsEnd);
    for (let i = 0; i < reader.exemplarCount; i++) reader.exemplar(i);
    series.push({
      labels: Labels.fromSorted(parser.takePairs()),
      timestamps: [...reader.timestamps.subarray(0, reader.sampleCount)],
      words: [...reader.valueWords.subarray(0, 2 * reader.sampleCount)],
      exemplars: reader.exemplarCount,
      histograms: reader.histogramCount,
    });
  }
  return { series, metadata };
}

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 150 });
const writeSeries: fc.Arbitrary<WriteSeries> = fc
  .record({
    labels: fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 6 }).map(Labels.from),
    samples: fc.array(fc.tuple(anyTimestamp, fc.double()), { maxLength: 5 }),
  })
  .map(({ labels, samples }) => ({
    labels,
    timestamps: samples.map(([timestampMs]) => timestampMs),
    values: Float64Array.from(samples, ([, value]) => value),
  }));

test('what was encoded is read again, bit for bit', () => {
  fc.assert(
    fc.property(fc.array(writeSeries, { maxLength: 8 }), (series) => {
      const got = read(encodeWriteRequest(series)).series;
      assert.equal(got.length, series.length);
      for (const [i, one] of got.entries()) {
        const values = series[i].values as Float64Array;
        assert.deepEqual(one.labels.pairs, series[i].labels.pairs);
        assert.deepEqual(one.timestamps, [...series[i].timestamps]);
        assert.deepEqual(one.words, [...new Uint32Array(values.buffer)]);
      }
    }),
  );
});

test('times beyond 53 bits are infinities, on their own side', () => {
  const body = encodeWriteRequest([
    {
      labels: Labels.of({ a: 'b' }),
      timestamps: [2 ** 63 - 1024, -(2 ** 63), 2 ** 54, -(2 ** 54), -5],
      values: [1, 2, 3, 4, 5],
    },
  ]);
  const infinity = Number.POSITIVE_INFINITY;
  assert.deepEqual(read(body).series[0].timestamps, [infinity, -infinity, infinity, -infinity, -5]);
});

test('metadata is read, a type of the future is unknown', () => {
  const families = METRIC_TYPES.map((type) => ({ metric: `m_${type}`, type, help: 'Help.', unit: 'bytes' }));
  assert.deepEqual(read(encodeWriteRequest([], families)).metadata, families);
  assert.deepEqual(read(Uint8Array.of(0x1a, 5, 0x08, 99, 0x12, 1, 0x61)).metadata, [
    { metric: 'a', type: 'unknown', help: '', unit: '' },
  ]);
});

function message(tag: number, ...content: number[]): number[] {
  return [tag, content.length, ...content];
}

const label = (name: string, value: string) =>
  message(0x0a, ...message(0x0a, ...Buffer.from(name)), ...message(0x12, ...Buffer.from(value)));
const one = [0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f];
const time = [0x10, 0x96, 0x01];

test('fields may come in any order, apart, repeated, absent or unknown', () => {
  const sample = message(0x12, ...one, ...time);
  const unknown = [...message(0x3a, 1, 2, 3), 0x40, 7, 0x4d, 1, 2, 3, 4, 0x51, 1, 2, 3, 4, 5, 6, 7, 8];
  const group = [0x5b, 0x08, 1, 0x63, 0x64, 0x5c];
  const a = label('a', '1');
  const b = label('b', '2');
  const long = label('c', 'x'.repeat(100));
  for (const fields of [
    [a, b, sample],
    [sample, a, b],
    [a, sample, b],
    [b, sample, a],
    [unknown, a, unknown, b, group, sample, unknown],
    [group, sample, a, unknown, b],
    [[0x8a, 0, ...a.slice(1)], b, sample],
    [a, [0x8a, 0, ...b.slice(1)], sample],
  ]) {
    const { series } = read(Uint8Array.from([...unknown, ...message(0x0a, ...fields.flat()), ...group]));
    assert.deepEqual(series[0].labels.pairs, ['a', '1', 'b', '2']);
    assert.deepEqual(series[0].timestamps, [150]);
    assert.deepEqual(series[0].words, [0, 0x3ff00000]);
  }
  assert.equal(read(Uint8Array.from(message(0x0a, ...long))).series[0].labels.get('c').length, 100);
});

test('samples may lack a field or have it twice: the last one stands', () => {
  const cases: [number[], number, number][] = [
    [[...one, ...time], 150, 0x3ff00000],
    [[...time, ...one], 150, 0x3ff00000],
    [time, 150, 0],
    [one, 0, 0x3ff00000],
    [[], 0, 0],
    [[...one, ...time, 0x10, 7], 7, 0x3ff00000],
    [[...one, ...time, 0x1a, 1, 0xff], 150, 0x3ff00000],
    [[...one, 0x10, 0x96, 0x81, 0x80, 0x80, 0x80, 0x00], 150, 0x3ff00000],
    [[...one, 0x10, 0x96, 0x81, 0x80, 0x80, 0x80, 0x80, 0x00], 150, 0x3ff00000],
    [[...one, 0x10, 0x96, 0x01, 0x10, 0x96, 0x81, 0x00], 150, 0x3ff00000],
  ];
  for (const [fields, timestampMs, high] of cases) {
    const body = Uint8Array.from(message(0x0a, ...label('a', '1'), ...message(0x12, ...fields)));
    const [series] = read(body).series;
    assert.deepEqual([series.timestamps, series.words[1]], [[timestampMs], high]);
  }
});

test('exemplars are read on demand, histograms counted', () => {
  const exemplar = { labels: Labels.of({ trace_id: 'abc' }), value: 1.5, timestampMs: 1234 };
  const body = encodeWriteRequest([
    { labels: Labels.of({ a: 'b' }), timestamps: [1], values: [1], exemplars: [exemplar] },
  ]);
  reader.reset(body);
  assert.equal(reader.next(), AT_SERIES);
  assert.equal(reader.exemplarCount, 1);
  assert.deepEqual(reader.exemplar(0)?.labels.pairs, exemplar.labels.pairs);
  assert.equal(reader.exemplar(0)?.timestampMs, 1234);
  assert.equal(reader.next(), AT_END);
  const histograms = message(0x0a, ...label('a', '1'), ...message(0x22, 1, 2), ...message(0x22, 3));
  assert.equal(read(Uint8Array.from(histograms)).series[0].histograms, 2);
});

test('native histograms are read on demand, bit for bit', () => {
  const anySent = fc.record({ timestampMs: anyTimestamp, histogram: anyHistogram, asFloats: fc.boolean() });
  fc.assert(
    fc.property(fc.array(anySent, { maxLength: 4 }), (histograms) => {
      reader.reset(
        encodeWriteRequest([{ labels: Labels.of({ a: 'b' }), timestamps: [1], values: [2], histograms }]),
      );
      const [series] = readSource(reader).series;
      assert.deepEqual(series.timestamps, [1]);
      assert.deepEqual(
        series.histograms.map(({ histogram, timestampMs }) => ({ histogram, timestampMs })),
        histograms.map(({ histogram, timestampMs }) => ({ histogram, timestampMs })),
      );
    }),
  );
});

test('what is not a WriteRequest is refused', () => {
  const cases = [
    [0x0a],
    [0x0a, 5, 1],
    [0x00],
    [0x08, 1],
    [0x0c],
    [0x0f],
    message(0x0a, 0x0a, 200),
    message(0x0a, ...message(0x12, 0x09, 1, 2)),
    message(0x0a, ...message(0x12, 0x11, 1)),
    message(0x0a, 0x10, 1),
    [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    [0x5b, 0x63],
    Array.from({ length: 100 }, () => 0x5b),
    message(0x0a, ...message(0x12, 0x10, ...Array(11).fill(0xff))),
  ];
  for (const bytes of cases)
    assert.throws(() => read(Uint8Array.from(bytes)), { name: 'DecodeError' }, `${bytes}`);
});

test('a body of remote write 2.0 is refused by name', () => {
  const labels = Labels.of({ __name__: 'a' });
  const body = encodeWriteRequestV2([{ labels, timestamps: [1], values: [1] }]);
  assert.throws(() => read(body), {
    name: 'DecodeError',
    message: /not a prometheus\.WriteRequest but an io\.prometheus\.write\.v2\.Request/,
  });
});

test('truncated and bit-flipped requests decode or are refused, whatever is read stays within them', () => {
  const series = Array.from({ length: 5 }, (_, i) => ({
    labels: Labels.of({ __name__: 'requests_total', instance: `10.0.0.${i}:9090`, job: 'api' }),
    timestamps: [1_700_000_000_000, 1_700_000_015_000],
    values: [i, Number.NaN],
    exemplars: [{ labels: Labels.of({ trace_id: 'abc' }), value: 1, timestampMs: 3 }],
  }));
  const body = encodeWriteRequest(series, [{ metric: 'm', type: 'counter', help: 'h', unit: 'u' }]);
  let state = 4711;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let run = 0; run < 60_000; run++) {
    const damaged = body.slice(0, random(3) === 0 ? random(body.length) : body.length);
    for (let flips = random(4); flips > 0 && damaged.length > 0; flips--) {
      damaged[random(damaged.length)] ^= 1 << random(8);
    }
    try {
      const got = read(damaged);
      let bytes = 0;
      for (const { timestamps, labels } of got.series)
        bytes += 2 * timestamps.length + labels.pairs.join('').length;
      assert.ok(bytes <= 3 * damaged.length);
    } catch (error) {
      assert.equal((error as Error).name, 'DecodeError', String((error as Error).stack));
    }
  }
});

test('a reader used again has nothing left of the request before', () => {
  const loose = Uint8Array.from(
    message(0x0a, ...message(0x12, ...one), ...label('a', '1'), ...message(0x12), ...label('b', '2')),
  );
  const plain = encodeWriteRequest([{ labels: Labels.of({ z: 'y' }), timestamps: [9], values: [1] }]);
  assert.equal(read(loose).series[0].timestamps.length, 2);
  assert.deepEqual(read(plain).series[0].labels.pairs, ['z', 'y']);
  reader.release();
  assert.equal(reader.next(), AT_END);
  assert.equal(reader.labelBytes.length, 0);
});
