import { addFour } from '../../numbers/kahan.ts';
import { FLOAT } from '../../vectors/query.ts';
import type { StepBlock } from '../../vectors/step-block.ts';
import { fitted } from './fitted-column.ts';
import { areOfOneGroup, FOUR } from './four-rows.ts';
import { HistogramMembers } from './histogram-sums.ts';
import type { Reducer, Reduction } from './reducer.ts';

/** Sum over count, or an incremental mean once the sum overflows. */
export class Mean implements Reducer {
  readonly #result: StepBlock;
  readonly #histograms: HistogramMembers;
  #compensations: Float64Array = new Float64Array(0);
  #counts: Float64Array = new Float64Array(0);
  /** 1 if the cell's mean is incremental, else 0. */
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

  /** Like `Sum`'s, if the cell has a sum already and is not an incremental mean. */
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
