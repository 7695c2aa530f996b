import type { Series, TimeRange } from '@xscaler/storage';
import { type InfoTarget, infoTarget, samplePath } from '../operators/info-selector.ts';
import {
  type Call,
  childrenOf,
  type Expr,
  type MatrixSelector,
  type Subquery,
  type TimeModifiers,
  typeOf,
  unwrapParens,
  type VectorSelector,
} from '../syntax/ast.ts';
import type { StepGrid } from '../vectors/query.ts';
import type { QueryTimes, ResolvedTime } from '../vectors/times.ts';
import { evaluateDurationMs } from './duration-eval.ts';

/** One read of storage that the query needs. */
export interface PlannedSelection {
  readonly selector: VectorSelector;
  readonly range: TimeRange;
  series: readonly Series[];
}

/** Everything about a query that is settled before any sample is read. */
export class QueryPlan {
  readonly times: QueryTimes;
  readonly lookbackDeltaMs: number;
  readonly selections = new Map<VectorSelector, PlannedSelection>();
  readonly #resolved = new Map<Expr, ResolvedTime>();
  /** Vectors and scalars that are the same at every step, outermost only. */
  readonly #invariant = new Set<Expr>();
  readonly #countedOnly = new Set<VectorSelector>();
  readonly #infoTargets = new Map<Call, InfoTarget>();
  readonly #defaultStepMs: number;

  constructor(expr: Expr, times: QueryTimes, lookbackDeltaMs: number, defaultSubqueryStepMs: number) {
    this.times = times;
    this.lookbackDeltaMs = lookbackDeltaMs;
    this.#defaultStepMs = defaultSubqueryStepMs;
    this.#resolve(expr);
    this.#markInvariant(expr);
    this.#markCounted(expr, false);
    this.#planSelections(expr, times.startMs, times.endMs);
  }

  timeOf(expr: VectorSelector | MatrixSelector | Subquery): ResolvedTime {
    return this.#resolved.get(expr) as ResolvedTime;
  }

  /** Whether the selector's histograms are wanted for their counts and sums only. */
  detectsResets(selector: VectorSelector): boolean {
    return this.#countedOnly.has(selector);
  }

  infoTargetOf(call: Call): InfoTarget {
    return this.#infoTargets.get(call) as InfoTarget;
  }

  isInvariant(expr: Expr): boolean {
    return this.#invariant.has(expr);
  }

  seriesOf(selector: VectorSelector): readonly Series[] {
    return this.selections.get(selector)?.series ?? [];
  }

  /** Steps of what is inside a subquery: multiples of its resolution that any of its windows holds. */
  subqueryGrid(subquery: Subquery, outer: StepGrid): StepGrid {
    const { offsetMs, atMs, rangeMs, stepMs } = this.timeOf(subquery);
    const firstMs = (atMs ?? outer.startMs) - offsetMs;
    const lastMs = (atMs ?? outer.startMs + (outer.count - 1) * outer.stepMs) - offsetMs;
    let startMs = stepMs * Math.trunc((firstMs - rangeMs) / stepMs);
    if (startMs <= firstMs - rangeMs) startMs += stepMs;
    const count = startMs > lastMs ? 0 : Math.floor((lastMs - startMs) / stepMs) + 1;
    return { startMs, stepMs, count };
  }

