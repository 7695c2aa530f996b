import type { Aggregation } from '../ast.ts';
import type { Evaluator } from '../evaluator.ts';
import type { Groups } from '../grouping.ts';
import { sortInterruptibly } from '../interruptible-sort.ts';
import { formatGeneral } from '../number-format.ts';
import { quantileOfSorted } from '../quantile.ts';
import { FLOAT } from '../query.ts';
import type { StepBlock } from '../step-block.ts';
import { groupBlock } from './aggregate.ts';
import { infoOfIgnored } from './histogram-sums.ts';
import { membersOf } from './members.ts';

/** `quantile(q, v)`: the group's values sorted at each step. */
export function quantileOfGroups(
  evaluator: Evaluator,
  expr: Aggregation,
  block: StepBlock,
  groups: Groups,
  quantiles: Float64Array,
): StepBlock {
  warnOfBadQuantiles(evaluator, expr, quantiles);
  infoOfIgnored({ evaluator, expr }, block);
  const result = groupBlock(block, groups);
  const scratch = new Float64Array(block.rows);
  membersOf(groups).forEach((members, group) => {
    for (let step = 0; step < block.steps; step++) {
      let count = 0;
      let nans = 0;
      for (const row of members) {
        const cell = row * block.steps + step;
        if (block.present[cell] !== FLOAT) continue;
        if (Number.isNaN(block.values[cell])) nans++;
        else scratch[count++] = block.values[cell];
      }
      if (count + nans === 0) continue;
      sortInterruptibly(scratch, count, evaluator.budget);
      result.setFloat(group * block.steps + step, quantileOfSorted(quantiles[step], scratch, count, nans));
      evaluator.budget.work(members.length);
    }
  });
  return result;
}

/** What a warning costs, in samples handled. */
const WARNING_WORK = 64;

function warnOfBadQuantiles(evaluator: Evaluator, expr: Aggregation, quantiles: Float64Array): void {
  if (!expr.param) return;
  for (const quantile of quantiles) {
    if (quantile >= 0 && quantile <= 1) continue;
    evaluator.budget.work(WARNING_WORK);
    evaluator.annotations.warn(
      `quantile value should be between 0 and 1, got ${formatGeneral(quantile)}`,
      expr.param.span,
    );
  }
}
