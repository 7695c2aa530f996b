import type { CounterResetHint, FloatHistogram } from '@xscaler/model';
import { type BucketCounts, combine, pack, rebucket, spread } from './bucket-counts.ts';
import { boundOf, CUSTOM_SCHEMA } from './buckets.ts';

/** A histogram taken apart for arithmetic. */
export interface HistogramParts {
  schema: number;
  zeroThreshold: number;
  zeroCount: number;
  positive: BucketCounts;
  negative: BucketCounts;
  customValues: readonly number[];
}

function takeApart(histogram: FloatHistogram): HistogramParts {
  const { schema, zeroThreshold, zeroCount, customValues } = histogram;
  return {
    schema,
    zeroThreshold,
    zeroCount,
    positive: spread(histogram.positiveSpans, histogram.positiveBuckets),
    negative: spread(histogram.negativeSpans, histogram.negativeBuckets),
    customValues,
  };
}

function putTogether(
  parts: HistogramParts,
  count: number,
  sum: number,
  counterResetHint: CounterResetHint,
): FloatHistogram {
  const positive = pack(parts.positive);
  const negative = pack(parts.negative);
  return {
    schema: parts.schema,
    zeroThreshold: parts.zeroThreshold,
    zeroCount: parts.zeroCount,
    count,
    sum,
    positiveSpans: positive.spans,
    positiveBuckets: positive.buckets,
    negativeSpans: negative.spans,
    negativeBuckets: negative.buckets,
    customValues: parts.customValues,
    counterResetHint,
  };
}

/** What came of a sum or difference of two histograms. */
export interface HistogramSum {
  readonly histogram: FloatHistogram;
  /** One was known to follow a counter reset, the other not to. */
  readonly hintsCollide: boolean;
  /** Both had custom buckets, but other bounds: only shared bounds are left. */
  readonly boundsReconciled: boolean;
}

export function usesCustomBuckets({ schema }: FloatHistogram): boolean {
  return schema === CUSTOM_SCHEMA;
}

/**
 * left + sign × right, at the lower of both resolutions and the wider of both zero buckets.
 * @returns undefined if one has exponential and the other custom buckets
 */
export function combineHistograms(
  left: FloatHistogram,
  right: FloatHistogram,
  sign: 1 | -1,
): HistogramSum | undefined {
  if (usesCustomBuckets(left) !== usesCustomBuckets(right)) return undefined;
  const a = takeApart(left);
  const b = takeApart(right);
  const boundsReconciled = usesCustomBuckets(left) ? reconcileBounds(a, b) : false;
  if (!usesCustomBuckets(left)) {
    reconcileZeroBuckets(a, b);
    const schema = Math.min(a.schema, b.schema);
    lowerSchema(a, schema);
    lowerSchema(b, schema);
  }
  const parts = {
    ...a,
    zeroCount: a.zeroCount + sign * b.zeroCount,
    positive: combine(a.positive, b.positive, sign),
    negative: combine(a.negative, b.negative, sign),
  };
  const { hint, collide } = combineHints(left.counterResetHint, right.counterResetHint);
  const count = left.count + sign * right.count;
  const histogram = putTogether(parts, count, left.sum + sign * right.sum, hint);
  return { histogram, hintsCollide: collide, boundsReconciled };
}

function combineHints(
  a: CounterResetHint,
  b: CounterResetHint,
): { hint: CounterResetHint; collide: boolean } {
  if (a === b) return { hint: a, collide: false };
  if (a === 'gauge' || b === 'gauge') return { hint: 'gauge', collide: false };
  return { hint: 'unknown', collide: a !== 'unknown' && b !== 'unknown' };
}

/**
 * Takes histograms apart onto one layout: the lowest resolution, the widest zero bucket, the custom bounds
 * that all share.
 * @returns undefined if exponential and custom buckets meet
 */
