import { scaleHistogram } from '../histograms/arithmetic.ts';
import type { Budget } from '../vectors/budget.ts';
import { LOOK_MASK } from '../vectors/cancellation.ts';
import { FLOAT } from '../vectors/query.ts';
import { Extrapolation } from './extrapolation.ts';
import type { FloatWindows, WindowBounds } from './float-windows.ts';
import { histogramIncrease, instantHistogramChange } from './histogram-rate.ts';
import type { RangeSamples } from './range-samples.ts';
import { isResetAt, overlapsWithin, startWithin } from './start-times.ts';
import type { Window, WindowFunction } from './window.ts';

/** Which of the extrapolating functions. */
export interface RateKind {
  /** Falls of the value are resets. */
  readonly isCounter: boolean;
  /** The result is per second. */
  readonly isRate: boolean;
}

/**
 * `rate`, `increase` and `delta`: the difference over the window, extrapolated to its ends if the first
 * and last sample are close enough to them (Prometheus' documented extrapolation). A series' resets are
 * found once; a window then adds only those inside it, in order, so the sum is the same as adding them up
 * sample by sample. A counter whose first sample in the window tells that it began inside of the window counts
 * from zero there, and nothing is extrapolated to the left.
 */
export class ExtrapolatedRate implements WindowFunction {
  readonly #kind: RateKind;
  readonly #rangeSeconds: number;
  /** Indices of samples that follow a reset. */
  #resets = new Int32Array(64);
  #resetCount = 0;
  #firstReset = 0;
  readonly #extrapolation = new Extrapolation();
  readonly #stretches = new Map<WindowBounds, Stretches>();

  constructor(kind: RateKind, rangeMs: number) {
    this.#kind = kind;
    this.#rangeSeconds = rangeMs / 1000;
  }

