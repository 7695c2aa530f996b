import type { FloatHistogram } from '@xscaler/model';
import { BucketLayout } from '../histogram/bucket-layout.ts';
import { CUSTOM_SCHEMA } from '../histogram/native-histogram-fault.ts';
import { FINEST_SCHEMA } from '../histogram/native-histogram-reader.ts';
import type { DataPoint, ExponentialBuckets } from './data-point.ts';

/** What Prometheus takes for a zero threshold if a point tells none. */
const DEFAULT_ZERO_THRESHOLD = 1e-128;

/** The coarsest scale that a native histogram can have. */
export const COARSEST_SCALE = -4;

/**
 * The native histogram of an exponential one. Bucket i of OTLP is (base^i, base^(i+1)], of Prometheus (base^(i−1), base^i];
 * a scale above 8 becomes 8, which puts 2, 4, … buckets into one.
 */
export function fromExponential(point: DataPoint, isDelta: boolean): FloatHistogram {
  const shift = Math.max(0, point.scale - FINEST_SCHEMA);
  const positive = layOut(point.positive, shift);
  const negative = layOut(point.negative, shift);
  return {
    schema: point.scale - shift,
    zeroThreshold: point.zeroThreshold === 0 ? DEFAULT_ZERO_THRESHOLD : point.zeroThreshold,
    zeroCount: point.zeroCount,
    count: point.count,
    sum: point.sum,
    positiveSpans: positive.spans,
    positiveBuckets: positive.counts,
    negativeSpans: negative.spans,
    negativeBuckets: negative.counts,
    customValues: [],
    counterResetHint: isDelta ? 'gauge' : 'unknown',
  };
}

function layOut({ offset, counts }: ExponentialBuckets, shift: number) {
  const layout = new BucketLayout();
  const width = 2 ** shift;
  for (let i = 0; i < counts.length; i++) layout.add(Math.floor((offset + i) / width) + 1, counts.values[i]);
  return layout.finish();
}

/** The native histogram of an explicit-bucket one: its bounds are the custom bounds. */
export function fromExplicit(point: DataPoint, isDelta: boolean): FloatHistogram {
  const layout = new BucketLayout();
  const { bucketCounts, bounds } = point;
  for (let i = 0; i < bucketCounts.length; i++) layout.add(i, bucketCounts.values[i]);
  // Without buckets all that is known is the count.
  if (bucketCounts.length === 0) layout.add(0, point.count);
  const { spans, counts } = layout.finish();
  return {
    schema: CUSTOM_SCHEMA,
    zeroThreshold: 0,
    zeroCount: 0,
    count: point.count,
    sum: point.sum,
    positiveSpans: spans,
    positiveBuckets: counts,
    negativeSpans: [],
    negativeBuckets: [],
    customValues: bucketCounts.length === 0 ? [] : [...bounds.values.subarray(0, bounds.length)],
    counterResetHint: isDelta ? 'gauge' : 'unknown',
  };
}
