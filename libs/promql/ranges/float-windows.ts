import type { Budget } from '../budget.ts';
import type { ResolvedTime } from '../plan.ts';
import { FLOAT, type StepGrid } from '../query.ts';
import { RememberedTimes } from '../remembered-times.ts';
import type { StepBlock } from '../step-block.ts';
import type { RangeSamples } from './range-samples.ts';

/**
 * The windows of all steps over a series that has floats alone and no start timestamps, which is to say nearly every
 * series: a function that takes them at once runs in one loop of its own, without a call a window.
 */
export class FloatWindows {
  readonly steps: number;
  readonly rangeMs: number;
  /** Window k has the samples `from[k] ≤ i < to[k]`, */
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** of the times endsMs[k] − rangeMs < t ≤ endsMs[k]. */
  readonly endsMs: Float64Array;
  readonly budget: Budget;
  /** Of the samples of which the windows are. */
  readonly #times: RememberedTimes;
  /** Samples looked at, by step. */
  readonly #queried: Float64Array;
  timestamps: Float64Array = new Float64Array(0);
  values: Float64Array = new Float64Array(0);
  /** Where results go: window k's is the cell `first + k`. */
  first = 0;
  results: Float64Array = new Float64Array(0);
  present: Uint8Array = new Uint8Array(0);

  constructor(
    { offsetMs, atMs, rangeMs }: ResolvedTime,
    grid: StepGrid,
    budget: Budget,
    queried: Float64Array,
  ) {
    this.steps = grid.count;
    this.rangeMs = rangeMs;
    this.budget = budget;
    this.#times = new RememberedTimes(budget);
    this.#queried = queried;
    budget.hold(2 * grid.count);
    this.from = new Int32Array(grid.count);
    this.to = new Int32Array(grid.count);
    this.endsMs = new Float64Array(grid.count);
    for (let k = 0; k < grid.count; k++) this.endsMs[k] = (atMs ?? grid.startMs + k * grid.stepMs) - offsetMs;
  }

  /** Takes up a series, whose results go to the row of which `first` is the first cell. */
  begin(samples: RangeSamples, block: StepBlock, first: number): void {
    const { timestamps, length } = samples;
    this.budget.work(length + this.steps);
    if (!this.#times.areThese(timestamps, length)) this.#findWindows(timestamps, length);
    this.timestamps = timestamps;
    this.values = samples.values;
    this.first = first;
    this.results = block.values;
    this.present = block.present;
    const { steps, from, to } = this;
    const queried = this.#queried;
    for (let k = 0; k < steps; k++) queried[k] += to[k] - from[k];
  }

  #findWindows(timestamps: Float64Array, length: number): void {
    const { steps, rangeMs, from, to, endsMs } = this;
    let low = 0;
    let high = 0;
    for (let k = 0; k < steps; k++) {
      const endMs = endsMs[k];
      const startMs = endMs - rangeMs;
      while (high < length && timestamps[high] <= endMs) high++;
      while (low < high && timestamps[low] <= startMs) low++;
      from[k] = low;
      to[k] = high;
    }
  }

  /** A result for each window that has samples. @returns how many have */
  markFilled(): number {
    const { steps, from, to, first, present } = this;
    let filled = 0;
    for (let k = 0; k < steps; k++) {
      if (from[k] === to[k]) continue;
      present[first + k] = FLOAT;
      filled++;
    }
    return filled;
  }
}
