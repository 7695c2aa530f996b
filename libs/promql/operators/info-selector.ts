import { Matcher, METRIC_NAME } from '@xscaler/model';
import { type Call, type Expr, unwrapParens, type VectorSelector } from '../syntax/ast.ts';

/** What `info()` looks for: info metrics by name, and data labels on them. */
export interface InfoTarget {
  /** Stands for the read of the info series. */
  readonly selector: VectorSelector;
  readonly nameMatchers: readonly Matcher[];
  readonly dataMatchers: readonly Matcher[];
}

const ANY_INFO = new Matcher('=~', METRIC_NAME, '.+_info');
const TARGET_INFO = new Matcher('=', METRIC_NAME, 'target_info');

/** Reads the second argument of `info()`: without one, `target_info` and all its labels. */
export function infoTarget(call: Call): InfoTarget {
  const given = call.args[1] && unwrapParens(call.args[1]);
  const matchers = given?.kind === 'vectorSelector' ? given.matchers : [];
  const named = matchers.filter((matcher) => matcher.name === METRIC_NAME);
  const dataMatchers = matchers.filter((matcher) => matcher.name !== METRIC_NAME);
  let nameMatchers = named;
  if (named.length === 0) nameMatchers = [TARGET_INFO];
  else if (!named.some(isPositive)) nameMatchers = [ANY_INFO, ...named];
  const selector: VectorSelector = {
    kind: 'vectorSelector',
    span: call.span,
    name: '',
    matchers: [...nameMatchers, ...dataMatchers],
    extension: undefined,
    mayBeEmpty: true,
    offsetMs: 0,
    offsetExpr: undefined,
    atMs: undefined,
    atEdge: undefined,
  };
  return { selector, nameMatchers, dataMatchers };
}

function isPositive(matcher: Matcher): boolean {
  return matcher.type === '=' || matcher.type === '=~';
}

/**
 * The selector and subqueries through which `info()`'s first argument reads its samples, outermost first:
 * info series are looked up when those samples were.
 */
export function samplePath(expr: Expr, childrenOf: (expr: Expr) => Expr[]): Expr[] | undefined {
  if (expr.kind === 'vectorSelector' || expr.kind === 'matrixSelector') return [expr];
  for (const child of childrenOf(expr)) {
    const path = samplePath(child, childrenOf);
    if (path) return expr.kind === 'subquery' ? [expr, ...path] : path;
  }
  return undefined;
}