  begin(samples: RangeSamples, budget: Budget): void {
    this.#resetCount = 0;
    this.#firstReset = 0;
    if (!this.#kind.isCounter) return;
    const { values, length, starts } = samples;
    for (let i = 1; i < length; i++) {
      if ((i & LOOK_MASK) === 0) budget.look();
      if (!(values[i] < values[i - 1]) && (starts === undefined || !isResetAt(starts, i))) continue;
      if (this.#resetCount === this.#resets.length) this.#growResets();
      this.#resets[this.#resetCount++] = i;
    }
  }

  apply(window: Window): void {
    const { from, to } = window;
    if (window.histogramFrom !== window.histogramTo) {
      if (window.hasHistogramsOnly()) this.#applyHistograms(window);
      return;
    }
    const { timestamps, values, starts } = window.samples;
    const startMs = this.#kind.isCounter ? startWithin(starts, from, window.startMs) : 0;
    if (to - from < 2 && startMs === 0) return;
    const first = values[from];
    const last = to - 1;
    let change = values[last] - first;
    if (starts && this.#kind.isCounter && overlapsWithin(starts, from, to)) window.report.overlappingStart();
    while (this.#firstReset < this.#resetCount && this.#resets[this.#firstReset] <= from) this.#firstReset++;
    for (let i = this.#firstReset; i < this.#resetCount && this.#resets[i] <= last; i++) {
      change += values[this.#resets[i] - 1];
    }
    if (startMs !== 0) change += first;
    this.#extrapolation.measure(
      window.startMs,
      window.endMs,
      timestamps[from],
      timestamps[last],
      last - from,
    );
    const factor = this.#factorOf(change, first, startMs);
    window.setFloat(change * (this.#kind.isRate ? factor / this.#rangeSeconds : factor));
  }

  applyAll(windows: FloatWindows): number {
    const { steps, from, to, values, first, results, present } = windows;
    const { isCounter, isRate } = this.#kind;
    const perSecond = isRate ? this.#rangeSeconds : 1;
    const { factors, reaches } = this.#stretchesOf(windows, perSecond);
    const resets = this.#resets;
    const resetCount = this.#resetCount;
    let firstReset = 0;
    let filled = 0;
    for (let k = 0; k < steps; k++) {
      const low = from[k];
      const last = to[k] - 1;
      if (last <= low) continue;
      const start = values[low];
      let change = values[last] - start;
      while (firstReset < resetCount && resets[firstReset] <= low) firstReset++;
      for (let i = firstReset; i < resetCount && resets[i] <= last; i++) change += values[resets[i] - 1];
      results[first + k] =
        isCounter && change > 0 && start >= 0 && start <= reaches[k] * change
          ? change * (this.#factorNearZero(windows, k, start / change) / perSecond)
          : change * factors[k];
      present[first + k] = FLOAT;
      filled++;
    }
    return filled;
  }

  #stretchesOf(windows: FloatWindows, perSecond: number): Stretches {
    const { bounds } = windows;
    let stretches = this.#stretches.get(bounds);
    if (stretches !== undefined && !bounds.isPassing) return stretches;
    stretches ??= new Stretches(windows);
    stretches.fit(windows, this.#extrapolation, perSecond);
    this.#stretches.set(bounds, stretches);
    return stretches;
  }

  #factorNearZero({ rangeMs, from, to, endsMs, timestamps }: FloatWindows, k: number, zeroShare: number) {
    const low = from[k];
    const last = to[k] - 1;
    const extrapolation = this.#extrapolation;
    extrapolation.measure(endsMs[k] - rangeMs, endsMs[k], timestamps[low], timestamps[last], last - low);
    return extrapolation.factor(zeroShare);
  }

  #factorOf(change: number, first: number, startMs: number): number {
    if (startMs !== 0) return this.#extrapolation.factorSince(startMs);
    const hasZero = this.#kind.isCounter && change > 0 && first >= 0;
    return this.#extrapolation.factor(hasZero ? first / change : Number.POSITIVE_INFINITY);
  }

  #applyHistograms(window: Window): void {
    const { histogramFrom: from, histogramTo: to, samples } = window;
    const { isCounter, isRate } = this.#kind;
    const starts = isCounter ? samples.histogramStarts : undefined;
    const startMs = startWithin(starts, from, window.startMs);
    if (to - from < 2 && startMs === 0) return;
    const change = histogramIncrease(window, from, to, isCounter, startMs !== 0);
    if (!change) return;
    if (starts && overlapsWithin(starts, from, to)) window.report.overlappingStart();
    const first = samples.histograms[from].count;
    this.#extrapolation.measure(
      window.startMs,
      window.endMs,
      samples.histogramTimestamps[from],
      samples.histogramTimestamps[to - 1],
      to - 1 - from,
    );
    const factor = this.#factorOf(change.count, first, startMs);
    window.setHistogram(scaleHistogram(change, isRate ? factor / this.#rangeSeconds : factor));
  }

  #growResets(): void {
    const grown = new Int32Array(this.#resets.length * 2);
    grown.set(this.#resets);
    this.#resets = grown;
  }
}

/** What the windows' times alone say, by step: the same for every series that was scraped at those times. */
class Stretches {
  /** Of a change that is far from zero. */
  readonly factors: Float64Array;
  /** Zero may be near if the first value is within this many times the change: twice as far as it needs to be. */
  readonly reaches: Float64Array;

  constructor({ steps, budget }: FloatWindows) {
    budget.hold(2 * steps);
    this.factors = new Float64Array(steps);
    this.reaches = new Float64Array(steps);
  }

  fit(windows: FloatWindows, extrapolation: Extrapolation, perSecond: number): void {
    const { steps, rangeMs, from, to, endsMs, timestamps } = windows;
    for (let k = 0; k < steps; k++) {
      const low = from[k];
      const last = to[k] - 1;
      if (last <= low) continue;
      extrapolation.measure(endsMs[k] - rangeMs, endsMs[k], timestamps[low], timestamps[last], last - low);
      this.factors[k] = extrapolation.factor(Number.POSITIVE_INFINITY) / perSecond;
      this.reaches[k] = (2 * extrapolation.toStart) / extrapolation.sampled;
    }
  }
}

/** `irate` and `idelta`: the last two samples of the window. */
export class InstantRate implements WindowFunction {
  readonly #isRate: boolean;

  constructor(isRate: boolean) {
    this.#isRate = isRate;
  }

  begin(_samples: RangeSamples): void {}

  apply(window: Window): void {
    const { from, to } = window;
    if (window.histogramFrom !== window.histogramTo) {
      this.#applyHistograms(window);
      return;
    }
    if (to - from < 2) return;
    const { timestamps, values, starts } = window.samples;
    const elapsedMs = timestamps[to - 1] - timestamps[to - 2];
    const last = values[to - 1];
    const previous = values[to - 2];
    if (!this.#isRate) window.setFloat(last - previous);
    else {
      const reset = last < previous || isResetAt(starts, to - 1);
      window.setFloat((reset ? last : last - previous) / (elapsedMs / 1000));
    }
  }

  applyAll({ steps, from, to, timestamps, values, first, results, present }: FloatWindows): number {
    let filled = 0;
    for (let k = 0; k < steps; k++) {
      const i = to[k] - 1;
      if (i <= from[k]) continue;
      const change = values[i] - values[i - 1];
      const seconds = (timestamps[i] - timestamps[i - 1]) / 1000;
      results[first + k] = this.#isRate ? (values[i] < values[i - 1] ? values[i] : change) / seconds : change;
      present[first + k] = FLOAT;
      filled++;
    }
    return filled;
  }

  /** The last two samples decide, whatever is before them. */
  #applyHistograms(window: Window): void {
    const { from, to, histogramFrom, histogramTo, samples } = window;
    const { timestamps, values, starts, histograms, histogramTimestamps, histogramStarts } = samples;
    if (to - from + histogramTo - histogramFrom < 2) return;
    const floatMs = to > from ? timestamps[to - 1] : Number.NEGATIVE_INFINITY;
    const earlierFloatMs = to - from > 1 ? timestamps[to - 2] : Number.NEGATIVE_INFINITY;
    const histogramMs = histogramTimestamps[histogramTo - 1];
    const several = histogramTo - histogramFrom > 1;
    const earlierMs = several ? histogramTimestamps[histogramTo - 2] : Number.NEGATIVE_INFINITY;
    if (earlierFloatMs > histogramMs) {
      const difference = values[to - 1] - values[to - 2];
      if (!this.#isRate) window.setFloat(difference);
      else {
        const reset = difference < 0 || isResetAt(starts, to - 1);
        window.setFloat((reset ? values[to - 1] : difference) / ((floatMs - earlierFloatMs) / 1000));
      }
      return;
    }
    if (floatMs > earlierMs) {
      window.report.mixed();
      return;
    }
    const [previous, last] = [histograms[histogramTo - 2], histograms[histogramTo - 1]];
    const reset = isResetAt(histogramStarts, histogramTo - 1);
    const change = instantHistogramChange(previous, last, this.#isRate, reset, window.report);
    if (!change) return;
    const seconds = (histogramMs - earlierMs) / 1000;
    window.setHistogram(this.#isRate ? scaleHistogram(change, seconds, 'divide') : change);
  }
}
