import { scaleHistogram } from '../histograms/arithmetic.ts';
import { evaluateAggregation } from '../operators/aggregations/aggregate.ts';
import { evaluateBinary, evaluateScalarBinary } from '../operators/binary/binary.ts';
import type { Evaluation } from '../operators/evaluation.ts';
import { evaluateCall, evaluateScalarCall, rangeCallBatches } from '../operators/functions/functions.ts';
import { RangeReport } from '../ranges/range-report.ts';
import { type RangeSource, SelectorSource, SubquerySource } from '../ranges/range-source.ts';
import {
  type Expr,
  type MatrixSelector,
  type Subquery,
  unwrapParens,
  type VectorSelector,
} from '../syntax/ast.ts';
import type { Annotations } from '../vectors/annotations.ts';
import type { Budget } from '../vectors/budget.ts';
import { LABELS_WORK, mergeEqualRows, withoutMetadataLabels } from '../vectors/label-sets.ts';
import type { SampleAspect } from '../vectors/latest-samples.ts';
import { QueriedSamples } from '../vectors/queried-samples.ts';
import { HISTOGRAM, type StepGrid } from '../vectors/query.ts';
import { constantColumn, mapColumn } from '../vectors/scalar-column.ts';
import type { StageTimes } from '../vectors/stage-times.ts';
import { StepBlock } from '../vectors/step-block.ts';
import type { QueryPlan } from './plan.ts';
import { type InstantSelection, selectBatches, selectInstant } from './selectors.ts';
import { selectSmoothed } from './smoothed-selector.ts';

/** Cells of a batch of rows, about: small enough to stay in a core's cache. */
const BATCH_CELLS = 32_768;

/** What an evaluation works with. */
export interface EvaluationContext {
  readonly plan: QueryPlan;
  readonly budget: Budget;
  readonly annotations: Annotations;
  readonly delayedNameRemoval: boolean;
  /** For the query's own steps. */
  readonly queried: QueriedSamples;
  readonly stages: StageTimes;
}

/** Evaluates expressions over a grid of steps, each node once. Synchronous: all series are selected already. */
export class Evaluator implements Evaluation {
  readonly plan: QueryPlan;
  readonly budget: Budget;
  readonly annotations: Annotations;
  readonly delayedNameRemoval: boolean;
  readonly stages: StageTimes;
  /** Of the steps at hand: the query's, or those of something within it that is counted otherwise. */
  queried: QueriedSamples;

  constructor(context: EvaluationContext) {
    this.plan = context.plan;
    this.budget = context.budget;
    this.annotations = context.annotations;
    this.delayedNameRemoval = context.delayedNameRemoval;
    this.queried = context.queried;
    this.stages = context.stages;
  }

  /** A vector expression over the grid. The caller owns the block. */
  vector(expr: Expr, grid: StepGrid): StepBlock {
    const { held, heldLabelBytes } = this.budget;
    const once = grid.count > 1 && this.plan.isInvariant(expr);
    const block = once ? this.#once(expr, grid) : this.#vector(expr, grid);
    this.budget.settle(held + block.heldCells, heldLabelBytes + block.heldLabelBytes);
    return block;
  }

  /**
   * The rows of a vector expression in their order, some at a time if they can be computed so: such a block is the
   * caller's until it asks for the next.
   */
  *batches(expr: Expr, grid: StepGrid): Generator<StepBlock> {
    const batches = grid.count > 1 && this.plan.isInvariant(expr) ? undefined : this.#batches(expr, grid);
    if (batches) yield* batches;
    else yield this.vector(expr, grid);
  }

  #batches(expr: Expr, grid: StepGrid): Iterable<StepBlock> | undefined {
    const rows = Math.max(1, Math.floor(BATCH_CELLS / grid.count));
    switch (expr.kind) {
      case 'paren':
        return this.batches(expr.expr, grid);
      case 'vectorSelector':
        return expr.extension ? undefined : selectBatches(this.#selection(expr, grid, 'value'), rows);
      case 'call':
        return rangeCallBatches(this, expr, grid, rows);
      default:
        return undefined;
    }
  }

