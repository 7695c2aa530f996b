import { formatGeneral } from '../../numbers/number-format.ts';
import { quantileOfSorted } from '../../numbers/quantile.ts';
import type { Aggregation } from '../../syntax/ast.ts';
import type { Groups } from '../../vectors/grouping.ts';
import { sortInterruptibly } from '../../vectors/interruptible-sort.ts';
import { FLOAT } from '../../vectors/query.ts';
import type { StepBlock } from '../../vectors/step-block.ts';
import type { Evaluation } from '../evaluation.ts';
import { groupBlock } from './group-rows.ts';
import { infoOfIgnored } from './histogram-sums.ts';
import { membersOf } from './members.ts';

/** `quantile(q, v)`: the group's values sorted at each step. */
export function quantileOfGroups(
  evaluation: Evaluation,
  expr: Aggregation,
  block: StepBlock,
  groups: Groups,
  quantiles: Float64Array,
): StepBlock {
  warnOfBadQuantiles(evaluation, expr, quantiles);
  infoOfIgnored({ evaluation, expr }, block);
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
      sortInterruptibly(scratch, count, evaluation.budget);
      result.setFloat(group * block.steps + step, quantileOfSorted(quantiles[step], scratch, count, nans));
      evaluation.budget.work(members.length);
    }
  });
  return result;
}

/** What a warning costs, in samples handled. */
const WARNING_WORK = 64;

function warnOfBadQuantiles(evaluation: Evaluation, expr: Aggregation, quantiles: Float64Array): void {
  if (!expr.param) return;
  for (const quantile of quantiles) {
    if (quantile >= 0 && quantile <= 1) continue;
    evaluation.budget.work(WARNING_WORK);
    evaluation.annotations.warn(
      `quantile value should be between 0 and 1, got ${formatGeneral(quantile)}`,
      expr.param.span,
    );
  }
}
