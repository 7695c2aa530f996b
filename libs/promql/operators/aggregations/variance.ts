import { FLOAT, HISTOGRAM } from '../../vectors/query.ts';
import type { StepBlock } from '../../vectors/step-block.ts';
import { fitted } from './fitted-column.ts';
import { infoOfIgnored } from './histogram-sums.ts';
import type { Reducer, Reduction } from './reducer.ts';

/** Welford's algorithm; an infinite or NaN first value makes the result NaN. */
export class Variance implements Reducer {
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
