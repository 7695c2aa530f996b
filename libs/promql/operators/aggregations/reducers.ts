import { addFour } from '../../numbers/kahan.ts';
import type { AggregateOperator, Aggregation } from '../../syntax/ast.ts';
import { FLOAT, HISTOGRAM } from '../../vectors/query.ts';
import type { StepBlock } from '../../vectors/step-block.ts';
import type { Evaluation } from '../evaluation.ts';
import { HistogramMembers, infoOfIgnored } from './histogram-sums.ts';

/** Aggregations that give one value for each group and step. */
export type ReducerName = Extract<
  AggregateOperator,
  'sum' | 'avg' | 'min' | 'max' | 'count' | 'group' | 'stddev' | 'stdvar'
>;

export interface Reduction {
  readonly evaluation: Evaluation;
  readonly expr: Aggregation;
  /** One row for each group, to be filled; rows are added as groups turn up. */
  readonly result: StepBlock;
}

/** Reduces the rows of each group to one, step by step. Rows come some at a time, always in their order. */
export interface Reducer {
  /** @param groupOf the row of the result for each row of the block */
  add(block: StepBlock, groupOf: Int32Array): void;
  /** All rows have been there. */
  finish(): void;
}

type Factory = (reduction: Reduction) => Reducer;

const factories: Record<ReducerName, Factory> = {
  sum: (reduction) => new Sum(reduction),
  avg: (reduction) => new Mean(reduction),
  min: (reduction) => new Extreme(reduction, false),
  max: (reduction) => new Extreme(reduction, true),
  count: (reduction) => new Count(reduction),
  group: (reduction) => new Group(reduction),
  stddev: (reduction) => new Variance(reduction, true),
  stdvar: (reduction) => new Variance(reduction, false),
};

export function reducerFor(name: ReducerName, reduction: Reduction): Reducer {
  return factories[name](reduction);
}

/** A column beside the result's, as long as those. */
function fitted(column: Float64Array, result: StepBlock): Float64Array {
  const cells = result.present.length;
  if (column.length >= cells) return column;
  result.budget.hold(cells - column.length);
  const grown = result.budget.memory.floats(cells);
  grown.set(column);
  return grown;
}

/** Rows that are added up at once. */
const FOUR = 4;

/** Whether four rows are left and all go to one row of the result. */
function areOfOneGroup(groupOf: Int32Array, row: number, rows: number): boolean {
  if (row + FOUR > rows) return false;
  const group = groupOf[row];
  return groupOf[row + 1] === group && groupOf[row + 2] === group && groupOf[row + 3] === group;
}

/** Kahan–Neumaier sums, the compensations in a column beside the sums. */
class Sum implements Reducer {
  readonly #result: StepBlock;
  readonly #histograms: HistogramMembers;
  #compensations: Float64Array = new Float64Array(0);

  constructor(reduction: Reduction) {
    this.#result = reduction.result;
    this.#histograms = new HistogramMembers(reduction, false);
  }

  add(block: StepBlock, groupOf: Int32Array): void {
    this.#compensations = fitted(this.#compensations, this.#result);
    for (let row = 0; row < block.rows; ) {
      const rows = areOfOneGroup(groupOf, row, block.rows) ? FOUR : 1;
      block.budget.work(rows * block.steps);
      if (rows === FOUR) this.#addFourRows(block, row, groupOf[row]);
      else this.#addRow(block, row, groupOf[row]);
      row += rows;
    }
    this.#histograms.gather(block, groupOf);
  }

