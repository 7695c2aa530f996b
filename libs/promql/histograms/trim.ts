import type { FloatHistogram } from '@xscaler/model';
import { KahanSum } from '../numbers/kahan.ts';
import { usesCustomBuckets } from './arithmetic.ts';
import { pack } from './bucket-counts.ts';
import { type Bucket, bucketsOf } from './buckets.ts';

/** What stays of a bucket: how much, and the value its observations are taken for. */
interface Remainder {
  readonly count: number;
  readonly middle: number;
}

/**
 * The operators `</` and `>/`: the part of a histogram below or above a cutoff. A bucket that the cutoff
 * divides is interpolated as for quantiles; a bucket without end cannot be divided: it stays or goes whole.
 * Where anything goes, the sum is estimated anew from the middles of what stays.
 */
export function trimHistogram(
  histogram: FloatHistogram,
  cutoff: number,
  keep: 'below' | 'above',
): FloatHistogram {
  const trim = usesCustomBuckets(histogram) ? trimCustom : trimExponential;
  const positive = { indices: [] as number[], counts: [] as number[] };
  const negative = { indices: [] as number[], counts: [] as number[] };
  const sum = new KahanSum();
  let zeroCount = 0;
  let count = 0;
  let removed = false;
  for (const bucket of bucketsOf(histogram)) {
    const remainder = trim(bucket, cutoff, keep, histogram);
    if (remainder.count !== bucket.count) removed = true;
    if (remainder.count === 0) continue;
    count += remainder.count;
    sum.add(remainder.count * remainder.middle);
    if (bucket.side === 'zero') zeroCount = remainder.count;
    else {
      const side = bucket.side === 'positive' ? positive : negative;
      side.indices.push(bucket.index);
      side.counts.push(remainder.count);
    }
  }
  if (!removed) return histogram;
  negative.indices.reverse();
  negative.counts.reverse();
  const packedPositive = pack(positive);
  const packedNegative = pack(negative);
  return {
    ...histogram,
    zeroCount,
    count,
    sum: sum.total,
    positiveSpans: packedPositive.spans,
    positiveBuckets: packedPositive.buckets,
    negativeSpans: packedNegative.spans,
    negativeBuckets: packedNegative.buckets,
  };
}

const NOTHING: Remainder = { count: 0, middle: 0 };

function trimExponential(
  bucket: Bucket,
  cutoff: number,
  keep: 'below' | 'above',
  histogram: FloatHistogram,
): Remainder {
  let { lower, upper } = bucket;
  const { count, side } = bucket;
  if (side === 'zero') {
    const hasPositive = histogram.positiveBuckets.length > 0;
    const hasNegative = histogram.negativeBuckets.length > 0;
    if (hasPositive && !hasNegative) lower = 0;
    if (hasNegative && !hasPositive) upper = 0;
    return trimLinear(lower, upper, count, cutoff, keep);
  }
  const from = keep === 'above' ? Math.max(lower, Math.min(cutoff, upper)) : lower;
  const to = keep === 'below' ? Math.min(upper, Math.max(cutoff, lower)) : upper;
  if (from >= to) return NOTHING;
  const middle = Math.sign(lower + upper) * Math.sqrt(from * to);
  if (from === lower && to === upper) return { count, middle };
  const share = Math.abs(Math.log2(to / from) / Math.log2(upper / lower));
  return { count: count * share, middle };
}

function trimLinear(
  lower: number,
  upper: number,
  count: number,
  cutoff: number,
  keep: 'below' | 'above',
): Remainder {
  const from = keep === 'above' ? Math.max(lower, cutoff) : lower;
  const to = keep === 'below' ? Math.min(upper, cutoff) : upper;
  if (from >= to) return NOTHING;
  return { count: (count * (to - from)) / (upper - lower), middle: (from + to) / 2 };
}

function trimCustom({ lower, upper, count }: Bucket, cutoff: number, keep: 'below' | 'above'): Remainder {
  const below = keep === 'below';
  if (upper === Number.POSITIVE_INFINITY) {
    if (below) return cutoff === upper ? { count, middle: lower } : NOTHING;
    if (lower === Number.NEGATIVE_INFINITY) return cutoff === lower ? { count, middle: 0 } : NOTHING;
    return cutoff === upper ? NOTHING : { count, middle: Math.max(lower, cutoff) };
  }
  if (lower !== Number.NEGATIVE_INFINITY) return trimLinear(lower, upper, count, cutoff, keep);
  if (!below && cutoff === lower) return { count, middle: upper > 0 ? upper / 2 : upper };
  if (upper > 0) {
    // The first bucket starts at zero, as far as anybody knows: a cutoff below that says nothing of it.
    return !below && cutoff < 0 ? NOTHING : trimLinear(0, upper, count, cutoff, keep);
  }
  if (!below || cutoff === lower) return NOTHING;
  return { count, middle: Math.min(upper, cutoff) };
}
