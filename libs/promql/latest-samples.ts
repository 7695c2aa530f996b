import type { Budget } from './budget.ts';
import type { ResolvedTime } from './plan.ts';
import type { StepGrid } from './query.ts';
import { RememberedTimes } from './remembered-times.ts';

/** Of each step the latest sample of a series within the lookback before it (left-open). */
export class LatestSamples {
  /** By step the index of the sample, −1 where there is none. */
  readonly at: Int32Array;
  readonly #grid: StepGrid;
  readonly #time: ResolvedTime;
  readonly #lookbackDeltaMs: number;
  readonly #times: RememberedTimes;

  constructor(time: ResolvedTime, grid: StepGrid, lookbackDeltaMs: number, budget: Budget) {
    budget.hold(grid.count);
    this.at = new Int32Array(grid.count);
    this.#grid = grid;
    this.#time = time;
    this.#lookbackDeltaMs = lookbackDeltaMs;
    this.#times = new RememberedTimes(budget);
  }

  /** Takes up a series whose samples were taken at these times, which increase. */
  find(timestamps: Float64Array, length: number): void {
    if (this.#times.areThese(timestamps, length)) return;
    const { startMs, stepMs, count } = this.#grid;
    const { atMs, offsetMs } = this.#time;
    const lookbackDeltaMs = this.#lookbackDeltaMs;
    const { at } = this;
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
