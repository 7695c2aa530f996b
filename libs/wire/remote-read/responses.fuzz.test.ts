import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FloatHistogram, Labels, SampleColumns, STALE_HIGH, STALE_LOW } from '@xscaler/model';
import {
  type ChunkHistogram,
  type ChunkSample,
  type ReadSeries,
  readChunkedAnswer,
  readFrames,
  readSamplesAnswer,
  STALE_BITS,
} from '@xscaler/testkit';
import fc from 'fast-check';
import { ChunkedResponseWriter } from './chunked-response.ts';
import { SamplesResponseWriter } from './samples-response.ts';

const words = fc.oneof(
  fc.tuple(fc.nat(0xffffffff), fc.nat(0xffffffff)),
  fc.constantFrom<[number, number]>(
    [STALE_LOW, STALE_HIGH],
    [1, 0x7ff80000],
    [0, 0x80000000],
    [0, 0],
    [1, 0],
  ),
  fc.oneof(fc.integer(), fc.double()).map((value): [number, number] => {
    const [low, high] = new Uint32Array(Float64Array.of(value).buffer);
    return [low, high];
  }),
);

const gaps = fc.oneof(
  fc.constantFrom(15_000, 15_000, 15_000, 15_001, 14_990, 1),
  fc.integer({ min: 1, max: 2 ** 22 }),
  fc.integer({ min: 1, max: 2 ** 45 }),
);

const counts = (isFloat: boolean): fc.Arbitrary<number> =>
  isFloat
    ? fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map((count) => count + 0)
    : fc.oneof(fc.nat(20), fc.nat(100_000), fc.integer({ min: 0, max: 2 ** 50 }));

interface Layout {
  readonly isFloat: boolean;
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly positive: readonly { offset: number; length: number }[];
  readonly negative: readonly { offset: number; length: number }[];
  readonly customValues: readonly number[];
}

const spans = fc.array(fc.record({ offset: fc.nat(9), length: fc.nat(4) }, { noNullPrototype: true }), {
  maxLength: 3,
});
const exponential = fc.record({
  isFloat: fc.boolean(),
  schema: fc.integer({ min: -4, max: 8 }),
  zeroThreshold: fc.constantFrom(0, 2 ** -128, 1e-128, 0.001, 2 ** -243, 2 ** 10, 2 ** 11, 2 ** -244),
  positive: spans,
  negative: spans,
  customValues: fc.constant([]),
});
const custom = fc.record({
  isFloat: fc.boolean(),
  schema: fc.constant(-53),
  zeroThreshold: fc.constant(0),
  positive: spans,
  negative: fc.constant([]),
  customValues: fc.array(
    fc.oneof(
      fc.constantFrom(0.005, 0.01, 2.5, 33_554.43, 33_554.431, -1, 0),
      fc.double({ noNaN: true, min: 1 }),
    ),
    {
      maxLength: 5,
    },
  ),
});
const layouts: fc.Arbitrary<Layout> = fc.oneof(exponential, custom);

function histogramsOf(layout: Layout): fc.Arbitrary<FloatHistogram> {
  const lengthOf = (some: Layout['positive']) => some.reduce((sum, { length }) => sum + length, 0);
  const buckets = (some: Layout['positive']) => {
    const length = lengthOf(some);
    return fc.array(counts(layout.isFloat), { minLength: length, maxLength: length });
  };
  return fc
    .record({
      count: counts(layout.isFloat),
      zeroCount: counts(layout.isFloat),
      positiveBuckets: buckets(layout.positive),
      negativeBuckets: buckets(layout.negative),
      counterResetHint: fc.constantFrom(
        'unknown' as const,
        'unknown' as const,
        'reset' as const,
        'gauge' as const,
      ),
    })
    .map((some) => ({
      ...some,
      schema: layout.schema,
      zeroThreshold: layout.zeroThreshold,
      sum: 0,
      positiveSpans: layout.positive,
      negativeSpans: layout.negative,
      customValues: layout.customValues,
    }));
}

/** Some samples in a row: floats, or histograms of one layout. */
const runs = fc.oneof(
  fc.array(fc.record({ gap: gaps, words }), { minLength: 1, maxLength: 200 }),
  layouts.chain((layout) =>
    fc.array(fc.record({ gap: gaps, words, histogram: histogramsOf(layout) }), {
      minLength: 1,
      maxLength: 20,
    }),
  ),
);

const columns = fc
  .tuple(fc.integer({ min: -(2 ** 40), max: 2 ** 41 }), fc.array(runs, { maxLength: 4 }))
  .map(([startMs, all]) => {
    const samples = new SampleColumns();
    let timeMs = startMs;
    for (const sample of all.flat() as {
      gap: number;
      words: [number, number];
      histogram?: FloatHistogram;
    }[]) {
      timeMs += sample.gap;
      if (sample.histogram) samples.appendHistogram(timeMs, sample.histogram);
      else samples.appendWords(timeMs, 0, 0);
      samples.valueWords.set(sample.words, 2 * (samples.length - 1));
    }
    return samples;
  });

const labelSets = fc
  .dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string({ unit: 'grapheme', minLength: 1 }), {
    maxKeys: 4,
    noNullPrototype: true,
  })
  .map((labels) =>
    Labels.fromSorted(
      Object.entries(labels)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .flat(),
    ),
  );

const results = fc.array(fc.array(fc.record({ labels: labelSets, samples: columns }), { maxLength: 3 }), {
  maxLength: 3,
});

type Written = { readonly labels: Labels; readonly samples: SampleColumns };

