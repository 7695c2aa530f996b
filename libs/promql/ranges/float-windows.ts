import type { Budget } from '../vectors/budget.ts';
import { CANCELLATION_SAMPLES } from '../vectors/cancellation.ts';
import { FLOAT, type StepGrid } from '../vectors/query.ts';
import { ScrapeTimes } from '../vectors/scrape-times.ts';
import type { StepBlock } from '../vectors/step-block.ts';
import type { ResolvedTime } from '../vectors/times.ts';
import { firstSoonAfter } from './first-after.ts';
import type { RangeSamples } from './range-samples.ts';

/** Which samples the windows of all steps have: window k those with `from[k] ≤ i < to[k]`. */
export class WindowBounds {
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** Whether they are of one series alone: they change with the next. */
  readonly isPassing: boolean;
  /** Windows that have samples, and how many these are in all windows together. */
  filled = 0;
  samples = 0;
  /** Series of these bounds whose samples are not counted yet. */
  uncounted = 0;

  constructor(steps: number, isPassing: boolean) {
    this.from = new Int32Array(steps);
    this.to = new Int32Array(steps);
    this.isPassing = isPassing;
  }
}

/**
 * The windows of all steps over a series that has floats alone and no start timestamps, which is to say nearly every
 * series: a function that takes them at once runs in one loop of its own, without a call a window.
 */
export class FloatWindows {
  readonly steps: number;
  readonly rangeMs: number;
  /** Window k has the samples `bounds.from[k] ≤ i < bounds.to[k]`, */
  bounds: WindowBounds;
  /** of the times endsMs[k] − rangeMs < t ≤ endsMs[k]. */
  readonly endsMs: Float64Array;
  readonly budget: Budget;
  readonly #passing: WindowBounds;
  readonly #known: ScrapeTimes<WindowBounds>;
  readonly #kept: WindowBounds[] = [];
  /** Samples looked at, by step. */
  readonly #queried: Float64Array;
  timestamps: Float64Array = new Float64Array(0);
  values: Float64Array = new Float64Array(0);
  /** Samples of the series. */
  length = 0;
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
    this.#queried = queried;
    budget.hold(2 * grid.count);
    this.#known = new ScrapeTimes(budget, grid.count, grid.count);
    this.#passing = new WindowBounds(grid.count, true);
    this.bounds = this.#passing;
    this.endsMs = new Float64Array(grid.count);
    for (let k = 0; k < grid.count; k++) this.endsMs[k] = (atMs ?? grid.startMs + k * grid.stepMs) - offsetMs;
  }

  get from(): Int32Array {
    return this.bounds.from;
  }

  get to(): Int32Array {
    return this.bounds.to;
  }

  /** Takes up a series, whose results go to the row of which `first` is the first cell. */
  begin(samples: RangeSamples, block: StepBlock, first: number): void {
    const { timestamps, length } = samples;
    this.budget.work(length + this.steps);
    this.bounds = this.#known.find(timestamps, length) ?? this.#newBounds(timestamps, length);
    this.bounds.uncounted++;
    this.budget.look();
    this.timestamps = timestamps;
    this.values = samples.values;
    this.length = length;
    this.first = first;
    this.results = block.values;
    this.present = block.present;
  }

  /** Counts the samples of all series that were taken up; needed behind the last. */
  countQueried(): void {
    for (const bounds of this.#kept) this.#count(bounds);
    this.#count(this.#passing);
  }

  #newBounds(timestamps: Float64Array, length: number): WindowBounds {
    let bounds = this.#known.keep(timestamps, length, () => new WindowBounds(this.steps, false));
    if (bounds !== undefined) this.#kept.push(bounds);
    else {
      bounds = this.#passing;
      this.#count(bounds);
    }
    this.#findWindows(bounds, timestamps, length);
    return bounds;
  }

  #findWindows(bounds: WindowBounds, timestamps: Float64Array, length: number): void {
    const { steps, rangeMs, endsMs } = this;
    const { from, to } = bounds;
    let low = 0;
    let high = 0;
    bounds.filled = 0;
    bounds.samples = 0;
    for (let k = 0; k < steps; k++) {
      const endMs = endsMs[k];
      const startMs = endMs - rangeMs;
      high = firstSoonAfter(timestamps, high, length, endMs);
      low = firstSoonAfter(timestamps, low, high, startMs);
      from[k] = low;
      to[k] = high;
      bounds.samples += high - low;
      if (low < high) bounds.filled++;
    }
  }

  #count(bounds: WindowBounds): void {
    const { from, to, uncounted } = bounds;
    bounds.uncounted = 0;
    const queried = this.#queried;
    if (uncounted > 0) for (let k = 0; k < from.length; k++) queried[k] += uncounted * (to[k] - from[k]);
  }

  /** Whether the `count` windows from k on have as many samples each, and few enough to be taken without a look around. */
  areAlike(k: number, count: number): boolean {
    const { steps, from, to } = this;
    const length = to[k] - from[k];
    if (k + count > steps || length > CANCELLATION_SAMPLES) return false;
    for (let i = k + 1; i < k + count; i++) if (to[i] - from[i] !== length) return false;
    return true;
  }

  /** A result for each window that has samples. @returns how many have */
  markFilled(): number {
    const { steps, from, to, first, present } = this;
    const { filled } = this.bounds;
    if (filled === steps) present.fill(FLOAT, first, first + steps);
    else for (let k = 0; k < steps; k++) if (from[k] < to[k]) present[first + k] = FLOAT;
    return filled;
  }
}
