import type { FunctionName } from '../syntax/signatures.ts';
import { isChange, isReset, PairsOverTime } from './counts.ts';
import { ExtremeOverTime } from './extremes.ts';
import type { FloatWindows } from './float-windows.ts';
import { MedianDeviationOverTime, QuantileOverTime } from './quantiles.ts';
import { ExtrapolatedRate, InstantRate } from './rate.ts';
import { SumOverTime } from './sums.ts';
import { Derivative, DoubleExponentialSmoothing, LinearPrediction } from './trend.ts';
import { VarianceOverTime } from './variance.ts';
import { PlainWindowFunction, type Window, type WindowFunction } from './window.ts';

/** Functions that turn the windows of each series into one value a step. */
export type RangeFunctionName = Extract<
  FunctionName,
  | `${string}_over_time`
  | 'changes'
  | 'delta'
  | 'deriv'
  | 'double_exponential_smoothing'
  | 'idelta'
  | 'increase'
  | 'irate'
  | 'predict_linear'
  | 'rate'
  | 'resets'
>;

/** @param scalars values of the scalar arguments, one a step each, in their order */
type Factory = (scalars: readonly Float64Array[], rangeMs: number) => WindowFunction;

const factories: Record<Exclude<RangeFunctionName, 'absent_over_time'>, Factory> = {
  avg_over_time: () => new SumOverTime(true),
  changes: () => new PairsOverTime(isChange, false),
  count_over_time: () => new CountOverTime(),
  delta: (_, rangeMs) => new ExtrapolatedRate({ isCounter: false, isRate: false }, rangeMs),
  deriv: () => new Derivative(),
  double_exponential_smoothing: ([smoothing, trend]) => new DoubleExponentialSmoothing(smoothing, trend),
  first_over_time: () => new EdgeOverTime(false, false),
  idelta: () => new InstantRate(false),
  increase: (_, rangeMs) => new ExtrapolatedRate({ isCounter: true, isRate: false }, rangeMs),
  irate: () => new InstantRate(true),
  last_over_time: () => new EdgeOverTime(true, false),
  mad_over_time: () => new MedianDeviationOverTime(),
  max_over_time: () => new ExtremeOverTime({ highest: true, time: false }),
  min_over_time: () => new ExtremeOverTime({ highest: false, time: false }),
  predict_linear: ([ahead]) => new LinearPrediction(ahead),
  present_over_time: () => new PresentOverTime(),
  quantile_over_time: ([quantiles]) => new QuantileOverTime(quantiles),
  rate: (_, rangeMs) => new ExtrapolatedRate({ isCounter: true, isRate: true }, rangeMs),
  resets: () => new PairsOverTime(isReset, true),
  stddev_over_time: () => new VarianceOverTime(true),
  stdvar_over_time: () => new VarianceOverTime(false),
  sum_over_time: () => new SumOverTime(false),
  ts_of_first_over_time: () => new EdgeOverTime(false, true),
  ts_of_last_over_time: () => new EdgeOverTime(true, true),
  ts_of_max_over_time: () => new ExtremeOverTime({ highest: true, time: true }),
  ts_of_min_over_time: () => new ExtremeOverTime({ highest: false, time: true }),
};

/** The function of that name, or undefined if it is not a range function. */
export function rangeFunction(name: FunctionName): Factory | undefined {
  return (factories as Partial<Record<FunctionName, Factory>>)[name];
}

/** Range functions whose result is still a sample of the series, and keeps its name. */
export function keepsName(name: FunctionName): boolean {
  return name === 'last_over_time' || name === 'first_over_time';
}

class CountOverTime extends PlainWindowFunction {
  apply(window: Window): void {
    window.setFloat(window.to - window.from + window.histogramTo - window.histogramFrom);
  }

  applyAll(windows: FloatWindows): number {
    const { steps, from, to, first, results } = windows;
    for (let k = 0; k < steps; k++) results[first + k] = to[k] - from[k];
    return windows.markFilled();
  }
}

class PresentOverTime extends PlainWindowFunction {
  apply(window: Window): void {
    window.setFloat(1);
  }

  applyAll(windows: FloatWindows): number {
    windows.results.fill(1, windows.first, windows.first + windows.steps);
    return windows.markFilled();
  }
}

/** The first or last sample of a window, or its time in seconds. */
class EdgeOverTime extends PlainWindowFunction {
  readonly #last: boolean;
  readonly #time: boolean;

  constructor(last: boolean, time: boolean) {
    super();
    this.#last = last;
    this.#time = time;
  }

  applyAll(windows: FloatWindows): number {
    const { steps, from, to, timestamps, values, first, results } = windows;
    const last = this.#last;
    const time = this.#time;
    for (let k = 0; k < steps; k++) {
      if (from[k] === to[k]) continue;
      const at = last ? to[k] - 1 : from[k];
      results[first + k] = time ? timestamps[at] / 1000 : values[at];
    }
    return windows.markFilled();
  }

  apply(window: Window): void {
    const { samples } = window;
    if (window.histogramFrom === window.histogramTo) {
      const at = this.#last ? window.to - 1 : window.from;
      window.setFloat(this.#time ? samples.timestamps[at] / 1000 : samples.values[at]);
      return;
    }
    const float = this.#last ? window.to - 1 : window.from;
    const histogram = this.#last ? window.histogramTo - 1 : window.histogramFrom;
    const hasFloat = window.from < window.to;
    const hasHistogram = window.histogramFrom < window.histogramTo;
    const floatMs = samples.timestamps[float];
    const histogramMs = samples.histogramTimestamps[histogram];
    const useFloat = hasFloat && (!hasHistogram || floatMs > histogramMs === this.#last);
    if (this.#time) window.setFloat((useFloat ? floatMs : histogramMs) / 1000);
    else if (useFloat) window.setFloat(samples.values[float]);
    else window.setHistogram(samples.histograms[histogram]);
  }
}
