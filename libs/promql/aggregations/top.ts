import type { Aggregation } from '../ast.ts';
import { ExecutionError } from '../errors.ts';
import type { Evaluator } from '../evaluator.ts';
import type { Groups } from '../grouping.ts';
import { formatGeneral } from '../number-format.ts';
import { ABSENT, FLOAT } from '../query.ts';
import type { StepBlock } from '../step-block.ts';
import { infoOfIgnored } from './histogram-sums.ts';

/**
 * How many rows `topk`, `bottomk` and `limitk` keep at a step.
 * @throws ExecutionError for NaN and what no 64-bit integer holds
 */
export function keptCount(param: number): number {
  if (Number.isNaN(param)) throw new ExecutionError('Parameter value is NaN');
  if (param >= 2 ** 63) throw new ExecutionError(`Scalar value ${formatGeneral(param)} overflows int64`);
  if (param <= -(2 ** 63)) throw new ExecutionError(`Scalar value ${formatGeneral(param)} underflows int64`);
  return Math.max(0, Math.trunc(param));
}

/** Entries of the ranking that are worked on at a time: bounds its memory whatever k is. */
const RANKING_ENTRIES = 1 << 20;

/**
 * `topk` and `bottomk`: of each group at each step the rows with the highest or lowest values, NaN last;
 * the other cells become absent. A single step comes out best first.
 */
export function selectExtremes(
  evaluator: Evaluator,
  expr: Aggregation,
  block: StepBlock,
  groups: Groups,
  params: Float64Array,
): StepBlock {
  infoOfIgnored({ evaluator, expr, block });
  const most = Math.min(
    block.rows,
    params.map(keptCount).reduce((a, b) => Math.max(a, b), 0),
  );
  const counts = Int32Array.from(params, (param) => Math.min(keptCount(param), block.rows));
  const groupCount = groups.labels.length;
  const chunk = Math.max(1, Math.floor(RANKING_ENTRIES / Math.max(1, groupCount * most)));
  const ranking = new Ranking(expr.op === 'topk', groupCount, Math.min(chunk, block.steps), most);
  const order: number[] = [];
  for (let from = 0; from < block.steps; from += chunk) {
    ranking.rank(block, groups.groupOf, counts, from, Math.min(from + chunk, block.steps));
    evaluator.budget.work(block.rows * chunk);
    if (block.steps === 1) order.push(...ranking.rowsInOrder(groupCount));
  }
  return block.steps === 1 ? block.pick(order) : block.withoutEmptyRows();
}

/** The best rows of each group at each step of a chunk, best first. */
class Ranking {
  readonly #highest: boolean;
  readonly #steps: number;
  readonly #most: number;
  /** Rows of group g at the chunk's step s: from (g × steps + s) × most, `#lengths[g × steps + s]` of them. */
  readonly #rows: Int32Array;
  readonly #lengths: Int32Array;

  constructor(highest: boolean, groups: number, steps: number, most: number) {
    this.#highest = highest;
    this.#steps = steps;
    this.#most = most;
    this.#rows = new Int32Array(groups * steps * most);
    this.#lengths = new Int32Array(groups * steps);
  }

  /** Ranks the floats of steps from ≤ s < to, and leaves only the best in the block. */
  rank(block: StepBlock, groupOf: Int32Array, counts: Int32Array, from: number, to: number): void {
    const { steps, present } = block;
    this.#lengths.fill(0);
    for (let row = 0; row < block.rows; row++) {
      const group = groupOf[row] * this.#steps;
      for (let step = from; step < to; step++) {
        const cell = row * steps + step;
        if (present[cell] === ABSENT) continue;
        if (present[cell] === FLOAT && counts[step] > 0) {
          this.#offer(block.values, steps, row, step, group + step - from, counts[step]);
        }
        present[cell] = ABSENT;
      }
    }
    for (let slot = 0; slot < this.#lengths.length; slot++) {
      const step = from + (slot % this.#steps);
      for (let i = 0; i < this.#lengths[slot]; i++) {
        present[this.#rows[slot * this.#most + i] * steps + step] = FLOAT;
      }
    }
  }

  /** All rows of a chunk of one step, group by group. */
  rowsInOrder(groups: number): number[] {
    const rows: number[] = [];
    for (let slot = 0; slot < groups; slot++) {
      const first = slot * this.#most;
      rows.push(...this.#rows.subarray(first, first + this.#lengths[slot]));
    }
    return rows;
  }

  #offer(values: Float64Array, steps: number, row: number, step: number, slot: number, count: number): void {
    const rows = this.#rows;
    const first = slot * this.#most;
    const length = this.#lengths[slot];
    const value = values[row * steps + step];
    if (length === count && !this.#beats(value, values[rows[first + length - 1] * steps + step])) return;
    let low = first;
    let high = first + length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#beats(value, values[rows[middle] * steps + step])) high = middle;
      else low = middle + 1;
    }
    const end = first + Math.min(length, count - 1);
    for (let i = end; i > low; i--) rows[i] = rows[i - 1];
    rows[low] = row;
    if (length < count) this.#lengths[slot]++;
  }

  #beats(value: number, other: number): boolean {
    if (Number.isNaN(other)) return !Number.isNaN(value);
    return this.#highest ? value > other : value < other;
  }
}