export function alignHistograms(
  histograms: readonly FloatHistogram[],
): { layouts: readonly Readonly<HistogramParts>[]; boundsReconciled: boolean } | undefined {
  const custom = usesCustomBuckets(histograms[0]);
  if (histograms.some((one) => usesCustomBuckets(one) !== custom)) return undefined;
  const layouts = histograms.map(takeApart);
  let boundsReconciled = false;
  if (custom) {
    for (const layout of layouts.slice(1)) if (reconcileBounds(layouts[0], layout)) boundsReconciled = true;
    for (const layout of layouts) reconcileBounds(layouts[0], layout);
    return { layouts, boundsReconciled };
  }
  for (let settled = false; !settled; ) {
    for (const layout of layouts.slice(1)) reconcileZeroBuckets(layouts[0], layout);
    settled = layouts.every((layout) => layout.zeroThreshold === layouts[0].zeroThreshold);
  }
  const schema = Math.min(...layouts.map((layout) => layout.schema));
  for (const layout of layouts) lowerSchema(layout, schema);
  return { layouts, boundsReconciled };
}

function lowerSchema(parts: HistogramParts, schema: number): void {
  const shift = parts.schema - schema;
  if (shift === 0) return;
  const target = (index: number) => ((index - 1) >> shift) + 1;
  parts.positive = rebucket(parts.positive, target);
  parts.negative = rebucket(parts.negative, target);
  parts.schema = schema;
}

/** The histogram at a lower resolution. */
export function atSchema(histogram: FloatHistogram, schema: number): FloatHistogram {
  if (histogram.schema === schema || usesCustomBuckets(histogram)) return histogram;
  const parts = takeApart(histogram);
  lowerSchema(parts, schema);
  return putTogether(parts, histogram.count, histogram.sum, histogram.counterResetHint);
}

/** Widens both zero buckets until they are the same and cut through no populated bucket. */
function reconcileZeroBuckets(a: HistogramParts, b: HistogramParts): void {
  while (a.zeroThreshold !== b.zeroThreshold) {
    if (a.zeroThreshold < b.zeroThreshold) widenZeroBucket(a, b.zeroThreshold);
    else widenZeroBucket(b, a.zeroThreshold);
  }
}

/** Moves buckets within the threshold into the zero bucket; a populated one that straddles it raises it. */
function widenZeroBucket(parts: HistogramParts, threshold: number): void {
  for (;;) {
    const raised = Math.max(
      straddled(parts.positive, parts, threshold),
      straddled(parts.negative, parts, threshold),
    );
    if (raised <= threshold) break;
    threshold = raised;
  }
  parts.positive = takeInner(parts, parts.positive, threshold);
  parts.negative = takeInner(parts, parts.negative, threshold);
  parts.zeroThreshold = threshold;
}

function layoutOf(parts: HistogramParts): { schema: number; customValues: readonly number[] } {
  return { schema: parts.schema, customValues: parts.customValues };
}

/** Upper bound of the populated bucket that the threshold lies in, or 0. */
function straddled({ indices, counts }: BucketCounts, parts: HistogramParts, threshold: number): number {
  const layout = layoutOf(parts);
  for (let i = 0; i < indices.length; i++) {
    if (boundOf(indices[i] - 1, layout) >= threshold) break;
    const upper = boundOf(indices[i], layout);
    if (upper > threshold && counts[i] !== 0) return upper;
  }
  return 0;
}

function takeInner(
  parts: HistogramParts,
  { indices, counts }: BucketCounts,
  threshold: number,
): BucketCounts {
  const layout = layoutOf(parts);
  let i = 0;
  while (i < indices.length && boundOf(indices[i] - 1, layout) < threshold) parts.zeroCount += counts[i++];
  return { indices: indices.slice(i), counts: counts.slice(i) };
}

/** Leaves both only the custom bounds they share. @returns whether they differed */
function reconcileBounds(a: HistogramParts, b: HistogramParts): boolean {
  const same =
    a.customValues.length === b.customValues.length &&
    a.customValues.every((bound, i) => bound === b.customValues[i]);
  if (same) return false;
  const theirs = new Set(b.customValues);
  const shared = a.customValues.filter((bound) => theirs.has(bound));
  rebound(a, shared);
  rebound(b, shared);
  return true;
}

