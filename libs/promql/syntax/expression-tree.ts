import { formatShortest } from '../numbers/number-format.ts';
import type {
  BinaryExpr,
  DurationExpr,
  DurationOperand,
  Expr,
  MatrixSelector,
  Subquery,
  TimeModifiers,
  VectorMatching,
  VectorSelector,
} from './ast.ts';

/** JSON as `JSON.stringify` takes it. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

type JsonObject = { readonly [key: string]: JsonValue };

/**
 * The expression as Prometheus' `parse_query` shows it: `translate_ast.go` of its web API, version 3.14. Keys are in
 * alphabetical order, as Go prints maps. A fill value that JSON has no number for, NaN or an infinity, is its text:
 * Prometheus fails to answer.
 */
export function expressionTree(expr: Expr): JsonValue {
  switch (expr.kind) {
    case 'number':
      return { type: 'numberLiteral', val: formatShortest(expr.value) };
    case 'string':
      return { type: 'stringLiteral', val: expr.value };
    case 'vectorSelector':
      return selectorTree(expr, {}, 'vectorSelector');
    case 'matrixSelector':
      return selectorTree(expr.selector, rangeTree(expr), 'matrixSelector');
    case 'subquery':
      return subqueryTree(expr);
    case 'call': {
      const { name, args, variadic, returns } = expr.signature;
      const func = { argTypes: args, name, returnType: returns, variadic };
      return { args: expr.args.map(expressionTree), func, type: 'call' };
    }
    case 'aggregation': {
      const { grouping, op, without } = expr;
      const param = expr.param ? expressionTree(expr.param) : null;
      return { expr: expressionTree(expr.expr), grouping, op, param, type: 'aggregation', without };
    }
    case 'binary':
      return binaryTree(expr);
    case 'unary':
      return { expr: expressionTree(expr.expr), op: expr.op, type: 'unaryExpr' };
    case 'paren':
      return { expr: expressionTree(expr.expr), type: 'parenExpr' };
  }
}

function selectorTree(expr: VectorSelector, range: JsonObject, type: string): JsonValue {
  const { startOrEnd, timestamp, ...offset } = timeTree(expr);
  return {
    anchored: expr.extension === 'anchored',
    matchers: expr.matchers.map((matcher) => ({
      name: matcher.name,
      type: matcher.type,
      value: matcher.value,
    })),
    name: expr.name,
    ...offset,
    ...range,
    smoothed: expr.extension === 'smoothed',
    startOrEnd,
    timestamp,
    type,
  };
}

function subqueryTree(expr: Subquery): JsonValue {
  const { startOrEnd, timestamp, ...offset } = timeTree(expr);
  return {
    expr: expressionTree(expr.expr),
    ...offset,
    ...rangeTree(expr),
    startOrEnd,
    step: expr.stepMs,
    stepExpr: durationTree(expr.stepExpr),
    timestamp,
    type: 'subquery',
  };
}

function timeTree({ offsetMs, offsetExpr, atMs, atEdge }: TimeModifiers) {
  return {
    offset: offsetMs,
    offsetExpr: durationTree(offsetExpr),
    startOrEnd: atEdge ?? null,
    timestamp: atMs ?? null,
  };
}

function rangeTree({ rangeMs, rangeExpr }: MatrixSelector | Subquery): JsonObject {
  return { range: rangeMs, rangeExpr: durationTree(rangeExpr) };
}

function durationTree(expr: DurationExpr | DurationOperand | undefined): JsonValue {
  if (!expr) return null;
  if (expr.kind === 'number') {
    return { duration: expr.duration, type: 'numberLiteral', val: formatShortest(expr.value) };
  }
  const { left, op, right, wrapped } = expr;
  return { lhs: durationTree(left), op, rhs: durationTree(right), type: 'durationExpr', wrapped };
}

function binaryTree(expr: BinaryExpr): JsonValue {
  return {
    bool: expr.returnBool,
    lhs: expressionTree(expr.left),
    matching: expr.matching ? matchingTree(expr.matching) : null,
    op: expr.op,
    rhs: expressionTree(expr.right),
    type: 'binaryExpr',
  };
}

function matchingTree({ cardinality, fillLeft, fillRight, include, labels, on }: VectorMatching): JsonValue {
  const fillValues = { lhs: fillTree(fillLeft), rhs: fillTree(fillRight) };
  return { card: cardinality, fillValues, include, labels, on };
}

function fillTree(value: number | undefined): JsonValue {
  if (value === undefined) return null;
  return Number.isFinite(value) ? value : formatShortest(value);
}
