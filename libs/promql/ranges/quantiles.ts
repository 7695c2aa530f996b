import { quantileOfSorted } from '../numbers/quantile.ts';
import type { Budget } from '../vectors/budget.ts';
import type { FloatWindows } from './float-windows.ts';
import type { RangeSamples } from './range-samples.ts';
import { SortedWindow } from './sorted-window.ts';
import type { Window, WindowFunction } from './window.ts';

/** `quantile_over_time`. */
export class QuantileOverTime implements WindowFunction {
  readonly #quantiles: Float64Array;
  readonly #sorted = new SortedWindow();

  /** @param quantiles one a step */
  constructor(quantiles: Float64Array) {
    this.#quantiles = quantiles;
  }

  begin(samples: RangeSamples): void {
    this.#sorted.reset(samples.length);
  }

  apply(window: Window): void {
    if (!window.hasFloats()) return;
    this.#sorted.slideTo(window.samples.values, window.from, window.to, window.budget);
    window.setFloat(this.#quantile(window.step));
  }

  applyAll(windows: FloatWindows): number {
    const { steps, from, to, values, first, results, budget } = windows;
    for (let k = 0; k < steps; k++) {
      if (from[k] === to[k]) continue;
      budget.work(to[k] - from[k]);
      this.#sorted.slideTo(values, from[k], to[k], budget);
      results[first + k] = this.#quantile(k);
    }
    return windows.markFilled();
  }

  #quantile(step: number): number {
    const { values, count, nans } = this.#sorted;
    return quantileOfSorted(this.#quantiles[step], values, count, nans);
  }
}

/** `mad_over_time`: the median of the distances from the median. */
export class MedianDeviationOverTime implements WindowFunction {
  readonly #sorted = new SortedWindow();

  begin(samples: RangeSamples): void {
    this.#sorted.reset(samples.length);
  }

  apply(window: Window): void {
    if (!window.hasFloats()) return;
    this.#sorted.slideTo(window.samples.values, window.from, window.to, window.budget);
    window.setFloat(this.#deviation(window.budget));
  }

  applyAll(windows: FloatWindows): number {
    const { steps, from, to, values, first, results, budget } = windows;
    for (let k = 0; k < steps; k++) {
      if (from[k] === to[k]) continue;
      budget.work(to[k] - from[k]);
      this.#sorted.slideTo(values, from[k], to[k], budget);
      results[first + k] = this.#deviation(budget);
    }
    return windows.markFilled();
  }

  /**
   * The distances below the median and those above it are sorted each, outwards: a merge of the two reaches their
   * median after half of them.
   */
  #deviation(budget: Budget): number {
    const { values, count, nans } = this.#sorted;
    if (nans > 0) return Number.NaN;
    const median = quantileOfSorted(0.5, values, count, 0);
    // Infinite values have no distance from one another.
    if (!Number.isFinite(values[0]) || !Number.isFinite(values[count - 1])) {
      const distances = values.slice(0, count).map((value) => Math.abs(value - median));
      return quantileOfSorted(0.5, distances.sort(), count, 0);
    }
    const middle = (count - 1) >> 1;
    let above = middle + 1;
    let below = middle;
    let low = 0;
    let high = 0;
    budget.work(count);
    for (let rank = 0; rank <= count >> 1; rank++) {
      low = high;
      const toAbove = above < count ? values[above] - median : Number.POSITIVE_INFINITY;
      const toBelow = below >= 0 ? median - values[below] : Number.POSITIVE_INFINITY;
      if (toBelow <= toAbove) {
        high = toBelow;
        below--;
      } else {
        high = toAbove;
        above++;
      }
    }
    return count % 2 === 1 ? high : low * 0.5 + high * 0.5;
  }
}
