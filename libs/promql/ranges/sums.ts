import { aggregateHistograms } from '../histograms/aggregate.ts';
import { KahanSum, RunningMean } from '../numbers/kahan.ts';
import type { Budget } from '../vectors/budget.ts';
import { CANCELLATION_SAMPLES, LOOK_MASK } from '../vectors/cancellation.ts';
import type { FloatWindows } from './float-windows.ts';
import { PrefixSums } from './prefix-sums.ts';
import type { RangeSamples } from './range-samples.ts';
import type { Window, WindowFunction } from './window.ts';

/** Windows that are added up side by side. */
const LANES = 4;

/** In how many windows a sample is on average, if prefix sums of rounded values pay. */
const OVERLAP_WORTH_IT = 4;

/**
 * `sum_over_time` and `avg_over_time`: Kahan–Neumaier sums of each window, like Prometheus.
 *
 * Of nearly every series prefix sums give what such a sum comes to in O(1) (`PrefixSums`): the sum and its compensation are
 * exact together. A mean divides the two apart, so how far the sum was rounded counts: the values are added up, without
 * compensation, which prefix sums tell then.
 */
export class SumOverTime implements WindowFunction {
  readonly #average: boolean;
  readonly #kahan = new KahanSum();
  readonly #mean = new RunningMean();
  readonly #prefix = new PrefixSums();
  readonly #lanes = new Float64Array(LANES);

  constructor(average: boolean) {
    this.#average = average;
  }

  begin({ values, length }: RangeSamples, budget: Budget): void {
    this.#prefix.begin(values, length, budget);
  }

  apply(window: Window): void {
    const { from, to } = window;
    if (window.histogramFrom !== window.histogramTo) {
      if (window.hasHistogramsOnly()) this.#combineHistograms(window);
      return;
    }
    window.setFloat(this.#resultOf(window.samples.values, from, to, window.budget));
  }

  applyAll(windows: FloatWindows): number {
    const { steps, from, to, values, first, results, budget } = windows;
    const prefix = this.#prefix;
    // Of windows that hardly overlap each other, prefix sums cost as much as they spare.
    const isExact =
      !prefix.isWhole &&
      windows.bounds.samples > OVERLAP_WORTH_IT * windows.length &&
      prefix.beginRounded(values, windows.length, budget);
    for (let k = 0; k < steps; k++) {
      if (isExact && !this.#average) {
        if (from[k] < to[k]) results[first + k] = prefix.total(from[k], to[k]);
      } else if (isExact && overlap(windows, k)) {
        budget.work(LANES * (to[k] - from[k]));
        this.#meansOfFour(windows, k);
        k += LANES - 1;
      } else if (from[k] < to[k]) results[first + k] = this.#resultOf(values, from[k], to[k], budget);
    }
    return windows.markFilled();
  }

  #meansOfFour({ values, from, to, first, results }: FloatWindows, k: number): void {
    const prefix = this.#prefix;
    const lanes = this.#lanes;
    sumsOfFour(values, from, to, k, lanes);
    for (let lane = 0; lane < LANES; lane++) {
      const low = from[k + lane];
      const high = to[k + lane];
      const sum = lanes[lane];
      results[first + k + lane] = sum / (high - low) + prefix.lostFrom(sum, low, high) / (high - low);
    }
  }

  #resultOf(values: Float64Array, from: number, to: number, budget: Budget): number {
    const prefix = this.#prefix;
    const average = this.#average;
    if (prefix.isWhole) return average ? prefix.total(from, to) / (to - from) : prefix.total(from, to);
    return average ? this.#meanOf(values, from, to, budget) : this.#sumOf(values, from, to, budget);
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
 * What `KahanSum` gives for the values, or `RunningMean` if `count` says how many they are, without objects in the
 * loop: right if it comes out finite, which it can't if anything on the way was not.
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

/** Whether the windows from k on have samples in common, and few enough to be taken without a look around. */
function overlap({ steps, from, to }: FloatWindows, k: number): boolean {
  return (
    k + LANES <= steps && from[k + LANES - 1] < to[k] && to[k + LANES - 1] - from[k] <= CANCELLATION_SAMPLES
  );
}

/**
 * Plain sums of four windows that overlap, into `lanes`. What they have in common is loaded once, and the additions of
 * one wait for each other, those of four don't.
 */
function sumsOfFour(
  values: Float64Array,
  from: Int32Array,
  to: Int32Array,
  k: number,
  lanes: Float64Array,
): void {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = from[k];
  for (const end = from[k + 1]; i < end; i++) a += values[i];
  for (const end = from[k + 2]; i < end; i++) {
    a += values[i];
    b += values[i];
  }
  for (const end = from[k + 3]; i < end; i++) {
    a += values[i];
    b += values[i];
    c += values[i];
  }
  for (const end = to[k]; i < end; i++) {
    a += values[i];
    b += values[i];
    c += values[i];
    d += values[i];
  }
  for (const end = to[k + 1]; i < end; i++) {
    b += values[i];
    c += values[i];
    d += values[i];
  }
  for (const end = to[k + 2]; i < end; i++) {
    c += values[i];
    d += values[i];
  }
  for (const end = to[k + 3]; i < end; i++) d += values[i];
  lanes[0] = a;
  lanes[1] = b;
  lanes[2] = c;
  lanes[3] = d;
}
