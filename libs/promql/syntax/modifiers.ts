import { goRound } from '../numbers/go-round.ts';
import type { Expr, Subquery, TimeModifiers, VectorSelector } from './ast.ts';
import type { ParsedDuration } from './parse-duration.ts';
import type { TokenStream } from './token-stream.ts';

/** Where the time modifiers of an expression live, if it can have any. */
function modifiersOf(expr: Expr): TimeModifiers | undefined {
  if (expr.kind === 'vectorSelector' || expr.kind === 'subquery') return expr;
  return expr.kind === 'matrixSelector' ? expr.selector : undefined;
}

/** Stretches the node over the modifier just read. */
function extendSpan(tokens: TokenStream, expr: Expr): void {
  expr.span = { start: expr.span.start, end: tokens.lastEnd };
}

export function setOffset(tokens: TokenStream, expr: Expr, offset: ParsedDuration): void {
  const modifiers = modifiersOf(expr);
  if (!modifiers) {
    tokens.failAt(
      expr.span.start,
      'offset modifier must be preceded by an instant vector selector or range vector selector or a subquery',
    );
  }
  if (modifiers.offsetMs !== 0 || modifiers.offsetExpr) {
    tokens.failAt(expr.span.start, 'offset may not be set multiple times');
  }
  modifiers.offsetMs = offset.valueMs;
  modifiers.offsetExpr = offset.expr;
  extendSpan(tokens, expr);
}

function fixable(tokens: TokenStream, expr: Expr): VectorSelector | Subquery {
  const modifiers = modifiersOf(expr);
  if (!modifiers) {
    tokens.failAt(
      expr.span.start,
      '@ modifier must be preceded by an instant vector selector or range vector selector or a subquery',
    );
  }
  if (modifiers.atMs !== undefined || modifiers.atEdge) {
    tokens.failAt(expr.span.start, '@ <timestamp> may not be set multiple times');
  }
  return modifiers as VectorSelector | Subquery;
}

/** `@ <seconds>` */
export function setAt(tokens: TokenStream, expr: Expr, seconds: number): void {
  if (!Number.isFinite(seconds) || Math.abs(seconds) >= 2 ** 63) {
    // `toFixed` would turn to an exponent; what is that large is whole.
    const shown = Number.isFinite(seconds) ? `${BigInt(seconds)}.000000` : goInfinity(seconds);
    tokens.failAt(expr.span.start, `timestamp out of bounds for @ modifier: ${shown}`);
  }
  fixable(tokens, expr).atMs = goRound(seconds * 1000);
  extendSpan(tokens, expr);
}

function goInfinity(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

/** `@ start()` or `@ end()` */
export function setAtEdge(tokens: TokenStream, expr: Expr, edge: 'start' | 'end'): void {
  fixable(tokens, expr).atEdge = edge;
  extendSpan(tokens, expr);
}

export function setExtension(tokens: TokenStream, expr: Expr, extension: 'anchored' | 'smoothed'): void {
  if (expr.kind === 'subquery') {
    tokens.failAt(expr.span.start, `${extension} modifier is not supported for subqueries`);
  }
  const selector = expr.kind === 'matrixSelector' ? expr.selector : expr;
  if (selector.kind !== 'vectorSelector') {
    tokens.failAt(expr.span.start, `${extension} modifier not implemented`);
    return;
  }
  if (selector.extension !== undefined && selector.extension !== extension) {
    tokens.failAt(expr.span.start, 'anchored and smoothed modifiers cannot be used together');
  }
  selector.extension = extension;
}
