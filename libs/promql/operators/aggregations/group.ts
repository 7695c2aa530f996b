import type { StepBlock } from '../../vectors/step-block.ts';
import type { Reducer, Reduction } from './reducer.ts';

/** 1 if the group has any sample. */
export class Group implements Reducer {
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