  #addRow({ steps, values, present }: StepBlock, row: number, group: number): void {
    for (let k = group * steps, i = row * steps; i < (row + 1) * steps; k++, i++)
      if (present[i] === FLOAT) this.#addValue(k, values[i]);
  }

  /** Four rows one after the other, but each sum is loaded and stored once. */
  #addFourRows({ steps, values, present }: StepBlock, row: number, group: number): void {
    const { values: sums, present: filled } = this.#result;
    const compensations = this.#compensations;
    const end = (row + 1) * steps;
    for (let k = group * steps, a = row * steps; a < end; k++, a++) {
      const b = a + steps;
      const c = b + steps;
      const d = c + steps;
      if (
        (present[a] & present[b] & present[c] & present[d]) === FLOAT &&
        addFour(sums, compensations, k, values[a], values[b], values[c], values[d])
      ) {
        filled[k] = FLOAT;
        continue;
      }
      for (let i = a; i <= d; i += steps) if (present[i] === FLOAT) this.#addValue(k, values[i]);
    }
  }

  #addValue(k: number, value: number): void {
    const { values: sums, present: filled } = this.#result;
    const compensations = this.#compensations;
    const sum = sums[k];
    const next = sum + value;
    if (next === Number.POSITIVE_INFINITY || next === Number.NEGATIVE_INFINITY) compensations[k] = 0;
    else if (Math.abs(sum) >= Math.abs(value)) compensations[k] += sum - next + value;
    else compensations[k] += value - next + sum;
    sums[k] = next;
    filled[k] = FLOAT;
  }

  finish(): void {
    const { values: sums } = this.#result;
    const compensations = this.#compensations;
    for (let cell = 0; cell < compensations.length; cell++) sums[cell] += compensations[cell];
    this.#histograms.addToResult();
  }
}

/** Sum over count; if the sum overflows, an incremental mean from there on. */
class Mean implements Reducer {
  readonly #result: StepBlock;
  readonly #histograms: HistogramMembers;
  #compensations: Float64Array = new Float64Array(0);
  #counts: Float64Array = new Float64Array(0);
  /** Above 0 if the mean is incremental. */
  #incremental: Float64Array = new Float64Array(0);

  constructor(reduction: Reduction) {
    this.#result = reduction.result;
    this.#histograms = new HistogramMembers(reduction, true);
  }

  add(block: StepBlock, groupOf: Int32Array): void {
    const result = this.#result;
    this.#compensations = fitted(this.#compensations, result);
    this.#counts = fitted(this.#counts, result);
    this.#incremental = fitted(this.#incremental, result);
    for (let row = 0; row < block.rows; ) {
      const rows = areOfOneGroup(groupOf, row, block.rows) ? FOUR : 1;
      block.budget.work(rows * block.steps);
      if (rows === FOUR) this.#addFourRows(block, row, groupOf[row]);
      else this.#addRow(block, row, groupOf[row]);
      row += rows;
    }
    this.#histograms.gather(block, groupOf);
  }

  #addRow({ steps, values, present }: StepBlock, row: number, group: number): void {
    for (let k = group * steps, i = row * steps; i < (row + 1) * steps; k++, i++)
      if (present[i] === FLOAT) this.#addValue(k, values[i]);
  }

  /** As for sums, if there is a sum already and it is not an incremental mean. */
  #addFourRows({ steps, values, present }: StepBlock, row: number, group: number): void {
    const { values: sums } = this.#result;
    const compensations = this.#compensations;
    const counts = this.#counts;
    const incremental = this.#incremental;
    const end = (row + 1) * steps;
    for (let k = group * steps, a = row * steps; a < end; k++, a++) {
      const b = a + steps;
      const c = b + steps;
      const d = c + steps;
      if (
        (present[a] & present[b] & present[c] & present[d]) === FLOAT &&
        counts[k] > 0 &&
        incremental[k] === 0 &&
        addFour(sums, compensations, k, values[a], values[b], values[c], values[d])
      ) {
        counts[k] += FOUR;
        continue;
      }
      for (let i = a; i <= d; i += steps) if (present[i] === FLOAT) this.#addValue(k, values[i]);
    }
  }

  #addValue(k: number, given: number): void {
    const { values: sums, present: filled } = this.#result;
    const compensations = this.#compensations;
    const incremental = this.#incremental;
    const count = ++this.#counts[k];
    let value = given;
    if (count === 1) {
      filled[k] = FLOAT;
      sums[k] = value;
      return;
    }
    if (incremental[k] === 0 && Math.abs(sums[k] + value) === Number.POSITIVE_INFINITY) {
      incremental[k] = 1;
      sums[k] /= count - 1;
      compensations[k] /= count - 1;
    }
    if (incremental[k] === 1) {
      const shrink = (count - 1) / count;
      sums[k] *= shrink;
      compensations[k] *= shrink;
      value /= count;
    }
    const sum = sums[k];
    const next = sum + value;
    if (next === Number.POSITIVE_INFINITY || next === Number.NEGATIVE_INFINITY) compensations[k] = 0;
    else if (Math.abs(sum) >= Math.abs(value)) compensations[k] += sum - next + value;
    else compensations[k] += value - next + sum;
    sums[k] = next;
  }

  finish(): void {
    const { values: sums } = this.#result;
    for (let cell = 0; cell < this.#counts.length; cell++) {
      const count = this.#counts[cell];
      if (count === 0) continue;
      const compensation = this.#compensations[cell];
      if (this.#incremental[cell] === 1) sums[cell] += compensation;
      else sums[cell] = sums[cell] / count + compensation / count;
    }
    this.#histograms.addToResult();
  }
}

