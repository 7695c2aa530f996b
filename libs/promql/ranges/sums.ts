import type { Budget } from '../budget.ts';
import { CANCELLATION_SAMPLES, LOOK_MASK } from '../cancellation.ts';
import { aggregateHistograms } from '../histograms/aggregate.ts';
import { KahanSum, RunningMean } from '../kahan.ts';
import type { FloatWindows } from './float-windows.ts';
import type { RangeSamples } from './range-samples.ts';
import type { Window, WindowFunction } from './window.ts';

/**
 * `sum_over_time` and `avg_over_time`. Where all values of a series are integers whose magnitudes sum up
 * to less than 2^53, every partial sum is exact and prefix sums give each window's in O(1); otherwise a
 * window is added up anew, Kahan–Neumaier, since a sliding sum would round differently.
 */
export class SumOverTime implements WindowFunction {
  readonly #average: boolean;
  readonly #kahan = new KahanSum();
  readonly #mean = new RunningMean();
  /** `#prefix[i]` is the sum of the first i values, while exact. */
  #prefix = new Float64Array(257);
  #exact = false;

  constructor(average: boolean) {
    this.#average = average;
  }

  begin(samples: RangeSamples, budget: Budget): void {
    const { values, length } = samples;
    if (this.#prefix.length <= length) this.#prefix = new Float64Array(length * 2 + 1);
    const prefix = this.#prefix;
    let magnitude = 0;
    let sum = 0;
    for (let i = 0; i < length; i++) {
      if ((i & LOOK_MASK) === 0) budget.look();
      const value = values[i];
      if (value !== Math.trunc(value)) {
        this.#exact = false;
        return;
      }
      magnitude += Math.abs(value);
      sum += value;
      prefix[i + 1] = sum;
    }
    this.#exact = magnitude < Number.MAX_SAFE_INTEGER;
  }

  apply(window: Window): void {
    const { from, to } = window;
    if (window.histogramFrom !== window.histogramTo) {
      if (window.hasHistogramsOnly()) this.#combineHistograms(window);
      return;
    }
    if (this.#exact) {
      const sum = this.#prefix[to] - this.#prefix[from];
      window.setFloat(this.#average ? sum / (to - from) : sum);
      return;
    }
    const { values } = window.samples;
    const { budget } = window;
    const average = this.#average;
    window.setFloat(average ? this.#meanOf(values, from, to, budget) : this.#sumOf(values, from, to, budget));
  }

  applyAll(windows: FloatWindows): number {
    const { steps, from, to, values, first, results, budget } = windows;
    const average = this.#average;
    const exact = this.#exact;
    const prefix = this.#prefix;
    for (let k = 0; k < steps; k++) {
      const low = from[k];
      const high = to[k];
      if (low === high) continue;
      if (exact) {
        const sum = prefix[high] - prefix[low];
        results[first + k] = average ? sum / (high - low) : sum;
        continue;
      }
      results[first + k] = average
        ? this.#meanOf(values, low, high, budget)
        : this.#sumOf(values, low, high, budget);
    }
    return windows.markFilled();
  }

  #combineHistograms(window: Window): void {
    const histograms = window.samples.histograms.slice(window.histogramFrom, window.histogramTo);
    const total = aggregateHistograms(histograms, this.#average);
    if (!total) {
      window.report.mixedSchemas();
      return;
    }
    window.report.combined(total, 'aggregation');
    window.setHistogram(total.histogram);
  }

  #sumOf(values: Float64Array, from: number, to: number, budget: Budget): number {
    const sum = finiteSum(values, from, to, 0, budget);
    if (Number.isFinite(sum)) return sum;
    const kahan = this.#kahan;
    kahan.reset();
    for (let i = from; i < to; i++) {
      if ((i & LOOK_MASK) === 0) budget.look();
      kahan.add(values[i]);
    }
    return kahan.total;
  }

  #meanOf(values: Float64Array, from: number, to: number, budget: Budget): number {
    const plain = finiteSum(values, from, to, to - from, budget);
    if (Number.isFinite(plain)) return plain;
    const mean = this.#mean;
    mean.reset();
    for (let i = from; i < to; i++) {
      if ((i & LOOK_MASK) === 0) budget.look();
      mean.add(values[i]);
    }
    return mean.mean;
  }
}

/**
 * What `KahanSum` gives for the values, or `RunningMean` where `count` says how many they are, without objects in the
 * loop: right where it comes out finite, which it can't if anything on the way was not.
 */
function finiteSum(values: Float64Array, from: number, to: number, count: number, budget: Budget): number {
  let sum = values[from];
  let compensation = 0;
  for (let i = from + 1; i < to; ) {
    const end = Math.min(to, i + CANCELLATION_SAMPLES);
    budget.work(end - i);
    for (; i < end; i++) {
      const value = values[i];
      const next = sum + value;
      compensation += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
      sum = next;
    }
  }
  return count === 0 ? sum + compensation : sum / count + compensation / count;
}
