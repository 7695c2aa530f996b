import type { Aggregation } from '../ast.ts';
import type { Evaluator } from '../evaluator.ts';
import { aggregationLabels, type Groups, groupRows, RowGroups } from '../grouping.ts';
import type { StepGrid } from '../query.ts';
import { StepBlock } from '../step-block.ts';
import { countValues } from './count-values.ts';
import { limitRatio, limitTo } from './limits.ts';
import { quantileOfGroups } from './quantile-aggregation.ts';
import { type ReducerName, reducerFor } from './reducers.ts';
import { selectExtremes } from './top.ts';

/** An aggregation: a row's group is worked out once, then each group is reduced step by step. */
export function evaluateAggregation(evaluator: Evaluator, expr: Aggregation, grid: StepGrid): StepBlock {
  switch (expr.op) {
    case 'topk':
    case 'bottomk':
    case 'limitk':
    case 'limit_ratio':
    case 'quantile':
    case 'count_values':
      return aggregateBlock(evaluator, expr, grid);
    default:
      return reduceGroups(evaluator, expr, expr.op, grid);
  }
}

/** Aggregations that look at all rows of a step at once. */
function aggregateBlock(evaluator: Evaluator, expr: Aggregation, grid: StepGrid): StepBlock {
  const param = expr.param;
  const scalars = param && expr.op !== 'count_values' ? evaluator.scalar(param, grid) : undefined;
  const block = evaluator.vector(expr.expr, grid);
  evaluator.budget.work(block.rows * block.steps);
  const groups = groupRows(block.labels, aggregationLabels(expr.grouping, expr.without), evaluator.budget);
  switch (expr.op) {
    case 'limitk':
      return limitTo(block, groups, scalars as Float64Array);
    case 'limit_ratio':
      return limitRatio(evaluator, expr, block, scalars as Float64Array);
    case 'quantile':
      return quantileOfGroups(evaluator, expr, block, groups, scalars as Float64Array);
    case 'count_values':
      return countValues(evaluator, expr, block);
    default:
      return selectExtremes(evaluator, expr, block, groups, scalars as Float64Array);
  }
}

/** Aggregations that add row after row up: of the vector there need be a few rows at a time only. */
function reduceGroups(evaluator: Evaluator, expr: Aggregation, op: ReducerName, grid: StepGrid): StepBlock {
  const result = new StepBlock(evaluator.budget, grid.count);
  const groups = new RowGroups(aggregationLabels(expr.grouping, expr.without), evaluator.budget);
  const reducer = reducerFor(op, { evaluator, expr, result });
  for (const block of evaluator.batches(expr.expr, grid)) {
    evaluator.budget.work(block.rows * block.steps);
    const groupOf = groups.add(block.labels);
    addGroups(result, groups.labels);
    dropGroupNames(result, block, groupOf);
    reducer.add(block, groupOf);
  }
  reducer.finish();
  return result;
}

function addGroups(result: StepBlock, labels: Groups['labels']): void {
  for (let group = result.rows; group < labels.length; group++) result.addMadeRow(labels[group]);
}

/** A group's name is dropped where any of its rows' is. */
function dropGroupNames(result: StepBlock, block: StepBlock, groupOf: Int32Array): void {
  for (let row = 0; row < block.rows; row++) {
    if (block.nameDropped[row]) result.nameDropped[groupOf[row]] = true;
  }
}

/** An empty row for each group. */
export function groupBlock(block: StepBlock, groups: Groups): StepBlock {
  const result = new StepBlock(block.budget, block.steps, groups.labels.length);
  addGroups(result, groups.labels);
  dropGroupNames(result, block, groups.groupOf);
  return result;
}
