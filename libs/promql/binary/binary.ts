import { type BinaryExpr, type BinaryOperator, typeOf } from '../ast.ts';
import type { Budget } from '../budget.ts';
import { CANCELLATION_SAMPLES } from '../cancellation.ts';
import type { Evaluator } from '../evaluator.ts';
import { ABSENT, HISTOGRAM, type StepGrid } from '../query.ts';
import { mapColumn } from '../scalar-column.ts';
import type { StepBlock } from '../step-block.ts';
import { isComparison, isSetOperator, isTrim } from '../type-check.ts';
import { combineMixed } from './mixed-samples.ts';
import { arithmeticOf, comparisonOf } from './operators.ts';
import { combineSets } from './set-operators.ts';
import { combineVectors } from './vector-matching.ts';

/** A binary operation with at least one vector. */
export function evaluateBinary(evaluator: Evaluator, expr: BinaryExpr, grid: StepGrid): StepBlock {
  const leftIsScalar = typeOf(expr.left) === 'scalar';
  if (leftIsScalar || typeOf(expr.right) === 'scalar') {
    const scalars = evaluator.scalar(leftIsScalar ? expr.left : expr.right, grid);
    const block = evaluator.vector(leftIsScalar ? expr.right : expr.left, grid);
    return combineWithScalar(evaluator, expr, block, scalars, leftIsScalar);
  }
  const left = evaluator.vector(expr.left, grid);
  const right = evaluator.vector(expr.right, grid);
  evaluator.budget.work((left.rows + right.rows) * grid.count);
  if (isSetOperator(expr.op)) return combineSets(expr, left, right);
  return combineVectors(evaluator, expr, left, right);
}

/** Two scalars, step by step, in place of the left; a comparison gives 1 or 0. */
export function evaluateScalarBinary(
  budget: Budget,
  op: BinaryOperator,
  left: Float64Array,
  right: Float64Array,
): Float64Array {
  if (isTrim(op)) return left.fill(Number.NaN);
  if (isComparison(op)) {
    const compare = comparisonOf(op);
    return mapColumn(budget, left, (value, step) => Number(compare(value, right[step])));
  }
  const combine = arithmeticOf(op);
  return mapColumn(budget, left, (value, step) => combine(value, right[step]));
}

/** A vector and a scalar, in place. A comparison keeps the vector's values whichever side it is on. */
function combineWithScalar(
  evaluator: Evaluator,
  expr: BinaryExpr,
  block: StepBlock,
  scalars: Float64Array,
  scalarIsLeft: boolean,
): StepBlock {
  const { values, present, steps } = block;
  const cells = block.rows * steps;
  const trims = isTrim(expr.op);
  const compares = isComparison(expr.op);
  const compare = comparisonOf(expr.op);
  const combine = arithmeticOf(expr.op);
  let step = -1;
  for (let from = 0; from < cells; from += CANCELLATION_SAMPLES) {
    const to = Math.min(cells, from + CANCELLATION_SAMPLES);
    evaluator.budget.work(to - from);
    for (let i = from; i < to; i++) {
      if (++step === steps) step = 0;
      if (present[i] === ABSENT) continue;
      const scalar = scalars[step];
      if (present[i] === HISTOGRAM || trims) {
        combineMixedCell(evaluator, expr, block, i, scalar, scalarIsLeft);
        continue;
      }
      const left = scalarIsLeft ? scalar : values[i];
      const right = scalarIsLeft ? values[i] : scalar;
      if (!compares) values[i] = combine(left, right);
      else if (expr.returnBool) values[i] = Number(compare(left, right));
      else if (!compare(left, right)) present[i] = 0;
    }
  }
  const kept = block.withoutEmptyRows();
  return trims || (compares && !expr.returnBool) ? kept : evaluator.dropNames(kept);
}

function combineMixedCell(
  evaluator: Evaluator,
  expr: BinaryExpr,
  block: StepBlock,
  cell: number,
  scalar: number,
  scalarIsLeft: boolean,
): void {
  const sample = block.present[cell] === HISTOGRAM ? block.histogramAt(cell) : block.values[cell];
  const left = scalarIsLeft ? scalar : sample;
  const right = scalarIsLeft ? sample : scalar;
  const result = combineMixed(evaluator.annotations, expr, left, right);
  if (result?.kind === 'histogram') block.setHistogram(cell, result.histogram);
  else block.present[cell] = ABSENT;
}
