import { type BinaryExpr, type BinaryOperator, typeOf } from '../../syntax/ast.ts';
import { isComparison, isSetOperator, isTrim } from '../../syntax/type-check.ts';
import type { Budget } from '../../vectors/budget.ts';
import { CANCELLATION_SAMPLES } from '../../vectors/cancellation.ts';
import { ABSENT, HISTOGRAM, type StepGrid } from '../../vectors/query.ts';
import { mapColumn } from '../../vectors/scalar-column.ts';
import type { StepBlock } from '../../vectors/step-block.ts';
import type { Evaluation } from '../evaluation.ts';
import { combineMixed } from './mixed-samples.ts';
import { arithmeticOf, comparisonOf } from './operators.ts';
import { combineSets } from './set-operators.ts';
import { combineVectors } from './vector-matching.ts';

/** A binary operation with at least one vector. */
export function evaluateBinary(evaluation: Evaluation, expr: BinaryExpr, grid: StepGrid): StepBlock {
  const leftIsScalar = typeOf(expr.left) === 'scalar';
  if (leftIsScalar || typeOf(expr.right) === 'scalar') {
    const scalars = evaluation.scalar(leftIsScalar ? expr.left : expr.right, grid);
    const block = evaluation.vector(leftIsScalar ? expr.right : expr.left, grid);
    return combineWithScalar(evaluation, expr, block, scalars, leftIsScalar);
  }
  const left = evaluation.vector(expr.left, grid);
  const right = evaluation.vector(expr.right, grid);
  evaluation.budget.work((left.rows + right.rows) * grid.count);
  if (isSetOperator(expr.op)) return combineSets(expr, left, right);
  return combineVectors(evaluation, expr, left, right);
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
  evaluation: Evaluation,
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
    evaluation.budget.work(to - from);
    for (let i = from; i < to; i++) {
      if (++step === steps) step = 0;
      if (present[i] === ABSENT) continue;
      const scalar = scalars[step];
      if (present[i] === HISTOGRAM || trims) {
        combineMixedCell(evaluation, expr, block, i, scalar, scalarIsLeft);
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
  return trims || (compares && !expr.returnBool) ? kept : evaluation.dropNames(kept);
}

function combineMixedCell(
  evaluation: Evaluation,
  expr: BinaryExpr,
  block: StepBlock,
  cell: number,
  scalar: number,
  scalarIsLeft: boolean,
): void {
  const sample = block.present[cell] === HISTOGRAM ? block.histogramAt(cell) : block.values[cell];
  const left = scalarIsLeft ? scalar : sample;
  const right = scalarIsLeft ? sample : scalar;
  const result = combineMixed(evaluation.annotations, expr, left, right);
  if (result?.kind === 'histogram') block.setHistogram(cell, result.histogram);
  else block.present[cell] = ABSENT;
}
