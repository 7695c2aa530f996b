import type { FloatHistogram } from '@xscaler/model';
import { KahanSum } from '../numbers/kahan.ts';
import { usesCustomBuckets } from './arithmetic.ts';
import { type Bucket, bucketsOf } from './buckets.ts';

/** What NaN observations did to a statistic. */
export type NanEffect = 'none' | 'nan' | 'skewed';

export interface HistogramQuantile {
  readonly value: number;
  readonly nanEffect: NanEffect;
}

/**
 * The q-quantile of a native histogram: linear within custom buckets and the zero bucket, exponential
 * elsewhere (Prometheus' documented interpolation). NaN observations are in the count but in no bucket.
 */
export function histogramQuantile(q: number, histogram: FloatHistogram): HistogramQuantile {
  const plain = (value: number): HistogramQuantile => ({ value, nanEffect: 'none' });
  if (q < 0) return plain(Number.NEGATIVE_INFINITY);
  if (q > 1) return plain(Number.POSITIVE_INFINITY);
  if (histogram.count === 0 || Number.isNaN(q)) return plain(Number.NaN);
  const hasNans = Number.isNaN(histogram.sum);
  const forward = hasNans || q < 0.5;
  const buckets = bucketsOf(histogram);
  if (!forward) buckets.reverse();
  let rank = (forward ? q : 1 - q) * histogram.count;
  let seen = 0;
  let bucket: Bucket | undefined;
  for (const one of buckets) {
    if (one.count === 0) continue;
    bucket = one;
    seen += one.count;
    if (seen >= rank) break;
  }
  if (!bucket) return { value: Number.NaN, nanEffect: hasNans ? 'nan' : 'none' };
  let { lower, upper } = bucket;
  if (usesCustomBuckets(histogram)) {
    if (lower === Number.NEGATIVE_INFINITY) {
      if (upper <= 0) return plain(upper);
      lower = 0;
    } else if (upper === Number.POSITIVE_INFINITY) return plain(lower);
  } else ({ lower, upper } = oneSidedZero(histogram, lower, upper));
  seen = Math.min(seen, histogram.count);
  if (seen < rank) {
    return hasNans ? { value: Number.NaN, nanEffect: 'nan' } : plain(forward ? upper : lower);
  }
  rank = forward ? rank - (seen - bucket.count) : seen - rank;
  const fraction = rank / bucket.count;
  const nanEffect = hasNans ? 'skewed' : 'none';
  if (usesCustomBuckets(histogram) || (lower <= 0 && upper >= 0)) {
    return { value: lower + (upper - lower) * fraction, nanEffect };
  }
  const logLower = Math.log2(Math.abs(lower));
  const logUpper = Math.log2(Math.abs(upper));
  const value =
    lower > 0
      ? 2 ** (logLower + (logUpper - logLower) * fraction)
      : -(2 ** (logUpper + (logLower - logUpper) * (1 - fraction)));
  return { value, nanEffect };
}

/** The zero bucket of a histogram with observations on one side only reaches just to zero. */
function oneSidedZero(
  histogram: FloatHistogram,
  lower: number,
  upper: number,
): { lower: number; upper: number } {
  if (lower < 0 && upper > 0) {
    const positive = histogram.positiveBuckets.length > 0;
    const negative = histogram.negativeBuckets.length > 0;
    if (positive && !negative) return { lower: 0, upper };
    if (negative && !positive) return { lower, upper: 0 };
  }
  return { lower, upper };
}

/** The share of observations between two values. */
export function histogramFraction(lower: number, upper: number, histogram: FloatHistogram): number {
  if (histogram.count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  const ranks = [rankBelow(lower, histogram), rankBelow(upper, histogram)];
  return (Math.min(ranks[1], histogram.count) - Math.min(ranks[0], histogram.count)) / histogram.count;
}

/** How many observations are below a value; NaN ones never are. */
function rankBelow(value: number, histogram: FloatHistogram): number {
  const custom = usesCustomBuckets(histogram);
  let rank = 0;
  for (const bucket of bucketsOf(histogram)) {
    let { lower, upper } = bucket;
    const zero = lower <= 0 && upper >= 0;
    if (!custom) ({ lower, upper } = oneSidedZero(histogram, lower, upper));
    if (lower >= value) return rank;
    if (lower < value && upper > value) {
      if (lower === Number.NEGATIVE_INFINITY) {
        // The first bucket starts at zero; below zero it has no width to divide.
        if (upper <= 0) return rank + bucket.count;
        lower = Math.min(0, value);
      }
      if (upper === Number.POSITIVE_INFINITY) return rank;
      const fraction =
        custom || zero ? (value - lower) / (upper - lower) : exponentialFraction(value, lower, upper);
      return rank + bucket.count * fraction;
    }
    rank += bucket.count;
  }
  return rank;
}

function exponentialFraction(value: number, lower: number, upper: number): number {
  const logLower = Math.log2(Math.abs(lower));
  const logUpper = Math.log2(Math.abs(upper));
  const log = Math.log2(Math.abs(value));
  if (value > 0) return (log - logLower) / (logUpper - logLower);
  return 1 - (log - logUpper) / (logLower - logUpper);
}

/** Variance, each bucket's observations taken at its middle (geometric for exponential buckets). */
export function histogramVariance(histogram: FloatHistogram): number {
  const mean = histogram.sum / histogram.count;
  const total = new KahanSum();
  for (const { lower, upper, count } of bucketsOf(histogram)) {
    if (count === 0) continue;
    let middle = 0;
    if (usesCustomBuckets(histogram)) middle = (upper + lower) / 2;
    else if (!(lower <= 0 && upper >= 0)) middle = Math.sqrt(upper * lower) * Math.sign(upper);
    const delta = middle - mean;
    total.add(count * delta * delta);
  }
  return total.total / histogram.count;
}
