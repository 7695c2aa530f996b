import type { Budget } from './budget.ts';
import type { ResolvedTime } from './plan.ts';
import type { StepGrid } from './query.ts';
import { ScrapeTimes } from './scrape-times.ts';

/** Of each step the latest sample of a series within the lookback before it (left-open). */
export class LatestSamples {
  readonly #grid: StepGrid;
  readonly #time: ResolvedTime;
  readonly #lookbackDeltaMs: number;
  readonly #known: ScrapeTimes<Int32Array>;
  /** Of a series whose times are not kept. */
  readonly #passing: Int32Array;

  constructor(time: ResolvedTime, grid: StepGrid, lookbackDeltaMs: number, budget: Budget) {
    budget.hold(grid.count);
    this.#grid = grid;
    this.#time = time;
    this.#lookbackDeltaMs = lookbackDeltaMs;
    this.#known = new ScrapeTimes(budget, grid.count, grid.count);
    this.#passing = new Int32Array(grid.count);
  }

  /** By step the index of the sample, −1 where there is none; of times that increase. Good until the next call. */
  of(timestamps: Float64Array, length: number): Int32Array {
    const known = this.#known.find(timestamps, length);
    if (known !== undefined) return known;
    const { count } = this.#grid;
    const at = this.#known.keep(timestamps, length, () => new Int32Array(count)) ?? this.#passing;
    this.#find(timestamps, length, at);
    return at;
  }

  #find(timestamps: Float64Array, length: number, at: Int32Array): void {
    const { startMs, stepMs, count } = this.#grid;
    const { atMs, offsetMs } = this.#time;
    const lookbackDeltaMs = this.#lookbackDeltaMs;
    const firstMs = (atMs ?? startMs) - offsetMs;
    const advanceMs = atMs === undefined ? stepMs : 0;
    let next = 0;
    for (let step = 0; step < count; step++) {
      const refMs = firstMs + step * advanceMs;
      while (next < length && timestamps[next] <= refMs) next++;
      at[step] = next > 0 && timestamps[next - 1] > refMs - lookbackDeltaMs ? next - 1 : -1;
    }
  }
}
