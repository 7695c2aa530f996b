import type { Aggregation } from '../ast.ts';
import type { Evaluator } from '../evaluator.ts';
import { aggregationLabels, type Groups, groupRows } from '../grouping.ts';
import type { StepGrid } from '../query.ts';
import { StepBlock } from '../step-block.ts';
import { countValues } from './count-values.ts';
import { limitRatio, limitTo } from './limits.ts';
import { quantileOfGroups } from './quantile-aggregation.ts';
import { type ReducerName, reducerFor } from './reducers.ts';
import { selectExtremes } from './top.ts';

/** An aggregation: rows are grouped once, then each group is reduced step by step. */
export function evaluateAggregation(evaluator: Evaluator, expr: Aggregation, grid: StepGrid): StepBlock {
  const param = expr.param;
  const scalars = param && expr.op !== 'count_values' ? evaluator.scalar(param, grid) : undefined;
  const block = evaluator.vector(expr.expr, grid);
  const groups = groupRows(block.labels, aggregationLabels(expr.grouping, expr.without));
  evaluator.budget.work(block.rows * block.steps);
  switch (expr.op) {
    case 'topk':
    case 'bottomk':
      return selectExtremes(evaluator, expr, block, groups, scalars as Float64Array);
    case 'limitk':
      return limitTo(block, groups, scalars as Float64Array);
    case 'limit_ratio':
      return limitRatio(evaluator, expr, block, scalars as Float64Array);
    case 'quantile':
      return quantileOfGroups(evaluator, expr, block, groups, scalars as Float64Array);
    case 'count_values':
      return countValues(evaluator, expr, block);
    default:
      return reduceGroups(evaluator, expr, expr.op, block, groups);
  }
}

function reduceGroups(
  evaluator: Evaluator,
  expr: Aggregation,
  op: ReducerName,
  block: StepBlock,
  groups: Groups,
): StepBlock {
  const result = groupBlock(block, groups);
  const reduce = reducerFor(op);
  reduce({ evaluator, expr, block, groups, result });
  return result;
}

/** An empty row for each group; a group's name is dropped where any of its rows' is. */
export function groupBlock(block: StepBlock, groups: Groups): StepBlock {
  const result = new StepBlock(block.budget, block.steps, groups.labels.length);
  for (const labels of groups.labels) result.addRow(labels);
  for (let row = 0; row < block.rows; row++) {
    if (block.nameDropped[row]) result.nameDropped[groups.groupOf[row]] = true;
  }
  return result;
}
