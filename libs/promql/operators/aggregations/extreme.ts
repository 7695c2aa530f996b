import { FLOAT } from '../../vectors/query.ts';
import type { StepBlock } from '../../vectors/step-block.ts';
import { infoOfIgnored } from './histogram-sums.ts';
import type { Reducer, Reduction } from './reducer.ts';

/** The lowest or highest float; NaN only if all are NaN. */
export class Extreme implements Reducer {
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
