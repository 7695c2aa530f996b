import type { Matcher } from '@xscaler/model';
import { childrenOf, type Expr } from './ast.ts';

/** The matchers of every selector in an expression, in the order of the text. */
export function selectorsOf(expr: Expr): readonly Matcher[][] {
  if (expr.kind === 'vectorSelector') return [expr.matchers];
  if (expr.kind === 'matrixSelector') return [expr.selector.matchers];
  return childrenOf(expr).flatMap(selectorsOf);
}
