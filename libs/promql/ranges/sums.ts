import { aggregateHistograms } from '../histograms/aggregate.ts';
import { KahanSum, RunningMean } from '../kahan.ts';
import type { RangeSamples } from './range-samples.ts';
import { PlainWindowFunction, type Window, type WindowFunction } from './window.ts';

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

  begin(samples: RangeSamples): void {
    const { values, length } = samples;
    if (this.#prefix.length <= length) this.#prefix = new Float64Array(length * 2 + 1);
    const prefix = this.#prefix;
    let magnitude = 0;
    let sum = 0;
    for (let i = 0; i < length; i++) {
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
    } else window.setFloat(this.#average ? this.#meanOf(window) : this.#sumOf(window));
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

  #sumOf({ samples: { values }, from, to }: Window): number {
    const kahan = this.#kahan;
    kahan.reset();
    for (let i = from; i < to; i++) kahan.add(values[i]);
    return kahan.total;
  }

  #meanOf({ samples: { values }, from, to }: Window): number {
    const mean = this.#mean;
    mean.reset();
    for (let i = from; i < to; i++) mean.add(values[i]);
    return mean.mean;
  }
}

/** `stdvar_over_time` and `stddev_over_time`: Welford's algorithm, compensated. */
export class VarianceOverTime extends PlainWindowFunction {
  readonly #deviation: boolean;
  readonly #mean = new KahanSum();
  readonly #squares = new KahanSum();

  constructor(deviation: boolean) {
    super();
    this.#deviation = deviation;
  }

  apply(window: Window): void {
    const { from, to } = window;
    if (!window.hasFloats()) return;
    const { values } = window.samples;
    const mean = this.#mean;
    const squares = this.#squares;
    mean.reset();
    squares.reset();
    for (let i = from; i < to; i++) {
      const delta = values[i] - mean.total;
      mean.add(delta / (i - from + 1));
      squares.add(delta * (values[i] - mean.total));
    }
    const variance = squares.total / (to - from);
    window.setFloat(this.#deviation ? Math.sqrt(variance) : variance);
  }
}
