import type { AggregateOperator, Aggregation } from '../ast.ts';
import type { Evaluator } from '../evaluator.ts';
import type { Groups } from '../grouping.ts';
import { FLOAT, HISTOGRAM } from '../query.ts';
import type { StepBlock } from '../step-block.ts';
import { addHistogramsTo, infoOfIgnored } from './histogram-sums.ts';

/** Aggregations that give one value for each group and step. */
export type ReducerName = Extract<
  AggregateOperator,
  'sum' | 'avg' | 'min' | 'max' | 'count' | 'group' | 'stddev' | 'stdvar'
>;

export interface Reduction {
  readonly evaluator: Evaluator;
  readonly expr: Aggregation;
  readonly block: StepBlock;
  readonly groups: Groups;
  /** One row for each group, to be filled. */
  readonly result: StepBlock;
}

type Reducer = (reduction: Reduction) => void;

const reducers: Record<ReducerName, Reducer> = {
  sum: (reduction) => {
    reduceSum(reduction);
    addHistogramsTo(reduction, false);
  },
  avg: (reduction) => {
    reduceMean(reduction);
    addHistogramsTo(reduction, true);
  },
  min: (reduction) => reduceExtreme(reduction, (value, best) => value < best),
  max: (reduction) => reduceExtreme(reduction, (value, best) => value > best),
  count: reduceCount,
  group: reduceGroup,
  stddev: (reduction) => reduceVariance(reduction, true),
  stdvar: (reduction) => reduceVariance(reduction, false),
};

export function reducerFor(name: ReducerName): Reducer {
  return reducers[name];
}

/** Kahan–Neumaier sums, the compensations in a column beside the sums. */
function reduceSum({ block, groups, result }: Reduction): void {
  const { steps, values, present } = block;
  block.budget.hold(result.rows * steps);
  const compensations = new Float64Array(result.rows * steps);
  const sums = result.values;
  for (let row = 0; row < block.rows; row++) {
    const from = row * steps;
    const to = groups.groupOf[row] * steps;
    block.budget.work(steps);
    for (let k = 0; k < steps; k++) {
      if (present[from + k] !== FLOAT) continue;
      const cell = to + k;
      const value = values[from + k];
      if (result.present[cell] === 0) {
        result.present[cell] = FLOAT;
        sums[cell] = value;
        continue;
      }
      const sum = sums[cell];
      const next = sum + value;
      if (next === Number.POSITIVE_INFINITY || next === Number.NEGATIVE_INFINITY) compensations[cell] = 0;
      else if (Math.abs(sum) >= Math.abs(value)) compensations[cell] += sum - next + value;
      else compensations[cell] += value - next + sum;
      sums[cell] = next;
    }
  }
  for (let cell = 0; cell < compensations.length; cell++) sums[cell] += compensations[cell];
}

/** Sum over count; where the sum overflows, an incremental mean from there on. */
function reduceMean({ block, groups, result }: Reduction): void {
  const { steps, values, present } = block;
  const cells = result.rows * steps;
  block.budget.hold(2 * cells);
  const compensations = new Float64Array(cells);
  const counts = new Uint32Array(cells);
  const incremental = new Uint8Array(cells);
  const sums = result.values;
  for (let row = 0; row < block.rows; row++) {
    const from = row * steps;
    const to = groups.groupOf[row] * steps;
    block.budget.work(steps);
    for (let k = 0; k < steps; k++) {
      if (present[from + k] !== FLOAT) continue;
      const cell = to + k;
      const count = ++counts[cell];
      let value = values[from + k];
      if (count === 1) {
        result.present[cell] = FLOAT;
        sums[cell] = value;
        continue;
      }
      if (incremental[cell] === 0 && Math.abs(sums[cell] + value) === Number.POSITIVE_INFINITY) {
        incremental[cell] = 1;
        sums[cell] /= count - 1;
        compensations[cell] /= count - 1;
      }
      if (incremental[cell] === 1) {
        const shrink = (count - 1) / count;
        sums[cell] *= shrink;
        compensations[cell] *= shrink;
        value /= count;
      }
      const sum = sums[cell];
      const next = sum + value;
      if (next === Number.POSITIVE_INFINITY || next === Number.NEGATIVE_INFINITY) compensations[cell] = 0;
      else if (Math.abs(sum) >= Math.abs(value)) compensations[cell] += sum - next + value;
      else compensations[cell] += value - next + sum;
      sums[cell] = next;
    }
  }
  for (let cell = 0; cell < cells; cell++) {
    if (incremental[cell] === 1) sums[cell] += compensations[cell];
    else sums[cell] = sums[cell] / counts[cell] + compensations[cell] / counts[cell];
  }
}

function reduceExtreme(reduction: Reduction, beats: (value: number, best: number) => boolean): void {
  const { block, groups, result } = reduction;
  infoOfIgnored(reduction);
  const { steps, values, present } = block;
  for (let row = 0; row < block.rows; row++) {
    const from = row * steps;
    const to = groups.groupOf[row] * steps;
    block.budget.work(steps);
    for (let k = 0; k < steps; k++) {
      if (present[from + k] !== FLOAT) continue;
      const value = values[from + k];
      const best = result.values[to + k];
      if (result.present[to + k] !== 0 && !beats(value, best) && !Number.isNaN(best)) continue;
      result.present[to + k] = FLOAT;
      result.values[to + k] = value;
    }
  }
}

function reduceCount({ block, groups, result }: Reduction): void {
  const { steps, present } = block;
  for (let row = 0; row < block.rows; row++) {
    const from = row * steps;
    const to = groups.groupOf[row] * steps;
    block.budget.work(steps);
    for (let k = 0; k < steps; k++) {
      if (present[from + k] === 0) continue;
      result.present[to + k] = FLOAT;
      result.values[to + k]++;
    }
  }
}

function reduceGroup({ block, groups, result }: Reduction): void {
  const { steps, present } = block;
  for (let row = 0; row < block.rows; row++) {
    const from = row * steps;
    const to = groups.groupOf[row] * steps;
    block.budget.work(steps);
    for (let k = 0; k < steps; k++) {
      if (present[from + k] !== 0) result.setFloat(to + k, 1);
    }
  }
}

/** Welford's algorithm; an infinite or NaN first value makes the result NaN. */
function reduceVariance(reduction: Reduction, deviation: boolean): void {
  const { block, groups, result } = reduction;
  infoOfIgnored(reduction);
  const { steps, values, present } = block;
  const cells = result.rows * steps;
  block.budget.hold(2 * cells);
  const means = new Float64Array(cells);
  const counts = new Uint32Array(cells);
  const squares = result.values;
  for (let row = 0; row < block.rows; row++) {
    const from = row * steps;
    const to = groups.groupOf[row] * steps;
    block.budget.work(steps);
    for (let k = 0; k < steps; k++) {
      if (present[from + k] !== FLOAT) continue;
      const cell = to + k;
      const value = values[from + k];
      const count = ++counts[cell];
      if (count === 1) {
        result.present[cell] = FLOAT;
        means[cell] = value;
        squares[cell] = Number.isFinite(value) ? 0 : Number.NaN;
        continue;
      }
      const delta = value - means[cell];
      means[cell] += delta / count;
      squares[cell] += delta * (value - means[cell]);
    }
  }
  for (let cell = 0; cell < cells; cell++) {
    if (result.present[cell] === HISTOGRAM || counts[cell] === 0) continue;
    const variance = squares[cell] / counts[cell];
    squares[cell] = deviation ? Math.sqrt(variance) : variance;
  }
}
