import type { Budget } from '../vectors/budget.ts';
import { CANCELLATION_SAMPLES } from '../vectors/cancellation.ts';
import { sortInterruptibly } from '../vectors/interruptible-sort.ts';

/** Insertions and removals from which on sorting the window anew is cheaper than moving memory for each. */
const MOVES_BEFORE_SORTING = 256;
/** This many values (2^4) are moved in memory in the time that one takes to be worked on. */
const MOVED_PER_WORK_BITS = 4;

/**
 * The values of a window kept sorted while it slides, NaNs only counted. Each sample is inserted and removed once by
 * binary search, which moves memory but compares little; a window far from the last one is sorted anew.
 */
export class SortedWindow {
  /** `values[0, count)`, ascending. */
  values = new Float64Array(256);
  count = 0;
  nans = 0;
  #from = 0;
  #to = 0;

  /** Starts on a series of this many samples. */
  reset(length: number): void {
    if (this.values.length < length) this.values = new Float64Array(length * 2);
    this.count = 0;
    this.nans = 0;
    this.#from = 0;
    this.#to = 0;
  }

  /**
   * Moves on to the samples from ≤ i < to, neither of which goes back.
   * @throws LimitError | QueryCancelledError | QueryTimeoutError
   */
  slideTo(samples: Float64Array, from: number, to: number, budget: Budget): void {
    if (from >= this.#to || from - this.#from + to - this.#to > MOVES_BEFORE_SORTING) {
      this.#sortAnew(samples, from, to, budget);
    }
    const moving = this.count >>> MOVED_PER_WORK_BITS;
    for (; this.#from < from; this.#from++) {
      budget.work(moving);
      this.#remove(samples[this.#from]);
    }
    for (; this.#to < to; this.#to++) {
      budget.work(moving);
      this.#insert(samples[this.#to]);
    }
  }

  #sortAnew(samples: Float64Array, from: number, to: number, budget: Budget): void {
    this.count = 0;
    this.nans = 0;
    for (let i = from; i < to; ) {
      const end = Math.min(to, i + CANCELLATION_SAMPLES);
      budget.work(end - i);
      for (; i < end; i++) {
        if (Number.isNaN(samples[i])) this.nans++;
        else this.values[this.count++] = samples[i];
      }
    }
    sortInterruptibly(this.values, this.count, budget);
    this.#from = from;
    this.#to = to;
  }

  #insert(value: number): void {
    if (Number.isNaN(value)) {
      this.nans++;
      return;
    }
    const at = this.#rank(value);
    this.values.copyWithin(at + 1, at, this.count);
    this.values[at] = value;
    this.count++;
  }

  #remove(value: number): void {
    if (Number.isNaN(value)) {
      this.nans--;
      return;
    }
    const at = this.#rank(value);
    this.values.copyWithin(at, at + 1, this.count);
    this.count--;
  }

  /** Index of the first sorted value not below `value`. */
  #rank(value: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.values[middle] < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
