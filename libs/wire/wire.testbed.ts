/** What the tests of request formats share: arbitrary series, and sources read into plain objects. */
import { ContentHash } from '@xscaler/encoding';
import { type Exemplar, type FloatHistogram, Labels, type MetricMetadata } from '@xscaler/model';
import fc from 'fast-check';
import { LabelSetParser } from './labels/label-set.ts';
import {
  AT_END,
  AT_METADATA,
  AT_REFUSAL,
  AT_SERIES,
  type SeriesSource,
  type SourceRefusal,
} from './labels/series-source.ts';

const parser = new LabelSetParser();

export const testHash = (): ContentHash => new ContentHash(Uint32Array.of(1, 2, 3, 4));

export interface ReadHistogram {
  readonly histogram: FloatHistogram | undefined;
  readonly fault: string | undefined;
  readonly timestampMs: number;
  readonly startMs: number;
}

export interface ReadSeries {
  readonly labels: Labels;
  readonly fault: string | undefined;
  readonly normalised: boolean;
  readonly hash: string;
  readonly timestamps: number[];
  readonly words: number[];
  readonly startTimes: number[] | undefined;
  readonly histograms: ReadHistogram[];
  readonly exemplars: (Exemplar | undefined)[];
}

export interface ReadRequest {
  readonly series: ReadSeries[];
  readonly metadata: MetricMetadata[];
  readonly refusals: SourceRefusal[];
}

/** Everything a source has, as plain objects. */
export function readSource(source: SeriesSource, hash = testHash()): ReadRequest {
  const read: ReadRequest = { series: [], metadata: [], refusals: [] };
  for (let at = source.next(); at !== AT_END; at = source.next()) {
    if (at === AT_METADATA) {
      source.metadataHash(hash);
      read.metadata.push(source.metadata());
    } else if (at === AT_REFUSAL) {
      read.refusals.push(source.refusal);
    } else if (at === AT_SERIES) {
      read.series.push(readSeries(source, hash));
    } else {
      throw new Error(`a source that stands on ${at}`);
    }
  }
  return read;
}

function readSeries(source: SeriesSource, hash: ContentHash): ReadSeries {
  source.contentHash(hash);
  parser.parse(source.labelBytes, source.labelsStart, source.labelsEnd);
  const { fault, normalised } = parser;
  const { sampleCount, histogramCount, exemplarCount } = source;
  const histograms = Array.from({ length: histogramCount }, (_, i) => {
    const { histogram, fault, timestampMs, startMs } = source.histogram(i);
    return { histogram, fault, timestampMs, startMs };
  });
  return {
    labels: Labels.fromSorted(parser.takePairs()),
    fault,
    normalised,
    hash: `${hash.h0} ${hash.h1} ${hash.h2} ${hash.h3}`,
    timestamps: [...source.timestamps.subarray(0, sampleCount)],
    words: [...source.valueWords.subarray(0, 2 * sampleCount)],
    startTimes: source.hasStartTimes ? [...source.startTimes.subarray(0, sampleCount)] : undefined,
    histograms,
    exemplars: Array.from({ length: exemplarCount }, (_, i) => source.exemplar(i)),
  };
}

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 150 });

export const anyLabels: fc.Arbitrary<Labels> = fc
  .array(fc.tuple(text, text), { minLength: 1, maxLength: 6 })
  .map(Labels.from);

export const anyTimestamp: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 1_600_000_000_000, max: 1_800_000_000_000 }),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -1, 1, 2 ** 53, -(2 ** 53)),
);

/** Spans and counts that fit; the first offset may be negative if the histogram is exponential. */
function anySide(minOffset: number, count: fc.Arbitrary<number>) {
  return fc
    .array(
      fc.tuple(
        fc.integer({ min: 0, max: 9 }),
        fc.array(count, { maxLength: 5 }),
        fc.integer({ min: minOffset, max: 9 }),
      ),
      { maxLength: 4 },
    )
    .map((runs) => ({
      spans: runs.map(([gap, counts, first], i) => ({
        offset: i === 0 ? first : gap,
        length: counts.length,
      })),
      counts: runs.flatMap(([, counts]) => counts),
    }));
}

const total = (counts: readonly number[]) => counts.reduce((sum, one) => sum + one, 0);

const exponential = fc
  .tuple(
    fc.boolean(),
    fc.integer({ min: -4, max: 8 }),
    fc.double(),
    fc.constantFrom(0, 1e-128, 2 ** -128, 0.5),
  )
  .chain(([whole, schema, sum, zeroThreshold]) => {
    const count = whole ? fc.nat({ max: 2 ** 31 }) : fc.double({ min: 0, noNaN: true, max: 1e12 });
    const hints = fc.constantFrom('unknown', 'reset', 'not_reset', 'gauge' as const);
    return fc.tuple(anySide(-9, count), anySide(-9, count), count, hints).map(
      ([positive, negative, zeroCount, counterResetHint]): FloatHistogram => ({
        schema,
        zeroThreshold,
        zeroCount,
        count: total(positive.counts) + total(negative.counts) + zeroCount,
        sum: Number.isNaN(sum) ? 0 : sum,
        positiveSpans: positive.spans,
        positiveBuckets: positive.counts,
        negativeSpans: negative.spans,
        negativeBuckets: negative.counts,
        customValues: [],
        counterResetHint,
      }),
    );
  });

const custom = fc.array(fc.nat({ max: 1000 }), { minLength: 1, maxLength: 9 }).map(
  (counts): FloatHistogram => ({
    schema: -53,
    zeroThreshold: 0,
    zeroCount: 0,
    count: total(counts),
    sum: 5,
    positiveSpans: [{ offset: 0, length: counts.length }],
    positiveBuckets: counts,
    negativeSpans: [],
    negativeBuckets: [],
    customValues: counts.slice(1).map((_, i) => i * i - 3),
    counterResetHint: 'unknown',
  }),
);

/** Valid native histograms of every kind. */
export const anyHistogram: fc.Arbitrary<FloatHistogram> = fc.oneof(exponential, custom);

export const anyExemplar: fc.Arbitrary<Exemplar> = fc.record({
  labels: anyLabels,
  value: fc.double(),
  timestampMs: anyTimestamp,
});
