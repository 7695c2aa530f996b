import type { Aggregation } from '../../syntax/ast.ts';
import { aggregationLabels, groupRows, RowGroups } from '../../vectors/grouping.ts';
import type { StepGrid } from '../../vectors/query.ts';
import { StepBlock } from '../../vectors/step-block.ts';
import type { Evaluation } from '../evaluation.ts';
import { countValues } from './count-values.ts';
import { addGroups, dropGroupNames } from './group-rows.ts';
import { limitRatio, limitTo } from './limits.ts';
import { quantileOfGroups } from './quantile-aggregation.ts';
import { type ReducerName, reducerFor } from './reducers.ts';
import { selectExtremes } from './top.ts';

/** An aggregation: a row's group is worked out once, then each group is reduced step by step. */
export function evaluateAggregation(evaluation: Evaluation, expr: Aggregation, grid: StepGrid): StepBlock {
  switch (expr.op) {
    case 'topk':
    case 'bottomk':
    case 'limitk':
    case 'limit_ratio':
    case 'quantile':
    case 'count_values':
      return aggregateBlock(evaluation, expr, grid);
    default:
      return reduceGroups(evaluation, expr, expr.op, grid);
  }
}

/** Aggregations that look at all rows of a step at once. */
function aggregateBlock(evaluation: Evaluation, expr: Aggregation, grid: StepGrid): StepBlock {
  const param = expr.param;
  const scalars = param && expr.op !== 'count_values' ? evaluation.scalar(param, grid) : undefined;
  const block = evaluation.vector(expr.expr, grid);
  evaluation.budget.work(block.rows * block.steps);
  const groups = groupRows(block.labels, aggregationLabels(expr.grouping, expr.without), evaluation.budget);
  switch (expr.op) {
    case 'limitk':
      return limitTo(block, groups, scalars as Float64Array);
    case 'limit_ratio':
      return limitRatio(evaluation, expr, block, scalars as Float64Array);
    case 'quantile':
      return quantileOfGroups(evaluation, expr, block, groups, scalars as Float64Array);
    case 'count_values':
      return countValues(evaluation, expr, block);
    default:
      return selectExtremes(evaluation, expr, block, groups, scalars as Float64Array);
  }
}

/** Aggregations that add row after row up: of the vector there need be a few rows at a time only. */
function reduceGroups(evaluation: Evaluation, expr: Aggregation, op: ReducerName, grid: StepGrid): StepBlock {
  const result = new StepBlock(evaluation.budget, grid.count);
  const groups = new RowGroups(aggregationLabels(expr.grouping, expr.without), evaluation.budget);
  const reducer = reducerFor(op, { evaluation, expr, result });
  for (const block of evaluation.batches(expr.expr, grid)) {
    evaluation.budget.work(block.rows * block.steps);
    const groupOf = groups.add(block.labels);
    addGroups(result, groups.labels);
    dropGroupNames(result, block, groupOf);
    reducer.add(block, groupOf);
  }
  reducer.finish();
  return result;
}
