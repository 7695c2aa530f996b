import type { BucketSpan, FloatHistogram } from '@xscaler/model';

/** Schema of histograms whose bucket bounds are listed. */
export const CUSTOM_SCHEMA = -53;

/** One bucket of a native histogram. */
export interface Bucket {
  readonly lower: number;
  readonly upper: number;
  readonly lowerInclusive: boolean;
  readonly upperInclusive: boolean;
  readonly count: number;
  readonly side: 'negative' | 'zero' | 'positive';
  /** Its number in its schema, counted away from zero. */
  readonly index: number;
}

/** All buckets from the lowest bound to the highest: negative ones, the zero bucket if it counts, positive ones. */
export function bucketsOf(histogram: FloatHistogram): Bucket[] {
  const negative = sideBuckets(histogram.negativeSpans, histogram.negativeBuckets, (index, count) => ({
    lower: -boundOf(index, histogram),
    upper: -boundOf(index - 1, histogram),
    lowerInclusive: true,
    upperInclusive: false,
    count,
    side: 'negative',
    index,
  }));
  const positive = sideBuckets(histogram.positiveSpans, histogram.positiveBuckets, (index, count) => {
    const lower = boundOf(index - 1, histogram);
    const first = histogram.schema === CUSTOM_SCHEMA && index === 0;
    return {
      lower,
      upper: boundOf(index, histogram),
      lowerInclusive: first && lower < 0,
      upperInclusive: true,
      count,
      side: 'positive',
      index,
    };
  });
  const zero: Bucket[] = [];
  if (histogram.zeroCount !== 0) {
    zero.push({
      lower: -histogram.zeroThreshold,
      upper: histogram.zeroThreshold,
      lowerInclusive: true,
      upperInclusive: true,
      count: histogram.zeroCount,
      side: 'zero',
      index: 0,
    });
  }
  return [...negative.reverse(), ...zero, ...positive];
}

function sideBuckets(
  spans: readonly BucketSpan[],
  counts: readonly number[],
  make: (index: number, count: number) => Bucket,
): Bucket[] {
  const buckets: Bucket[] = [];
  let index = 0;
  let next = 0;
  for (const span of spans) {
    index += span.offset;
    for (let i = 0; i < span.length; i++) buckets.push(make(index++, counts[next++]));
  }
  return buckets;
}

/**
 * From one bound to the next, 2^(2^−schema) for schemas 0 to 8. That of schema 1 is one bit too low: so it is in
 * Prometheus, whose bounds are shown to the last digit.
 */
const GROWTH = [
  2,
  Math.SQRT2 - Number.EPSILON,
  1.189207115002721,
  1.0905077326652577,
  1.0442737824274138,
  1.0218971486541166,
  1.0108892860517005,
  1.0054299011128027,
  1.0027112750502025,
];

/**
 * Bounds from 1 up to 2 by schema. Every second one is the schema's below, the ones between grow from it: the method,
 * and so the rounding, by which the tables of Prometheus and its clients were made (client_golang, `histogram.go`).
 */
const FRACTIONS: readonly Float64Array[] = growthTables();

function growthTables(): Float64Array[] {
  const tables: Float64Array[] = [];
  for (const [schema, growth] of GROWTH.entries()) {
    const table = new Float64Array(2 ** schema).fill(1);
    for (let i = 1; i < table.length; i++)
      table[i] = i % 2 === 0 ? tables[schema - 1][i / 2] : table[i - 1] * growth;
    tables.push(table);
  }
  return tables;
}

/**
 * Upper bound of a positive bucket. Exponential schemas: 2^(index × 2^−schema), the last finite bound
 * being the largest double; custom ones: as listed, +Inf behind the last, −Inf before the first.
 */
export function boundOf(
  index: number,
  { schema, customValues }: Pick<FloatHistogram, 'schema' | 'customValues'>,
): number {
  if (schema === CUSTOM_SCHEMA) {
    if (index < 0) return Number.NEGATIVE_INFINITY;
    return index < customValues.length ? customValues[index] : Number.POSITIVE_INFINITY;
  }
  const exponent = index * 2 ** -schema;
  if (exponent === 1024) return Number.MAX_VALUE;
  if (schema <= 0) return 2 ** exponent;
  const whole = Math.floor(exponent);
  return FRACTIONS[schema][index - whole * 2 ** schema] * 2 ** whole;
}
