import type { Aggregation } from '../ast.ts';
import { ExecutionError } from '../errors.ts';
import type { Evaluator } from '../evaluator.ts';
import type { Groups } from '../grouping.ts';
import { formatGeneral } from '../number-format.ts';
import { FLOAT } from '../query.ts';
import type { StepBlock } from '../step-block.ts';
import { infoOfIgnored } from './histogram-sums.ts';
import { membersOf } from './members.ts';

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
  const sign = expr.op === 'topk' ? -1 : 1;
  const counts = params.map(keptCount);
  const { steps, values, present } = block;
  const order: number[] = [];
  for (const members of membersOf(groups)) {
    for (let step = 0; step < steps; step++) {
      const candidates: number[] = [];
      for (const row of members) {
        const cell = row * steps + step;
        if (present[cell] === FLOAT) candidates.push(cell);
        else present[cell] = 0;
      }
      if (candidates.length > counts[step] || steps === 1) {
        candidates.sort((a, b) => compareForRank(values[a], values[b], sign));
        for (let i = counts[step]; i < candidates.length; i++) present[candidates[i]] = 0;
      }
      if (steps === 1) order.push(...candidates.slice(0, counts[step]));
    }
  }
  return steps === 1 ? block.pick(order) : block.withoutEmptyRows();
}

function compareForRank(a: number, b: number, sign: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  if (a === b) return 0;
  return a < b ? -sign : sign;
}