/** NaN only if there is nothing else. */
class Extreme implements Reducer {
  readonly #reduction: Reduction;
  readonly #highest: boolean;

  constructor(reduction: Reduction, highest: boolean) {
    this.#reduction = reduction;
    this.#highest = highest;
  }

  add(block: StepBlock, groupOf: Int32Array): void {
    infoOfIgnored(this.#reduction, block);
    const { steps, values, present } = block;
    const { values: bests, present: filled } = this.#reduction.result;
    const highest = this.#highest;
    for (let row = 0; row < block.rows; row++) {
      const to = groupOf[row] * steps;
      block.budget.work(steps);
      for (let k = to, i = row * steps; k < to + steps; k++, i++) {
        if (present[i] !== FLOAT) continue;
        const value = values[i];
        const best = bests[k];
        const beaten = highest ? value > best : value < best;
        if (filled[k] !== 0 && !beaten && !Number.isNaN(best)) continue;
        filled[k] = FLOAT;
        bests[k] = value;
      }
    }
  }

  finish(): void {}
}

class Count implements Reducer {
  readonly #result: StepBlock;

  constructor({ result }: Reduction) {
    this.#result = result;
  }

  add(block: StepBlock, groupOf: Int32Array): void {
    const { steps, present } = block;
    const { values: counts, present: filled } = this.#result;
    for (let row = 0; row < block.rows; row++) {
      const to = groupOf[row] * steps;
      block.budget.work(steps);
      for (let k = to, i = row * steps; k < to + steps; k++, i++) {
        if (present[i] === 0) continue;
        filled[k] = FLOAT;
        counts[k]++;
      }
    }
  }

  finish(): void {}
}

class Group implements Reducer {
  readonly #result: StepBlock;

  constructor({ result }: Reduction) {
    this.#result = result;
  }

  add(block: StepBlock, groupOf: Int32Array): void {
    const { steps, present } = block;
    for (let row = 0; row < block.rows; row++) {
      const to = groupOf[row] * steps;
      block.budget.work(steps);
      for (let k = 0; k < steps; k++) if (present[row * steps + k] !== 0) this.#result.setFloat(to + k, 1);
    }
  }

  finish(): void {}
}

/** Welford's algorithm; an infinite or NaN first value makes the result NaN. */
class Variance implements Reducer {
  readonly #reduction: Reduction;
  readonly #deviation: boolean;
  #means: Float64Array = new Float64Array(0);
  #counts: Float64Array = new Float64Array(0);

  constructor(reduction: Reduction, deviation: boolean) {
    this.#reduction = reduction;
    this.#deviation = deviation;
  }

  add(block: StepBlock, groupOf: Int32Array): void {
    const { result } = this.#reduction;
    infoOfIgnored(this.#reduction, block);
    this.#means = fitted(this.#means, result);
    this.#counts = fitted(this.#counts, result);
    const { steps, values, present } = block;
    const { values: squares, present: filled } = result;
    const means = this.#means;
    const counts = this.#counts;
    for (let row = 0; row < block.rows; row++) {
      const to = groupOf[row] * steps;
      block.budget.work(steps);
      for (let k = to, i = row * steps; k < to + steps; k++, i++) {
        if (present[i] !== FLOAT) continue;
        const value = values[i];
        const count = ++counts[k];
        if (count === 1) {
          filled[k] = FLOAT;
          means[k] = value;
          squares[k] = Number.isFinite(value) ? 0 : Number.NaN;
          continue;
        }
        const delta = value - means[k];
        means[k] += delta / count;
        squares[k] += delta * (value - means[k]);
      }
    }
  }

  finish(): void {
    const { values: squares, present } = this.#reduction.result;
    for (let cell = 0; cell < this.#counts.length; cell++) {
      const count = this.#counts[cell];
      if (present[cell] === HISTOGRAM || count === 0) continue;
      const variance = squares[cell] / count;
      squares[cell] = this.#deviation ? Math.sqrt(variance) : variance;
    }
  }
}
