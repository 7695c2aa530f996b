import { addFour } from '../../numbers/kahan.ts';
import { FLOAT } from '../../vectors/query.ts';
import type { StepBlock } from '../../vectors/step-block.ts';
import { fitted } from './fitted-column.ts';
import { areOfOneGroup, FOUR } from './four-rows.ts';
import { HistogramMembers } from './histogram-sums.ts';
import type { Reducer, Reduction } from './reducer.ts';

/** Kahan–Neumaier sums; the compensations are a separate column. */
export class Sum implements Reducer {
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

  /** Adds in the same order as row by row, but loads and stores each sum once. */
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
