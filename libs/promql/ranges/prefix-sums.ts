import type { Budget } from '../vectors/budget.ts';
import { LOOK_MASK } from '../vectors/cancellation.ts';

/** How much larger than the smallest value the largest rounding error may be, as a part of it; see `beginRounded`. */
const ROUNDING_ROOM = 2 ** 48;

/**
 * Sums of the first values of a series, from which that of each window follows in O(1), with nothing lost: each is
 * two doubles, the rounded running sum and what its rounding has taken away in all (Knuth's two-sum).
 */
export class PrefixSums {
  /** Whether sums of any window are exact however they are added up: they are of integers. */
  isWhole = false;
  /** At i: of the first i values. */
  #high = new Float64Array(257);
  #low = new Float64Array(257);

  /** Takes up a series. @throws QueryCancelledError | QueryTimeoutError */
  begin(values: Float64Array, length: number, budget: Budget): void {
    if (this.#high.length <= length) {
      this.#high = new Float64Array(length * 2 + 1);
      this.#low = new Float64Array(length * 2 + 1);
    }
    this.isWhole = this.#addWhole(values, length, budget);
  }

  /** Whether all partial sums are integers below 2^53. */
  #addWhole(values: Float64Array, length: number, budget: Budget): boolean {
    const high = this.#high;
    let magnitude = 0;
    let sum = 0;
    for (let i = 0; i < length; i++) {
      if ((i & LOOK_MASK) === 0) budget.look();
      const value = values[i];
      if (value !== Math.trunc(value)) return false;
      magnitude += Math.abs(value);
      sum += value;
      high[i + 1] = sum;
    }
    this.#low.fill(0, 0, length + 1);
    return magnitude < Number.MAX_SAFE_INTEGER;
  }

  /**
   * Takes up a series that isn't whole, whatever its values. @returns whether nothing is lost @throws as `begin`
   *
   * All values, so all sums and rounding errors, are multiples of u, half a last place of the smallest
   * magnitude m: u > m / 2^53. A sum of errors is exact while it is less than 2^53 u, so less than m. An error is at most
   * 2^-53 of a running sum; this many of them as there are values, of at most the sum of all magnitudes, are less than
   * an eighth of that; the room that is left is for differences between such sums.
   */
  beginRounded(values: Float64Array, length: number, budget: Budget): boolean {
    const high = this.#high;
    const low = this.#low;
    let magnitude = 0;
    let least = Number.POSITIVE_INFINITY;
    let sum = 0;
    let lost = 0;
    for (let i = 0; i < length; i++) {
      if ((i & LOOK_MASK) === 0) budget.look();
      const value = values[i];
      const size = Math.abs(value);
      magnitude += size;
      if (size < least && size > 0) least = size;
      const next = sum + value;
      const kept = next - sum;
      lost += sum - (next - kept) + (value - kept);
      sum = next;
      high[i + 1] = sum;
      low[i + 1] = lost;
    }
    return magnitude * length <= Math.min(least * ROUNDING_ROOM, Number.MAX_VALUE);
  }

  /** The sum of the values from ≤ i < to, rounded once. Needs `isWhole`, or `beginRounded`. */
  total(from: number, to: number): number {
    const high = this.#high[to];
    const before = this.#high[from];
    const difference = high - before;
    const kept = difference - high;
    const lost = high - (difference - kept) - (before + kept);
    return difference + (lost + (this.#low[to] - this.#low[from]));
  }

  /** What rounding has taken from `sum`, those values added up in any order. Needs the same. */
  lostFrom(sum: number, from: number, to: number): number {
    const high = this.#high[to];
    const before = this.#high[from];
    const difference = high - before;
    const kept = difference - high;
    const lost = high - (difference - kept) - (before + kept);
    return difference - sum + (lost + (this.#low[to] - this.#low[from]));
  }
}
