import { KahanSum } from '../numbers/kahan.ts';
import type { Budget } from '../vectors/budget.ts';
import { CANCELLATION_SAMPLES } from '../vectors/cancellation.ts';
import type { FloatWindows } from './float-windows.ts';
import { PlainWindowFunction, type Window } from './window.ts';

/** Windows that are added up side by side. */
const LANES = 4;

/**
 * `stdvar_over_time` and `stddev_over_time`: Welford's algorithm with compensated sums, like Prometheus.
 *
 * Each of its additions waits for the one before, so a single window leaves a core idle most of the time: if all
 * windows are there at once, four are added up side by side (2.9 times as fast). Rounding errors come from Knuth's
 * two-sum there, which needs no branch; like Neumaier's it gives the error itself, as long as nothing overflows.
 */
export class VarianceOverTime extends PlainWindowFunction {
  readonly #deviation: boolean;
  readonly #mean = new KahanSum();
  readonly #squares = new KahanSum();
  readonly #lanes = new Float64Array(LANES);

  constructor(deviation: boolean) {
    super();
    this.#deviation = deviation;
  }

  apply(window: Window): void {
    if (!window.hasFloats()) return;
    const { from, to, samples } = window;
    window.setFloat(this.#resultOf(this.#squaresOf(samples.values, from, to, window.budget), to - from));
  }

  applyAll(windows: FloatWindows): number {
    const { steps, from, to, values, first, results, budget } = windows;
    const lanes = this.#lanes;
    for (let k = 0; k < steps; ) {
      const count = to[k] - from[k];
      const sideBySide = windows.areAlike(k, LANES) ? LANES : 1;
      budget.work(sideBySide * count);
      if (sideBySide === LANES) squaresOfFour(values, from, k, count, lanes);
      for (let lane = 0; lane < sideBySide; lane++, k++) {
        const known = sideBySide === LANES && Number.isFinite(lanes[lane]);
        const squares = known ? lanes[lane] : this.#squaresOf(values, from[k], to[k], budget);
        results[first + k] = this.#resultOf(squares, count);
      }
    }
    return windows.markFilled();
  }

  #resultOf(squares: number, count: number): number {
    const variance = squares / count;
    return this.#deviation ? Math.sqrt(variance) : variance;
  }

  /** Sum of the squared distances from the mean. */
  #squaresOf(values: Float64Array, from: number, to: number, budget: Budget): number {
    const mean = this.#mean;
    const squares = this.#squares;
    mean.reset();
    squares.reset();
    for (let i = from; i < to; ) {
      const end = Math.min(to, i + CANCELLATION_SAMPLES);
      budget.work(end - i);
      for (; i < end; i++) {
        const delta = values[i] - mean.total;
        mean.add(delta / (i - from + 1));
        squares.add(delta * (values[i] - mean.total));
      }
    }
    return squares.total;
  }
}

/** The same for four windows of `count` values each, into `lanes`; not finite if a plain window must be asked. */
function squaresOfFour(
  values: Float64Array,
  from: Int32Array,
  k: number,
  count: number,
  lanes: Float64Array,
): void {
  const fromA = from[k];
  const fromB = from[k + 1];
  const fromC = from[k + 2];
  const fromD = from[k + 3];
  let meanA = 0;
  let meanB = 0;
  let meanC = 0;
  let meanD = 0;
  let lostMeanA = 0;
  let lostMeanB = 0;
  let lostMeanC = 0;
  let lostMeanD = 0;
  let centerA = 0;
  let centerB = 0;
  let centerC = 0;
  let centerD = 0;
  let squaresA = 0;
  let squaresB = 0;
  let squaresC = 0;
  let squaresD = 0;
  let lostA = 0;
  let lostB = 0;
  let lostC = 0;
  let lostD = 0;
  let delta = 0;
  let added = 0;
  let sum = 0;
  let kept = 0;
  for (let i = 0; i < count; ) {
    const a = values[fromA + i];
    const b = values[fromB + i];
    const c = values[fromC + i];
    const d = values[fromD + i];
    i++;

    delta = a - centerA;
    added = delta / i;
    sum = meanA + added;
    kept = sum - meanA;
    lostMeanA += meanA - (sum - kept) + (added - kept);
    meanA = sum;
    centerA = sum + lostMeanA;
    added = delta * (a - centerA);
    sum = squaresA + added;
    kept = sum - squaresA;
    lostA += squaresA - (sum - kept) + (added - kept);
    squaresA = sum;

    delta = b - centerB;
    added = delta / i;
    sum = meanB + added;
    kept = sum - meanB;
    lostMeanB += meanB - (sum - kept) + (added - kept);
    meanB = sum;
    centerB = sum + lostMeanB;
    added = delta * (b - centerB);
    sum = squaresB + added;
    kept = sum - squaresB;
    lostB += squaresB - (sum - kept) + (added - kept);
    squaresB = sum;

    delta = c - centerC;
    added = delta / i;
    sum = meanC + added;
    kept = sum - meanC;
    lostMeanC += meanC - (sum - kept) + (added - kept);
    meanC = sum;
    centerC = sum + lostMeanC;
    added = delta * (c - centerC);
    sum = squaresC + added;
    kept = sum - squaresC;
    lostC += squaresC - (sum - kept) + (added - kept);
    squaresC = sum;

    delta = d - centerD;
    added = delta / i;
    sum = meanD + added;
    kept = sum - meanD;
    lostMeanD += meanD - (sum - kept) + (added - kept);
    meanD = sum;
    centerD = sum + lostMeanD;
    added = delta * (d - centerD);
    sum = squaresD + added;
    kept = sum - squaresD;
    lostD += squaresD - (sum - kept) + (added - kept);
    squaresD = sum;
  }
  lanes[0] = squaresA + lostA;
  lanes[1] = squaresB + lostB;
  lanes[2] = squaresC + lostC;
  lanes[3] = squaresD + lostD;
}
