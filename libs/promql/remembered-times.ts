import type { Budget } from './budget.ts';

/** Times of more samples than that are not remembered for the next series: the memory is worth more. */
const MOST_REMEMBERED = 65_536;

/** When the samples of the last series were taken: the series of one target are scraped at the same times. */
export class RememberedTimes {
  readonly #budget: Budget;
  #times = new Float64Array(0);
  /** −1 where nothing is remembered. */
  #count = -1;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** Whether these are the times of the last series; if not, they are remembered in their place. */
  areThese(timestamps: Float64Array, length: number): boolean {
    if (this.#areSame(timestamps, length)) return true;
    this.#count = -1;
    if (length > MOST_REMEMBERED) return false;
    if (this.#times.length < length) {
      this.#budget.hold(length - this.#times.length);
      this.#times = new Float64Array(length);
    }
    this.#times.set(timestamps.subarray(0, length));
    this.#count = length;
    return false;
  }

  #areSame(timestamps: Float64Array, length: number): boolean {
    if (length !== this.#count) return false;
    const times = this.#times;
    for (let i = 0; i < length; i++) if (timestamps[i] !== times[i]) return false;
    return true;
  }
}
