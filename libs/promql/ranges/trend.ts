import { KahanSum } from '../numbers/kahan.ts';
import { ExecutionError } from '../syntax/errors.ts';
import { CANCELLATION_SAMPLES } from '../vectors/cancellation.ts';
import { PlainWindowFunction, type Window } from './window.ts';

/** Windows may be long: every this many samples of them the cancellation is looked at. */
const LOOK_MASK = CANCELLATION_SAMPLES - 1;

/** Simple linear regression over a window, sums compensated. */
class Regression {
  slope = 0;
  intercept = 0;
  readonly #x = new KahanSum();
  readonly #y = new KahanSum();
  readonly #xy = new KahanSum();
  readonly #xx = new KahanSum();

  /** Fits the window's floats; x is in seconds after `originMs`. */
  fit({ samples: { timestamps, values }, from, to, budget }: Window, originMs: number): void {
    const x = this.#x;
    const y = this.#y;
    const xy = this.#xy;
    const xx = this.#xx;
    x.reset();
    y.reset();
    xy.reset();
    xx.reset();
    const first = values[from];
    let constant = true;
    for (let i = from; i < to; i++) {
      if ((i & LOOK_MASK) === 0) budget.look();
      const value = values[i];
      if (value !== first && i > from) constant = false;
      const seconds = (timestamps[i] - originMs) / 1000;
      x.add(seconds);
      y.add(value);
      xy.add(seconds * value);
      xx.add(seconds * seconds);
    }
    if (constant) {
      const finite = Math.abs(first) !== Number.POSITIVE_INFINITY;
      this.slope = finite ? 0 : Number.NaN;
      this.intercept = finite ? first : Number.NaN;
      return;
    }
    const count = to - from;
    const covariance = xy.total - (x.total * y.total) / count;
    const variance = xx.total - (x.total * x.total) / count;
    this.slope = covariance / variance;
    this.intercept = y.total / count - (this.slope * x.total) / count;
  }
}

/** `deriv`: the slope per second. */
export class Derivative extends PlainWindowFunction {
  readonly #regression = new Regression();

  apply(window: Window): void {
    if (window.to - window.from < 2 || !window.hasFloats()) return;
    this.#regression.fit(window, window.samples.timestamps[window.from]);
    window.setFloat(this.#regression.slope);
  }
}

/** `predict_linear`: the regression line this many seconds after the step. */
export class LinearPrediction extends PlainWindowFunction {
  readonly #regression = new Regression();
  readonly #aheadSeconds: Float64Array;

  /** @param aheadSeconds one a step */
  constructor(aheadSeconds: Float64Array) {
    super();
    this.#aheadSeconds = aheadSeconds;
  }

  apply(window: Window): void {
    if (window.to - window.from < 2 || !window.hasFloats()) return;
    this.#regression.fit(window, window.timeMs);
    window.setFloat(this.#regression.slope * this.#aheadSeconds[window.step] + this.#regression.intercept);
  }
}

/** `double_exponential_smoothing` (Holt–Winters without seasons). */
export class DoubleExponentialSmoothing extends PlainWindowFunction {
  readonly #smoothing: Float64Array;
  readonly #trend: Float64Array;

  /** Factors, one a step each. @throws ExecutionError from `apply` if one is not between 0 and 1 */
  constructor(smoothing: Float64Array, trend: Float64Array) {
    super();
    this.#smoothing = smoothing;
    this.#trend = trend;
  }

  apply(window: Window): void {
    const smoothing = this.#smoothing[window.step];
    const trend = this.#trend[window.step];
    checkFactor('smoothing', 'sf', smoothing);
    checkFactor('trend', 'tf', trend);
    const { from, to } = window;
    if (to - from < 2 || !window.hasFloats()) return;
    const { values } = window.samples;
    let previous = 0;
    let smoothed = values[from];
    let slope = values[from + 1] - values[from];
    for (let i = from + 1; i < to; i++) {
      if ((i & LOOK_MASK) === 0) window.budget.look();
      if (i > from + 1) slope = trend * (smoothed - previous) + (1 - trend) * slope;
      const next = smoothing * values[i] + (1 - smoothing) * (smoothed + slope);
      previous = smoothed;
      smoothed = next;
    }
    window.setFloat(smoothed);
  }
}

function checkFactor(name: string, symbol: string, factor: number): void {
  if (factor > 0 && factor < 1) return;
  throw new ExecutionError(`invalid ${name} factor. Expected: 0 < ${symbol} < 1, got: ${factor.toFixed(6)}`);
}
