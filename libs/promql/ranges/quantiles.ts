import { quantileOfSorted } from '../quantile.ts';
import type { RangeSamples } from './range-samples.ts';
import { PlainWindowFunction, type Window, type WindowFunction } from './window.ts';

/** Insertions and removals from which on sorting the window anew is cheaper than moving memory for each. */
const MOVES_BEFORE_SORTING = 256;

/**
 * `quantile_over_time`: the window's values kept sorted while it slides. Each sample is inserted and
 * removed once by binary search, which moves memory but compares little; a window far from the last one is
 * sorted anew.
 */
export class QuantileOverTime implements WindowFunction {
  readonly #quantiles: Float64Array;
  #sorted = new Float64Array(256);
  #count = 0;
  #nans = 0;
  #from = 0;
  #to = 0;

  /** @param quantiles one a step */
  constructor(quantiles: Float64Array) {
    this.#quantiles = quantiles;
  }

  begin(samples: RangeSamples): void {
    if (this.#sorted.length < samples.length) this.#sorted = new Float64Array(samples.length * 2);
    this.#count = 0;
    this.#nans = 0;
    this.#from = 0;
    this.#to = 0;
  }

  apply(window: Window): void {
    const { from, to } = window;
    if (!window.hasFloats()) return;
    const { values } = window.samples;
    if (from >= this.#to || from - this.#from + to - this.#to > MOVES_BEFORE_SORTING) {
      this.#sortAnew(values, from, to);
    }
    for (; this.#from < from; this.#from++) this.#remove(values[this.#from]);
    for (; this.#to < to; this.#to++) this.#insert(values[this.#to]);
    window.setFloat(quantileOfSorted(this.#quantiles[window.step], this.#sorted, this.#count, this.#nans));
  }

  #sortAnew(values: Float64Array, from: number, to: number): void {
    this.#count = 0;
    this.#nans = 0;
    for (let i = from; i < to; i++) {
      if (Number.isNaN(values[i])) this.#nans++;
      else this.#sorted[this.#count++] = values[i];
    }
    this.#sorted.subarray(0, this.#count).sort();
    this.#from = from;
    this.#to = to;
  }

  #insert(value: number): void {
    if (Number.isNaN(value)) {
      this.#nans++;
      return;
    }
    const at = this.#rank(value);
    this.#sorted.copyWithin(at + 1, at, this.#count);
    this.#sorted[at] = value;
    this.#count++;
  }

  #remove(value: number): void {
    if (Number.isNaN(value)) {
      this.#nans--;
      return;
    }
    const at = this.#rank(value);
    this.#sorted.copyWithin(at, at + 1, this.#count);
    this.#count--;
  }

  /** Index of the first sorted value not below `value`. */
  #rank(value: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sorted[middle] < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** `mad_over_time`: the median of the distances from the median. */
export class MedianDeviationOverTime extends PlainWindowFunction {
  #scratch = new Float64Array(256);

  apply(window: Window): void {
    const { from, to } = window;
    if (!window.hasFloats()) return;
    const count = to - from;
    if (this.#scratch.length < count) this.#scratch = new Float64Array(count * 2);
    const values = this.#scratch.subarray(0, count);
    values.set(window.samples.values.subarray(from, to));
    if (values.some(Number.isNaN)) {
      window.setFloat(Number.NaN);
      return;
    }
    const median = medianOf(values);
    for (let i = 0; i < count; i++) values[i] = Math.abs(values[i] - median);
    window.setFloat(medianOf(values));
  }
}

/** Sorts `values`, which hold no NaN. */
function medianOf(values: Float64Array): number {
  values.sort();
  return quantileOfSorted(0.5, values, values.length, 0);
}
