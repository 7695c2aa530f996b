import type { Budget } from './budget.ts';
import type { StepGrid } from './query.ts';
import { ScrapeTimes } from './scrape-times.ts';
import type { ResolvedTime } from './times.ts';

/** What an instant selector returns of a sample. */
export type SampleAspect = 'value' | 'timestamp' | 'startTimestamp';

/** Of each step the index of a sample, −1 if there is none. */
export class LatestAt {
  readonly at: Int32Array;
  /** The steps from ≤ step < to have one, and no others; both 0 if they don't lie side by side. */
  from = 0;
  to = 0;
  /** Series of which each of these samples was looked at, not counted yet. */
  uncounted = 0;

  constructor(steps: number) {
    this.at = new Int32Array(steps);
  }
}

/** Of each step the latest sample of a series within the lookback before it (left-open). */
export class LatestSamples {
  readonly #grid: StepGrid;
  readonly #time: ResolvedTime;
  readonly #lookbackDeltaMs: number;
  readonly #known: ScrapeTimes<LatestAt>;
  readonly #kept: LatestAt[] = [];
  readonly #queried: Float64Array;
  /** Of a series whose times are not kept: good until the next. */
  readonly #passing: LatestAt;

  /** @param queried samples looked at, by step */
  constructor(
    time: ResolvedTime,
    grid: StepGrid,
    lookbackDeltaMs: number,
    budget: Budget,
    queried: Float64Array,
  ) {
    this.#queried = queried;
    budget.hold(grid.count);
    this.#grid = grid;
    this.#time = time;
    this.#lookbackDeltaMs = lookbackDeltaMs;
    this.#known = new ScrapeTimes(budget, grid.count, grid.count);
    this.#passing = new LatestAt(grid.count);
  }

  /** Of times that increase. Good until the next call. */
  of(timestamps: Float64Array, length: number): LatestAt {
    const known = this.#known.find(timestamps, length);
    if (known !== undefined) return known;
    const { count } = this.#grid;
    let latest = this.#known.keep(timestamps, length, () => new LatestAt(count));
    if (latest !== undefined) this.#kept.push(latest);
    else {
      latest = this.#passing;
      this.#count(latest);
    }
    this.#find(timestamps, length, latest);
    return latest;
  }

  /** Counts what was left uncounted; needed behind the last series. */
  countQueried(): void {
    for (const latest of this.#kept) this.#count(latest);
    this.#count(this.#passing);
  }

  #count(latest: LatestAt): void {
    const { at, uncounted } = latest;
    latest.uncounted = 0;
    const queried = this.#queried;
    if (uncounted > 0)
      for (let step = 0; step < at.length; step++) if (at[step] >= 0) queried[step] += uncounted;
  }

  #find(timestamps: Float64Array, length: number, latest: LatestAt): void {
    const { at } = latest;
    let steps = 0;
    let first = 0;
    let end = 0;
    const { startMs, stepMs, count } = this.#grid;
    const { atMs, offsetMs } = this.#time;
    const lookbackDeltaMs = this.#lookbackDeltaMs;
    const firstMs = (atMs ?? startMs) - offsetMs;
    const advanceMs = atMs === undefined ? stepMs : 0;
    let next = 0;
    for (let step = 0; step < count; step++) {
      const refMs = firstMs + step * advanceMs;
      while (next < length && timestamps[next] <= refMs) next++;
      const isThere = next > 0 && timestamps[next - 1] > refMs - lookbackDeltaMs;
      at[step] = isThere ? next - 1 : -1;
      if (!isThere) continue;
      if (steps++ === 0) first = step;
      end = step + 1;
    }
    const isOneRun = steps === end - first;
    latest.from = isOneRun ? first : 0;
    latest.to = isOneRun ? end : 0;
  }
}