  #resolve(expr: Expr): void {
    if (expr.kind === 'vectorSelector') this.#resolved.set(expr, this.#resolveModifiers(expr, 0, 0));
    if (expr.kind === 'matrixSelector') {
      const rangeMs = expr.rangeExpr ? evaluateDurationMs(expr.rangeExpr, this.times, false) : expr.rangeMs;
      this.#resolved.set(expr, this.#resolveModifiers(expr.selector, rangeMs, 0));
    }
    if (expr.kind === 'subquery') {
      const rangeMs = expr.rangeExpr ? evaluateDurationMs(expr.rangeExpr, this.times, false) : expr.rangeMs;
      const given = expr.stepExpr ? evaluateDurationMs(expr.stepExpr, this.times, false) : expr.stepMs;
      this.#resolved.set(expr, this.#resolveModifiers(expr, rangeMs, given || this.#defaultStepMs));
    }
    childrenOf(expr).forEach((child) => {
      this.#resolve(child);
    });
  }

  #resolveModifiers(node: TimeModifiers, rangeMs: number, stepMs: number): ResolvedTime {
    const { startMs, endMs } = this.times;
    const offsetMs = node.offsetExpr ? evaluateDurationMs(node.offsetExpr, this.times, true) : node.offsetMs;
    const edgeMs = { start: startMs, end: endMs };
    return { offsetMs, atMs: node.atEdge ? edgeMs[node.atEdge] : node.atMs, rangeMs, stepMs };
  }

  #markInvariant(expr: Expr): boolean {
    if (expr.kind === 'vectorSelector') return this.timeOf(expr).atMs !== undefined;
    if (expr.kind === 'number' || expr.kind === 'string') return true;
    const children = childrenOf(expr);
    const invariant = children.map((child) => this.#markInvariant(child));
    let whole = invariant.every(Boolean);
    if (expr.kind === 'call') whole &&= !STEP_BOUND.has(expr.signature.name);
    if (expr.kind === 'subquery') whole = this.timeOf(expr).atMs !== undefined;
    if (!whole || expr.kind === 'subquery') {
      children.forEach((child, i) => {
        if (invariant[i]) this.#wrap(child);
      });
    }
    return whole;
  }

  #markCounted(expr: Expr, counted: boolean): void {
    if (expr.kind === 'vectorSelector' && counted) this.#countedOnly.add(expr);
    if (expr.kind === 'subquery') counted = false;
    if (expr.kind === 'call' && expr.signature.name.startsWith('histogram_')) {
      counted = COUNTING.has(expr.signature.name);
    }
    for (const child of childrenOf(expr)) this.#markCounted(child, counted);
  }

  #wrap(expr: Expr): void {
    const type = typeOf(expr);
    const inner = unwrapParens(expr).kind;
    if ((type === 'vector' || type === 'scalar') && inner !== 'number') this.#invariant.add(expr);
  }

  /** Settles which samples each selector needs when its surroundings are evaluated over [startMs, endMs]. */
  #planSelections(expr: Expr, startMs: number, endMs: number): void {
    switch (expr.kind) {
      case 'vectorSelector':
        this.#planSelection(expr, this.timeOf(expr), startMs, endMs);
        return;
      case 'matrixSelector':
        this.#planSelection(expr.selector, this.timeOf(expr), startMs, endMs);
        return;
      case 'subquery': {
        const { offsetMs, atMs, rangeMs } = this.timeOf(expr);
        const fromMs = (atMs ?? startMs) - offsetMs - rangeMs;
        this.#planSelections(expr.expr, fromMs, (atMs ?? endMs) - offsetMs);
        return;
      }
    }
    if (expr.kind === 'call' && expr.signature.name === 'info') {
      this.#planSelections(expr.args[0], startMs, endMs);
      this.#planInfo(expr, startMs, endMs);
      return;
    }
    for (const child of childrenOf(expr)) this.#planSelections(child, startMs, endMs);
  }

  /** Info series are read at the times at which the first argument reads its samples. */
  #planInfo(call: Call, startMs: number, endMs: number): void {
    const target = infoTarget(call);
    let offsetMs = 0;
    let atMs: number | undefined;
    for (const node of samplePath(call.args[0], childrenOf) ?? []) {
      const time = this.#resolved.get(node) as ResolvedTime;
      if (time.atMs !== undefined) {
        atMs = time.atMs;
        offsetMs = 0;
      }
      offsetMs += time.offsetMs;
    }
    const time = { offsetMs, atMs, rangeMs: 0, stepMs: 0 };
    this.#resolved.set(target.selector, time);
    this.#infoTargets.set(call, target);
    this.#planSelection(target.selector, time, startMs, endMs);
  }

  #planSelection(
    selector: VectorSelector,
    { offsetMs, atMs, rangeMs }: ResolvedTime,
    startMs: number,
    endMs: number,
  ): void {
    let backMs = rangeMs === 0 ? this.lookbackDeltaMs : rangeMs;
    if (selector.extension && rangeMs !== 0) backMs += this.lookbackDeltaMs;
    const aheadMs = selector.extension === 'smoothed' ? this.lookbackDeltaMs : 0;
    const range = {
      // Windows are left-open: a sample exactly one range ago is out.
      startMs: (atMs ?? startMs) - offsetMs - backMs + 1,
      endMs: (atMs ?? endMs) - offsetMs + aheadMs,
    };
    this.selections.set(selector, { selector, range, series: [] });
  }
}

/** Functions of histograms that do not look at their buckets. */
const COUNTING = new Set<string>(['histogram_avg', 'histogram_count', 'histogram_sum']);

/** Functions whose value depends on the step even if their arguments' does not. */
const STEP_BOUND = new Set<string>([
  'day_of_month',
  'day_of_week',
  'day_of_year',
  'days_in_month',
  'hour',
  'minute',
  'month',
  'predict_linear',
  'time',
  'timestamp',
  'year',
]);
