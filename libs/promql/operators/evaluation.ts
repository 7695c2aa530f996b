import type { Series } from '@xscaler/storage';
import type { RangeSource } from '../ranges/range-source.ts';
import type { Call, Expr, VectorSelector } from '../syntax/ast.ts';
import type { Annotations } from '../vectors/annotations.ts';
import type { Budget } from '../vectors/budget.ts';
import type { SampleAspect } from '../vectors/latest-samples.ts';
import type { QueriedSamples } from '../vectors/queried-samples.ts';
import type { StepGrid } from '../vectors/query.ts';
import type { StageTimes } from '../vectors/stage-times.ts';
import type { StepBlock } from '../vectors/step-block.ts';
import type { QueryTimes } from '../vectors/times.ts';
import type { InfoTarget } from './info-selector.ts';

/** An evaluation as functions, aggregations and binary operators see it. Expressions are evaluated over a grid of steps. */
export interface Evaluation {
  readonly plan: EvaluationPlan;
  readonly budget: Budget;
  readonly annotations: Annotations;
  readonly delayedNameRemoval: boolean;
  /** Of the current steps: the query's, or those of a nested expression that is counted separately. */
  readonly queried: QueriedSamples;
  readonly stages: StageTimes;

  /** A vector expression. The caller owns the block. */
  vector(expr: Expr, grid: StepGrid): StepBlock;
  /** The rows of a vector expression in their order. A block is the caller's until it asks for the next. */
  batches(expr: Expr, grid: StepGrid): Iterable<StepBlock>;
  /** A scalar expression: one value per step. The caller owns the column. */
  scalar(expr: Expr, grid: StepGrid): Float64Array;
  /** A string expression. */
  text(expr: Expr): string;
  /** A range-vector expression: the series whose windows a function reads. */
  range(expr: Expr, grid: StepGrid): RangeSource;
  /** An instant selector, or the times of its samples. */
  select(selector: VectorSelector, grid: StepGrid, aspect: SampleAspect): StepBlock;
  /** Removes the metric name from every row, now or (delayed name removal) when the query ends. */
  dropNames(block: StepBlock): StepBlock;
  /** The same for rows of which no two become equal. */
  stripNames(block: StepBlock): void;
}

/** What operators ask of the plan. */
export interface EvaluationPlan {
  readonly times: QueryTimes;
  readonly lookbackDeltaMs: number;
  seriesOf(selector: VectorSelector): readonly Series[];
  infoTargetOf(call: Call): InfoTarget;
}