function expectedOf({ labels, samples }: Written): ReadSeries {
  const expected: ChunkSample[] = [];
  for (let i = 0; i < samples.length; i++) {
    const bits = (BigInt(samples.valueWords[2 * i + 1]) << 32n) | BigInt(samples.valueWords[2 * i]);
    const histogram = samples.histograms?.[i];
    const sample = { timestampMs: samples.timestamps[i], bits };
    expected.push(histogram ? { ...sample, histogram: shownHistogram(histogram, bits) } : sample);
  }
  return { labels: [...labels.pairs], samples: expected };
}

/** What of a histogram an answer has: of a staleness marker nothing; its kind is not of interest. */
function shownHistogram(histogram: FloatHistogram | ChunkHistogram, bits: bigint): ChunkHistogram {
  const { schema, zeroThreshold, count, zeroCount, positiveSpans, negativeSpans } = histogram;
  const { positiveBuckets, negativeBuckets, customValues } = histogram;
  const isStale = bits === STALE_BITS;
  return {
    isFloat: false,
    schema: isStale ? 0 : schema,
    zeroThreshold: isStale ? 0 : zeroThreshold,
    count: isStale ? 0 : count,
    zeroCount: isStale ? 0 : zeroCount,
    positiveSpans: isStale ? [] : positiveSpans,
    negativeSpans: isStale ? [] : negativeSpans,
    positiveBuckets: isStale ? [] : positiveBuckets,
    negativeBuckets: isStale ? [] : negativeBuckets,
    customValues: isStale ? [] : customValues,
  };
}

function withoutKinds(read: readonly (readonly ReadSeries[])[]): ReadSeries[][] {
  return read.map((result) =>
    result.map(({ labels, samples }) => ({
      labels,
      samples: samples.map((sample) =>
        sample.histogram ? { ...sample, histogram: shownHistogram(sample.histogram, sample.bits) } : sample,
      ),
    })),
  );
}

function write<Writer extends SamplesResponseWriter | ChunkedResponseWriter>(
  writer: Writer,
  written: readonly (readonly Written[])[],
): Uint8Array {
  for (const result of written) {
    writer.beginQuery();
    for (const { labels, samples } of result) writer.addSeries(labels, samples);
  }
  return writer.finish();
}

test('an answer in samples has every sample bit for bit', () => {
  fc.assert(
    fc.property(results, (written) => {
      const read = withoutKinds(readSamplesAnswer(write(new SamplesResponseWriter(), written)));
      assert.deepEqual(
        read,
        written.map((result) => result.map(expectedOf)),
      );
    }),
    { numRuns: 200 },
  );
});

test('an answer in chunks has every sample bit for bit', () => {
  fc.assert(
    fc.property(results, (written) => {
      const read = withoutKinds(readChunkedAnswer(write(new ChunkedResponseWriter(), written)));
      // A query without series has no frame, and series that follow with the same labels can't be told apart.
      for (const [i, result] of written.entries()) {
        const flat = (all: readonly ReadSeries[] = []) =>
          all.flatMap(({ labels, samples }) => samples.map((sample) => ({ labels, ...sample })));
        assert.deepEqual(flat(read[i]), flat(result.map(expectedOf)));
      }
    }),
    { numRuns: 200 },
  );
});

test('a long series goes on in further frames, which tell its labels again', () => {
  const samples = new SampleColumns();
  for (let i = 0; i < 140_000; i++) samples.append(i * 15_000, Math.sin(i));
  const labels = Labels.fromSorted(['__name__', 'sine']);
  const writer = new ChunkedResponseWriter();
  const body = write(writer, [[{ labels, samples }]]);
  assert.equal(body.length, writer.byteLength);
  const frames = readFrames(body);
  assert.ok(frames.length > 1, `${frames.length} frames`);
  for (const frame of frames) {
    assert.deepEqual(frame.labels, ['__name__', 'sine']);
    const bytes = frame.chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0);
    assert.ok(bytes < 1024 * 1024 + 4096, `${bytes} bytes of chunks in a frame`);
  }
  const [[series]] = readChunkedAnswer(body);
  assert.equal(series.samples.length, 140_000);
});

test('within a chunk of histograms no counter is reset, and the next chunk says that it was', () => {
  const samples = new SampleColumns();
  const histogram: FloatHistogram = {
    schema: 0,
    zeroThreshold: 0,
    zeroCount: 0,
    count: 0,
    sum: 1,
    positiveSpans: [{ offset: 0, length: 1 }],
    positiveBuckets: [0],
    negativeSpans: [],
    negativeBuckets: [],
    customValues: [],
    counterResetHint: 'unknown',
  };
  for (const [i, count] of [5, 6, 2, 3].entries())
    samples.appendHistogram(i, { ...histogram, count, positiveBuckets: [count] });
  for (let i = 4; i < 200; i++) samples.appendHistogram(i, { ...histogram, count: i, positiveBuckets: [i] });
  samples.appendHistogram(200, { ...histogram, counterResetHint: 'gauge' });
  samples.appendHistogram(201, { ...histogram, counterResetHint: 'gauge', count: 1, positiveBuckets: [1] });
  const writer = new ChunkedResponseWriter();
  const [frame] = readFrames(write(writer, [[{ labels: Labels.fromSorted(['a', 'b']), samples }]]));
  const shown = frame.chunks.map(({ bytes, minTimeMs, maxTimeMs }) => [minTimeMs, maxTimeMs, bytes[2]]);
  assert.deepEqual(shown, [
    [0, 1, 0],
    [2, 121, 0x80],
    [122, 199, 0x40],
    [200, 201, 0xc0],
  ]);
});
