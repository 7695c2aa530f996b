import type { CounterResetHint, FloatHistogram } from '@xscaler/model';
import { KahanSum, RunningMean } from '../numbers/kahan.ts';
import { alignHistograms } from './arithmetic.ts';
import { type BucketCounts, pack } from './bucket-counts.ts';

/** Sum or mean of several histograms, and what had to be reconciled for it. */
export interface HistogramAggregate {
  readonly histogram: FloatHistogram;
  readonly hintsCollide: boolean;
  readonly boundsReconciled: boolean;
}

/**
 * Adds histograms up, or averages them, each number by itself with compensated sums.
 * @returns undefined if exponential and custom buckets meet
 */
export function aggregateHistograms(
  histograms: readonly FloatHistogram[],
  average: boolean,
): HistogramAggregate | undefined {
  const [first] = histograms;
  if (histograms.length === 1) return { histogram: first, hintsCollide: false, boundsReconciled: false };
  const aligned = alignHistograms(histograms);
  if (!aligned) return undefined;
  const { layouts, boundsReconciled } = aligned;
  const total = average ? meanOf : sumOf;
  const side = (pick: (layout: (typeof layouts)[number]) => BucketCounts) => {
    const sides = layouts
      .map(pick)
      .map(({ indices, counts }) => new Map(indices.map((at, i) => [at, counts[i]])));
    const indices = [...new Set(sides.flatMap((one) => [...one.keys()]))].sort((a, b) => a - b);
    return pack({ indices, counts: indices.map((at) => total(sides.map((one) => one.get(at) ?? 0))) });
  };
  const positive = side((layout) => layout.positive);
  const negative = side((layout) => layout.negative);
  const hints = new Set(histograms.map((one) => one.counterResetHint));
  const hintsCollide = hints.has('reset') && hints.has('not_reset');
  const [onlyHint] = hints;
  const mixedHint: CounterResetHint = hints.has('gauge') ? 'gauge' : 'unknown';
  const histogram: FloatHistogram = {
    schema: layouts[0].schema,
    zeroThreshold: layouts[0].zeroThreshold,
    zeroCount: total(layouts.map((layout) => layout.zeroCount)),
    count: total(histograms.map((one) => one.count)),
    sum: total(histograms.map((one) => one.sum)),
    positiveSpans: positive.spans,
    positiveBuckets: positive.buckets,
    negativeSpans: negative.spans,
    negativeBuckets: negative.buckets,
    customValues: layouts[0].customValues,
    counterResetHint: hints.size === 1 ? onlyHint : mixedHint,
  };
  return { histogram, hintsCollide, boundsReconciled };
}

function sumOf(values: readonly number[]): number {
  const sum = new KahanSum();
  sum.reset(values[0]);
  for (let i = 1; i < values.length; i++) sum.add(values[i]);
  return sum.total;
}

function meanOf(values: readonly number[]): number {
  const mean = new RunningMean();
  for (const value of values) mean.add(value);
  return mean.mean;
}
