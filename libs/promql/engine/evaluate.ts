import { type Expr, typeOf } from '../syntax/ast.ts';
import { LimitError, ParseError } from '../syntax/errors.ts';
import { parseExpression } from '../syntax/parser.ts';
import { printExpression } from '../syntax/printer.ts';
import { Annotations } from '../vectors/annotations.ts';
import { Budget } from '../vectors/budget.ts';
import { refusingExhaustion } from '../vectors/exhaustion.ts';
import { QueriedSamples } from '../vectors/queried-samples.ts';
import type { InstantQueryOptions, QueryOptions, QueryResult, RangeQueryOptions } from '../vectors/query.ts';
import { StageTimes } from '../vectors/stage-times.ts';
import type { QueryTimes } from '../vectors/times.ts';
import { Evaluator } from './evaluator.ts';
import { QueryPlan } from './plan.ts';
import { instantResult, rangeResult } from './result.ts';

const DEFAULT_LOOKBACK_MS = 5 * 60_000;
const DEFAULT_SUBQUERY_STEP_MS = 60_000;
/** As in Prometheus' API: a bound on what a graph can show. */
const DEFAULT_MAX_STEPS = 11_000;

/**
 * Evaluates at one time. Storage is read asynchronously first; the computing is then synchronous, stopped
 * by `cancellation`.
 * @throws ParseError | ExecutionError | LimitError | QueryCancelledError | QueryTimeoutError, and what storage throws
 */
export async function evaluateInstant(
  query: Expr | string,
  options: InstantQueryOptions,
): Promise<QueryResult> {
  const times = { startMs: options.timeMs, endMs: options.timeMs, stepMs: 0 };
  const { evaluator, expr } = await prepare(query, times, 1, options);
  return refusingExhaustion(() => instantResult(evaluator, expr, options.timeMs));
}

/**
 * Evaluates at every step from `startMs` to `endMs`, each sub-expression once for all of them.
 * @throws ParseError | ExecutionError | LimitError | QueryCancelledError | QueryTimeoutError, and what storage throws
 */
export async function evaluateRange(query: Expr | string, options: RangeQueryOptions): Promise<QueryResult> {
  const { startMs, endMs, stepMs, limits } = options;
  const count = Math.floor((endMs - startMs) / stepMs) + 1;
  const max_points_per_series = limits?.max_points_per_series ?? DEFAULT_MAX_STEPS;
  if (count > max_points_per_series) {
    const shown = max_points_per_series.toLocaleString('en-US');
    throw new LimitError(
      'max_points_per_series',
      `exceeded maximum resolution of ${shown} points per timeseries. Try decreasing the query resolution (?step=XX)`,
    );
  }
  const parsed = typeof query === 'string' ? parseExpression(query) : query;
  const type = typeOf(parsed);
  if (type !== 'scalar' && type !== 'vector') {
    const shown = type === 'matrix' ? 'range vector' : type;
    throw new ParseError(
      `invalid expression type "${shown}" for range query, must be Scalar or instant Vector`,
    );
  }
  const { evaluator, expr } = await prepare(query, { startMs, endMs, stepMs }, count, options);
  return refusingExhaustion(() => rangeResult(evaluator, expr, { startMs, stepMs, count }));
}

/** Reads the query and fetches the series of every selector in it. */
async function prepare(query: Expr | string, times: QueryTimes, steps: number, options: QueryOptions) {
  const stages = new StageTimes(options.clock ?? (() => 0));
  const text = typeof query === 'string' ? query : printExpression(query);
  const expr = typeof query === 'string' ? parseExpression(query) : query;
  const budget = new Budget(options.limits, options.cancellation, options.memory);
  const lookbackDeltaMs = options.lookbackDeltaMs ?? DEFAULT_LOOKBACK_MS;
  const subqueryStepMs = options.defaultSubqueryStepMs ?? DEFAULT_SUBQUERY_STEP_MS;
  const plan = new QueryPlan(expr, times, lookbackDeltaMs, subqueryStepMs);
  const signal = options.signal ?? new AbortController().signal;
  await Promise.all(
    [...plan.selections.values()].map(async (selection) => {
      const { selector, range } = selection;
      budget.checkReach(range.endMs - range.startMs);
      selection.series = await options.queryable.select(selector.matchers, range, signal);
      budget.addSeries(selection.series.length);
    }),
  );
  const annotations = new Annotations(text);
  const delayedNameRemoval = options.delayedNameRemoval ?? false;
  stages.end('preparation');
  const queried = new QueriedSamples(steps);
  const context = { plan, budget, annotations, delayedNameRemoval, queried, stages };
  return { expr, evaluator: new Evaluator(context) };
}
