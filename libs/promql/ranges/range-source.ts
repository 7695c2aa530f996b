import type { Labels } from '@xscaler/model';
import type { Series } from '@xscaler/storage';
import type { Budget } from '../vectors/budget.ts';
import type { StepGrid } from '../vectors/query.ts';
import type { StepBlock } from '../vectors/step-block.ts';
import type { ResolvedTime } from '../vectors/times.ts';
import type { RangeSamples } from './range-samples.ts';

/** The series a range function runs over, one decoded at a time. */
export interface RangeSource {
  readonly count: number;
  readonly time: ResolvedTime;
  labels(row: number): Labels;
  nameDropped(row: number): boolean;
  /** As `StepBlock.labelBytes`. */
  labelBytes(row: number): number;
  load(row: number, samples: RangeSamples): void;
}

/** Series of a range selector. */
export class SelectorSource implements RangeSource {
  readonly time: ResolvedTime;
  readonly #series: readonly Series[];
  readonly #detectResets: boolean;
  readonly #budget: Budget;

  constructor(series: readonly Series[], time: ResolvedTime, detectResets: boolean, budget: Budget) {
    this.#detectResets = detectResets;
    this.#series = series;
    this.time = time;
    this.#budget = budget;
  }

  get count(): number {
    return this.#series.length;
  }

  labels(row: number): Labels {
    return this.#series[row].labels;
  }

  nameDropped(): boolean {
    return false;
  }

  labelBytes(): number {
    return 0;
  }

  load(row: number, samples: RangeSamples): void {
    this.#budget.addSamples(samples.load(this.#series[row], this.#detectResets));
  }
}

/** A decoded row has a column of times and one of values, and window functions keep two more of its length. */
const ROW_COLUMNS = 4;

/** Rows of a subquery: an expression's values at the steps of its own grid. */
export class SubquerySource implements RangeSource {
  readonly time: ResolvedTime;
  readonly #block: StepBlock;
  readonly #grid: StepGrid;
  readonly #budget: Budget;

  constructor(block: StepBlock, grid: StepGrid, time: ResolvedTime, budget: Budget) {
    this.#block = block;
    this.#grid = grid;
    this.time = time;
    this.#budget = budget;
    budget.hold(ROW_COLUMNS * grid.count);
  }

  get count(): number {
    return this.#block.rows;
  }

  labels(row: number): Labels {
    return this.#block.labels[row];
  }

  nameDropped(row: number): boolean {
    return this.#block.nameDropped[row];
  }

  labelBytes(row: number): number {
    return this.#block.labelBytes[row];
  }

  load(row: number, samples: RangeSamples): void {
    samples.loadRow(this.#block, row, this.#grid.startMs, this.#grid.stepMs, this.#budget);
  }
}
