import { FLOAT } from '../vectors/query.ts';
import type { StepBlock } from '../vectors/step-block.ts';

/** Counts that differ by less than this share are taken for equal: an artefact of summing floats. */
const TOLERANCE = 1e-12;
/** The smallest normal double. */
const MIN_NORMAL = 2.2250738585072014e-308;

/**
 * The cumulative buckets of one classic histogram. Rows are sorted by bound once; `gather` then reads one
 * step: buckets of equal bound joined, counts made monotonic.
 */
export class ClassicBuckets {
  /** After `gather`: upper bounds, rising, and cumulative counts of the `length` buckets at the step. */
  readonly bounds: Float64Array;
  readonly counts: Float64Array;
  length = 0;
  /** The last gathered counts fell from one bucket to the next by more than rounding explains. */
  forcedMonotonic = false;
  /** Bounds of the buckets that were raised then, and the most that one was. */
  minForcedBound = Number.POSITIVE_INFINITY;
  maxForcedBound = Number.NEGATIVE_INFINITY;
  maxForcedDifference = 0;
  readonly #rows: readonly { readonly row: number; readonly upperBound: number }[];

  constructor(rows: readonly { readonly row: number; readonly upperBound: number }[]) {
    this.#rows = rows.toSorted((a, b) => a.upperBound - b.upperBound);
    this.bounds = new Float64Array(rows.length);
    this.counts = new Float64Array(rows.length);
  }

  get size(): number {
    return this.#rows.length;
  }

  /** @returns how many buckets the step has; the others' rows are absent there */
  gather(block: StepBlock, step: number): number {
    let length = 0;
    for (const { row, upperBound } of this.#rows) {
      const cell = row * block.steps + step;
      if (block.present[cell] !== FLOAT) continue;
      if (length > 0 && this.bounds[length - 1] === upperBound) this.counts[length - 1] += block.values[cell];
      else {
        this.bounds[length] = upperBound;
        this.counts[length] = block.values[cell];
        length++;
      }
    }
    this.length = length;
    this.#makeMonotonic();
    return length;
  }

  #makeMonotonic(): void {
    this.forcedMonotonic = false;
    this.minForcedBound = Number.POSITIVE_INFINITY;
    this.maxForcedBound = Number.NEGATIVE_INFINITY;
    this.maxForcedDifference = 0;
    let previous = this.counts[0];
    for (let i = 1; i < this.length; i++) {
      const count = this.counts[i];
      if (count === previous) continue;
      if (nearlyEqual(previous, count)) this.counts[i] = previous;
      else if (count < previous) {
        this.counts[i] = previous;
        this.forcedMonotonic = true;
        this.minForcedBound = Math.min(this.minForcedBound, this.bounds[i]);
        this.maxForcedBound = Math.max(this.maxForcedBound, this.bounds[i]);
        this.maxForcedDifference = Math.max(this.maxForcedDifference, previous - count);
      } else previous = count;
    }
  }
}

function nearlyEqual(a: number, b: number): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < MIN_NORMAL) return difference < TOLERANCE * MIN_NORMAL;
  return difference / Math.min(sum, Number.MAX_VALUE) < TOLERANCE;
}

/** Whether a quantile of gathered buckets is worked out at all. */
export function hasBucketQuantile(q: number, { bounds, length }: ClassicBuckets): boolean {
  return q >= 0 && q <= 1 && length >= 2 && bounds[length - 1] === Number.POSITIVE_INFINITY;
}

/** The q-quantile of gathered buckets, linear within a bucket (Prometheus' documented interpolation). */
export function bucketQuantile(q: number, { bounds, counts, length }: ClassicBuckets): number {
  if (Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  if (length < 2 || bounds[length - 1] !== Number.POSITIVE_INFINITY) return Number.NaN;
  const observations = counts[length - 1];
  if (observations === 0) return Number.NaN;
  let rank = q * observations;
  let low = 0;
  let high = length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (counts[middle] >= rank) high = middle;
    else low = middle + 1;
  }
  if (low === length - 1) return bounds[length - 2];
  if (low === 0 && bounds[0] <= 0) return bounds[0];
  let lower = 0;
  let count = counts[low];
  if (low > 0) {
    lower = bounds[low - 1];
    count -= counts[low - 1];
    rank -= counts[low - 1];
  }
  return lower + (bounds[low] - lower) * (rank / count);
}

/** The share of observations between two values, linear within a bucket. */
export function bucketFraction(lower: number, upper: number, buckets: ClassicBuckets): number {
  const { bounds, counts, length } = buckets;
  if (length === 0 || bounds[length - 1] !== Number.POSITIVE_INFINITY) return Number.NaN;
  const count = counts[length - 1];
  if (count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  return (rankBelow(upper, buckets) - rankBelow(lower, buckets)) / count;
}

function rankBelow(value: number, { bounds, counts, length }: ClassicBuckets): number {
  let rank = 0;
  for (let i = 0; i < length; i++) {
    const lower = i === 0 ? Number.NEGATIVE_INFINITY : bounds[i - 1];
    if (lower >= value) break;
    if (bounds[i] > value) {
      // The first bucket starts at zero, unless it is below zero altogether.
      const from = i === 0 && bounds[0] > 0 ? 0 : lower;
      if (from === Number.NEGATIVE_INFINITY) return counts[i];
      const share = Math.max(0, (value - from) / (bounds[i] - from));
      return Math.min(rank + (counts[i] - rank) * share, counts[length - 1]);
    }
    rank = counts[i];
  }
  return Math.min(rank, counts[length - 1]);
}
