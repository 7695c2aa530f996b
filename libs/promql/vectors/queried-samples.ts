import type { FloatHistogram } from '@xscaler/model';

/**
 * How many samples a query looks at, by step, as Prometheus counts them (`totalQueryableSamples`): an instant
 * selector one a series, a range selector all in its window, a subquery the points in its window and nothing of what it
 * took to make them.
 */
export class QueriedSamples {
  readonly perStep: Float64Array;

  constructor(steps: number) {
    this.perStep = new Float64Array(steps);
  }

  /** Takes counts and keeps none: typed arrays ignore what is written past their end. */
  static uncounted(): QueriedSamples {
    return new QueriedSamples(0);
  }

  get total(): number {
    return this.perStep.reduce((sum, count) => sum + count, 0);
  }

  /** What was counted once stands at every step. */
  addToAll(count: number): void {
    for (let step = 0; step < this.perStep.length; step++) this.perStep[step] += count;
  }
}

/** Bytes of a histogram without its buckets in Prometheus, its time included. */
const EMPTY_HISTOGRAM_BYTES = 168 + 8;
const FLOAT_SAMPLE_BYTES = 16;

/** A histogram counts for as many floats as it takes the memory of. */
export function sampleWeight(histogram: FloatHistogram): number {
  const { positiveSpans, negativeSpans, positiveBuckets, negativeBuckets, customValues } = histogram;
  const numbers =
    positiveSpans.length +
    negativeSpans.length +
    positiveBuckets.length +
    negativeBuckets.length +
    customValues.length;
  return Math.floor((EMPTY_HISTOGRAM_BYTES + 8 * numbers) / FLOAT_SAMPLE_BYTES);
}
