import { formatGeneral } from '../../numbers/number-format.ts';
import type { Aggregation } from '../../syntax/ast.ts';
import { ExecutionError } from '../../syntax/errors.ts';
import type { Groups } from '../../vectors/grouping.ts';
import { ABSENT, FLOAT } from '../../vectors/query.ts';
import { mapColumn } from '../../vectors/scalar-column.ts';
import type { StepBlock } from '../../vectors/step-block.ts';
import type { Evaluation } from '../evaluation.ts';
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
  evaluation: Evaluation,
  expr: Aggregation,
  block: StepBlock,
  groups: Groups,
  params: Float64Array,
): StepBlock {
  infoOfIgnored({ evaluation, expr }, block);
  const counts = mapColumn(evaluation.budget, params, (param) => Math.min(keptCount(param), block.rows));
  const groupCount = groups.labels.length;
  const most = Math.min(
    largestGroup(groups),
    counts.reduce((a, b) => Math.max(a, b), 0),
  );
  const chunk = Math.max(1, Math.floor(RANKING_ENTRIES / Math.max(1, groupCount * most)));
  evaluation.budget.hold(groupCount * Math.min(chunk, block.steps) * (most + 2));
  const ranking = new Ranking(expr.op === 'topk', groupCount, Math.min(chunk, block.steps), most);
  const order: number[] = [];
  for (let from = 0; from < block.steps; from += chunk) {
    ranking.rank(block, groups.groupOf, counts, from, Math.min(from + chunk, block.steps));
    if (block.steps === 1) ranking.listRows(block, groupCount, order);
  }
  return block.steps === 1 ? block.pick(order) : block.withoutEmptyRows();
}

function largestGroup(groups: Groups): number {
  const sizes = new Int32Array(groups.labels.length);
  for (const group of groups.groupOf) sizes[group]++;
  return sizes.reduce((a, b) => Math.max(a, b), 0);
}

/** The best rows of each group at each step of a chunk, each slot's a heap with the worst of them on top. */
class Ranking {
  readonly #highest: boolean;
  readonly #steps: number;
  readonly #most: number;
  /** Rows of group g at the chunk's step s: from (g × steps + s) × most, `#lengths[g × steps + s]` of them. */
  readonly #rows: Int32Array;
  readonly #lengths: Int32Array;
  /** Of each slot the value to be beaten: the root's. */
  readonly #roots: Float64Array;

  constructor(highest: boolean, groups: number, steps: number, most: number) {
    this.#highest = highest;
    this.#steps = steps;
    this.#most = most;
    this.#rows = new Int32Array(groups * steps * most);
    this.#lengths = new Int32Array(groups * steps);
    this.#roots = new Float64Array(groups * steps);
  }

  /** Ranks the floats of steps from ≤ s < to, and leaves only the best in the block. */
  rank(block: StepBlock, groupOf: Int32Array, counts: Float64Array, from: number, to: number): void {
    const { steps, present } = block;
    this.#lengths.fill(0);
    for (let row = 0; row < block.rows; row++) {
      block.budget.work(to - from);
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

  /** Appends all rows of a block of one step, group by group, best first. */
  listRows(block: StepBlock, groups: number, order: number[]): void {
    for (let slot = 0; slot < groups; slot++) {
      const first = slot * this.#most;
      const rows = this.#rows.subarray(first, first + this.#lengths[slot]);
      rows.sort((a, b) => {
        block.budget.work(1);
        return this.#precedes(block.values, 1, 0, a, b) ? -1 : 1;
      });
      for (const row of rows) order.push(row);
    }
  }

  /** Adds a row to its slot's heap, whose root is the row to go first; rows are offered in their order. */
  #offer(values: Float64Array, steps: number, row: number, step: number, slot: number, count: number): void {
    const rows = this.#rows;
    const first = slot * this.#most;
    const length = this.#lengths[slot];
    if (length < count) {
      this.#lengths[slot]++;
      let at = length;
      while (at > 0) {
        const parent = (at - 1) >> 1;
        if (!this.#precedes(values, steps, step, rows[first + parent], row)) break;
        rows[first + at] = rows[first + parent];
        at = parent;
      }
      rows[first + at] = row;
    } else if (this.#beats(values[row * steps + step], this.#roots[slot])) {
      let at = 0;
      for (let child = 1; child < length; child = 2 * at + 1) {
        const right = child + 1;
        if (right < length && this.#precedes(values, steps, step, rows[first + child], rows[first + right])) {
          child = right;
        }
        if (!this.#precedes(values, steps, step, row, rows[first + child])) break;
        rows[first + at] = rows[first + child];
        at = child;
      }
      rows[first + at] = row;
    } else return;
    this.#roots[slot] = values[rows[first] * steps + step];
  }

  /** Whether row a comes before row b: of equal values the earlier row. */
  #precedes(values: Float64Array, steps: number, step: number, a: number, b: number): boolean {
    const value = values[a * steps + step];
    const other = values[b * steps + step];
    if (this.#beats(value, other)) return true;
    return a < b && !this.#beats(other, value);
  }

  #beats(value: number, other: number): boolean {
    if (Number.isNaN(other)) return !Number.isNaN(value);
    return this.#highest ? value > other : value < other;
  }
}