  /** What is the same at every step, computed at the first. */
  #once(expr: Expr, grid: StepGrid): StepBlock {
    const outer = this.queried;
    this.queried = new QueriedSamples(1);
    const block = this.#vector(expr, { ...grid, count: 1 }).repeated(grid.count);
    outer.addToAll(this.queried.total);
    this.queried = outer;
    return block;
  }

  /** A scalar expression: one value a step. The caller owns the column. */
  scalar(expr: Expr, grid: StepGrid): Float64Array {
    const { held, heldLabelBytes } = this.budget;
    const column = this.#scalar(expr, grid);
    this.budget.settle(held + column.length, heldLabelBytes);
    return column;
  }

  /** A string expression. */
  text(expr: Expr): string {
    const inner = unwrapParens(expr);
    if (inner.kind !== 'string') throw new TypeError(`${inner.kind} is not a string`);
    return inner.value;
  }

  /** A range-vector expression: the series whose windows a function looks at. */
  range(expr: Expr, grid: StepGrid): RangeSource {
    const inner = unwrapParens(expr);
    if (inner.kind === 'matrixSelector') return this.#selectorRange(inner);
    if (inner.kind === 'subquery') return this.#subqueryRange(inner, grid);
    throw new TypeError(`${inner.kind} is not a range vector`);
  }

  /** An instant selector, or the times of its samples. */
  select(selector: VectorSelector, grid: StepGrid, aspect: SampleAspect): StepBlock {
    return selectInstant(this.#selection(selector, grid, aspect));
  }

  #selection(selector: VectorSelector, grid: StepGrid, aspect: SampleAspect): InstantSelection {
    const { plan, budget, queried } = this;
    return {
      series: plan.seriesOf(selector),
      time: plan.timeOf(selector),
      grid,
      lookbackDeltaMs: plan.lookbackDeltaMs,
      aspect,
      detectResets: plan.detectsResets(selector),
      budget,
      queried,
    };
  }

  /** Takes the metric name off every row, now or (delayed name removal) when the query ends. */
  dropNames(block: StepBlock): StepBlock {
    this.stripNames(block);
    return this.delayedNameRemoval ? block : mergeEqualRows(block);
  }

  /** The same for rows that no two become equal of. */
  stripNames(block: StepBlock): void {
    if (this.delayedNameRemoval) {
      block.nameDropped.fill(true);
      return;
    }
    for (let row = 0; row < block.rows; row++) {
      this.budget.work(LABELS_WORK);
      block.setLabels(row, withoutMetadataLabels(block.labels[row]));
    }
  }

  /** Removes the names that functions have left to the end. */
  finish(block: StepBlock): StepBlock {
    if (!this.delayedNameRemoval) return block;
    for (let row = 0; row < block.rows; row++) {
      if (block.nameDropped[row]) block.setLabels(row, withoutMetadataLabels(block.labels[row]));
    }
    return mergeEqualRows(block);
  }

  #vector(expr: Expr, grid: StepGrid): StepBlock {
    switch (expr.kind) {
      case 'vectorSelector':
        return expr.extension === 'smoothed' ? this.#smoothed(expr, grid) : this.select(expr, grid, 'value');
      case 'call':
        return evaluateCall(this, expr, grid);
      case 'aggregation':
        return evaluateAggregation(this, expr, grid);
      case 'binary':
        return evaluateBinary(this, expr, grid);
      case 'paren':
        return this.vector(expr.expr, grid);
      case 'unary': {
        const block = this.vector(expr.expr, grid);
        return expr.op === '-' ? this.dropNames(negate(block)) : block;
      }
      default:
        throw new TypeError(`${expr.kind} is not an instant vector`);
    }
  }

  #scalar(expr: Expr, grid: StepGrid): Float64Array {
    const { budget } = this;
    switch (expr.kind) {
      case 'number':
        return constantColumn(budget, grid.count, expr.value);
      case 'paren':
        return this.scalar(expr.expr, grid);
      case 'unary': {
        const values = this.scalar(expr.expr, grid);
        return expr.op === '-' ? mapColumn(budget, values, (value) => -value) : values;
      }
      case 'binary':
        return evaluateScalarBinary(
          budget,
          expr.op,
          this.scalar(expr.left, grid),
          this.scalar(expr.right, grid),
        );
      case 'call':
        return evaluateScalarCall(this, expr, grid);
      default:
        throw new TypeError(`${expr.kind} is not a scalar`);
    }
  }

  #smoothed(selector: VectorSelector, grid: StepGrid): StepBlock {
    const { plan, budget, annotations } = this;
    const report = new RangeReport(annotations, selector.span);
    const time = plan.timeOf(selector);
    const block = selectSmoothed(plan.seriesOf(selector), time, grid, plan.lookbackDeltaMs, budget, report);
    countPresent(block, this.queried);
    return block;
  }

  #selectorRange(expr: MatrixSelector): RangeSource {
    const { plan, budget } = this;
    const detectResets = plan.detectsResets(expr.selector);
    return new SelectorSource(plan.seriesOf(expr.selector), plan.timeOf(expr), detectResets, budget);
  }

  #subqueryRange(expr: Subquery, grid: StepGrid): RangeSource {
    const inner = this.plan.subqueryGrid(expr, grid);
    const outer = this.queried;
    this.queried = QueriedSamples.uncounted();
    const block = inner.count === 0 ? new StepBlock(this.budget, 0) : this.vector(expr.expr, inner);
    this.queried = outer;
    return new SubquerySource(block, inner, this.plan.timeOf(expr), this.budget);
  }
}

/** One sample a cell, whatever it was interpolated from. */
function countPresent({ present, steps }: StepBlock, { perStep }: QueriedSamples): void {
  for (let i = 0; i < present.length; i++) if (present[i] !== 0) perStep[i % steps]++;
}

function negate(block: StepBlock): StepBlock {
  const cells = block.rows * block.steps;
  for (let i = 0; i < cells; i++) {
    if (block.present[i] === HISTOGRAM) block.setHistogram(i, scaleHistogram(block.histogramAt(i), -1));
    else block.values[i] = -block.values[i];
  }
  return block;
}