function rebound(parts: HistogramParts, bounds: readonly number[]): void {
  const target = (index: number) => {
    const upper = parts.customValues[index] ?? Number.POSITIVE_INFINITY;
    const at = bounds.findIndex((bound) => bound >= upper);
    return at < 0 ? bounds.length : at;
  };
  parts.positive = rebucket(parts.positive, target);
  parts.customValues = bounds;
}

/** All counts and the sum times a factor. */
export function scaleHistogram(
  histogram: FloatHistogram,
  factor: number,
  operation: 'multiply' | 'divide' = 'multiply',
): FloatHistogram {
  const scale =
    operation === 'multiply' ? (value: number) => value * factor : (value: number) => value / factor;
  const scaled = {
    ...histogram,
    zeroCount: scale(histogram.zeroCount),
    count: scale(histogram.count),
    sum: scale(histogram.sum),
    positiveBuckets: histogram.positiveBuckets.map(scale),
    negativeBuckets: histogram.negativeBuckets.map(scale),
  };
  if (operation === 'divide' && factor === 0) return withoutBuckets(scaled);
  return factor < 0 ? { ...scaled, counterResetHint: 'gauge' } : scaled;
}

/** Nothing but zero observations can be spread over buckets after a division by zero. */
function withoutBuckets(histogram: FloatHistogram): FloatHistogram {
  return { ...histogram, positiveSpans: [], positiveBuckets: [], negativeSpans: [], negativeBuckets: [] };
}

export function withHint(histogram: FloatHistogram, counterResetHint: CounterResetHint): FloatHistogram {
  return { ...histogram, counterResetHint };
}

/** An empty histogram of the same layout. */
export function emptyLike(histogram: FloatHistogram): FloatHistogram {
  return { ...withoutBuckets(histogram), zeroCount: 0, count: 0, sum: 0 };
}

/** Whether a counter was reset between two of its histograms: a hint says so, or any count fell. */
export function isHistogramReset(current: FloatHistogram, previous: FloatHistogram): boolean {
  if (current.counterResetHint === 'reset') return true;
  if (current.counterResetHint === 'not_reset') return false;
  if (current.count < previous.count) return true;
  if (usesCustomBuckets(current) !== usesCustomBuckets(previous)) return true;
  const now = takeApart(current);
  const before = takeApart(previous);
  if (usesCustomBuckets(current)) reconcileBounds(now, before);
  else {
    if (current.schema > previous.schema || current.zeroThreshold < previous.zeroThreshold) return true;
    if (before.zeroThreshold < now.zeroThreshold) widenZeroBucket(before, now.zeroThreshold);
    if (before.zeroThreshold !== now.zeroThreshold) return true;
    if (now.zeroCount < before.zeroCount) return true;
    lowerSchema(before, now.schema);
  }
  return anyFell(now.positive, before.positive) || anyFell(now.negative, before.negative);
}

function anyFell(current: BucketCounts, previous: BucketCounts): boolean {
  const counts = new Map(current.indices.map((index, i) => [index, current.counts[i]]));
  return previous.indices.some((index, i) => {
    if (previous.counts[i] === 0) return false;
    return (counts.get(index) ?? 0) < previous.counts[i];
  });
}

/** Whether two histograms are the same but for their hints and empty buckets. */
export function equalHistograms(a: FloatHistogram, b: FloatHistogram): boolean {
  return canonical(a) === canonical(b);
}

function canonical(histogram: FloatHistogram): string {
  const parts = takeApart(histogram);
  const { schema, zeroThreshold, zeroCount, count, sum, customValues } = histogram;
  const sides = [pack(parts.positive), pack(parts.negative)];
  return [schema, zeroThreshold, zeroCount, count, sum, customValues, JSON.stringify(sides)].join('|');
}
