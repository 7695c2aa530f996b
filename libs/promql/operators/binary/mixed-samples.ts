import type { FloatHistogram } from '@xscaler/model';
import { combineHistograms, equalHistograms, scaleHistogram, withHint } from '../../histograms/arithmetic.ts';
import { trimHistogram } from '../../histograms/trim.ts';
import { quoteText } from '../../numbers/go-quote.ts';
import { reportCombined } from '../../ranges/range-report.ts';
import type { BinaryExpr } from '../../syntax/ast.ts';
import type { Annotations } from '../../vectors/annotations.ts';

/** Result of an operator on two samples of which one at least is a histogram. */
export type MixedResult =
  | { readonly kind: 'histogram'; readonly histogram: FloatHistogram }
  /** A comparison, and whether it holds. */
  | { readonly kind: 'compared'; readonly holds: boolean }
  | undefined;

/** Combines samples of which one at least is a histogram (or trims, which floats cannot be); undefined, and an annotation, if that has no meaning. */
export function combineMixed(
  annotations: Annotations,
  expr: BinaryExpr,
  left: number | FloatHistogram,
  right: number | FloatHistogram,
): MixedResult {
  const { op, span } = expr;
  if (typeof left === 'object' && typeof right === 'object') {
    if (op === '+' || op === '-') return addHistograms(annotations, expr, left, right);
    if (op === '==') return { kind: 'compared', holds: equalHistograms(left, right) };
    if (op === '!=') return { kind: 'compared', holds: !equalHistograms(left, right) };
  } else if (typeof left === 'object' && typeof right === 'number') {
    if (op === '*') return { kind: 'histogram', histogram: scaleHistogram(left, right) };
    if (op === '/') return { kind: 'histogram', histogram: scaleHistogram(left, right, 'divide') };
    if (op === '</') return { kind: 'histogram', histogram: trimHistogram(left, right, 'below') };
    if (op === '>/') return { kind: 'histogram', histogram: trimHistogram(left, right, 'above') };
  } else if (typeof right === 'object' && typeof left === 'number' && op === '*') {
    return { kind: 'histogram', histogram: scaleHistogram(right, left) };
  }
  const kinds = [left, right].map((sample) => (typeof sample === 'number' ? 'float' : 'histogram'));
  annotations.info(
    `incompatible sample types encountered for binary operator ${quoteText(op)}: ${kinds[0]} ${op} ${kinds[1]}`,
    span,
  );
  return undefined;
}

function addHistograms(
  annotations: Annotations,
  { op, span }: BinaryExpr,
  left: FloatHistogram,
  right: FloatHistogram,
): MixedResult {
  const sum = combineHistograms(left, right, op === '+' ? 1 : -1);
  if (!sum) {
    annotations.warn(`incompatible bucket layout encountered for binary operator ${op}`, span);
    return undefined;
  }
  reportCombined(annotations, span, sum, op === '+' ? 'addition' : 'subtraction');
  // What a difference says of counter resets has no meaning any more.
  return { kind: 'histogram', histogram: op === '+' ? sum.histogram : withHint(sum.histogram, 'gauge') };
}
