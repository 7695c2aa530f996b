import { FLOAT } from '../../vectors/query.ts';
import type { StepBlock } from '../../vectors/step-block.ts';
import type { Reducer, Reduction } from './reducer.ts';

/** Floats and histograms of each group. */
export class Count implements Reducer {
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
