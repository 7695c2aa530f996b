import type { Matcher } from '@xscaler/model';
import type { FunctionSignature } from './signatures.ts';
import type { ValueType } from './value-type.ts';

/** Where a node stands in the query: UTF-16 offsets, end exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type BinaryOperator =
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '^'
  | 'atan2'
  | '=='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | '</'
  | '>/'
  | 'and'
  | 'or'
  | 'unless';

export type AggregateOperator =
  | 'sum'
  | 'avg'
  | 'min'
  | 'max'
  | 'count'
  | 'group'
  | 'stddev'
  | 'stdvar'
  | 'topk'
  | 'bottomk'
  | 'quantile'
  | 'count_values'
  | 'limitk'
  | 'limit_ratio';

export interface NumberLiteral {
  kind: 'number';
  span: Span;
  value: number;
  /** Written as a duration (`5m`), and printed so. */
  duration: boolean;
}

export interface StringLiteral {
  kind: 'string';
  span: Span;
  value: string;
}

/** An arithmetic expression in place of a duration; its value is in seconds. */
export interface DurationExpr {
  kind: 'duration';
  span: Span;
  op: '+' | '-' | '*' | '/' | '%' | '^' | 'step' | 'range' | 'min_of' | 'max_of';
  /** Absent for the unary operators and for `step()` and `range()`. */
  left: DurationOperand | undefined;
  /** Absent for `step()` and `range()`. */
  right: DurationOperand | undefined;
  /** Written in parentheses. */
  wrapped: boolean;
}

export type DurationOperand = NumberLiteral | DurationExpr;

/** When a selector or subquery looks: moved by `offset`, fixed by `@`. */
export interface TimeModifiers {
  offsetMs: number;
  offsetExpr: DurationExpr | undefined;
  atMs: number | undefined;
  atEdge: 'start' | 'end' | undefined;
}

export interface VectorSelector extends TimeModifiers {
  kind: 'vectorSelector';
  span: Span;
  /** The metric name in front of the braces, '' if there is none. */
  name: string;
  /** All matchers, the one of `name` last. */
  matchers: Matcher[];
  /** Extended range selection (PROM-52) of the range selector around it. */
  extension: 'anchored' | 'smoothed' | undefined;
  /** Second argument of `info()`: may be empty. */
  mayBeEmpty: boolean;
}

export interface MatrixSelector {
  kind: 'matrixSelector';
  span: Span;
  selector: VectorSelector;
  rangeMs: number;
  rangeExpr: DurationExpr | undefined;
}

export interface Subquery extends TimeModifiers {
  kind: 'subquery';
  span: Span;
  expr: Expr;
  rangeMs: number;
  rangeExpr: DurationExpr | undefined;
  /** 0 if the query gives none. */
  stepMs: number;
  stepExpr: DurationExpr | undefined;
}

export interface Call {
  kind: 'call';
  span: Span;
  signature: FunctionSignature;
  args: Expr[];
}

export interface Aggregation {
  kind: 'aggregation';
  span: Span;
  op: AggregateOperator;
  expr: Expr;
  param: Expr | undefined;
  grouping: string[];
  without: boolean;
}

export type Cardinality = 'one-to-one' | 'many-to-one' | 'one-to-many' | 'many-to-many';

export interface VectorMatching {
  cardinality: Cardinality;
  labels: string[];
  on: boolean;
  /** Labels that `group_left`/`group_right` take from the "one" side. */
  include: string[];
  fillLeft: number | undefined;
  fillRight: number | undefined;
}

export interface BinaryExpr {
  kind: 'binary';
  span: Span;
  op: BinaryOperator;
  left: Expr;
  right: Expr;
  returnBool: boolean;
  /** Absent unless both sides are instant vectors. */
  matching: VectorMatching | undefined;
}

export interface UnaryExpr {
  kind: 'unary';
  span: Span;
  op: '+' | '-';
  expr: Expr;
}

export interface ParenExpr {
  kind: 'paren';
  span: Span;
  expr: Expr;
}

export type Expr =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | MatrixSelector
  | Subquery
  | Call
  | Aggregation
  | BinaryExpr
  | UnaryExpr
  | ParenExpr;

/** What an expression evaluates to. */
export function typeOf(expr: Expr): ValueType {
  switch (expr.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'matrixSelector':
    case 'subquery':
      return 'matrix';
    case 'call':
      return expr.signature.returns;
    case 'binary':
      return typeOf(expr.left) === 'scalar' && typeOf(expr.right) === 'scalar' ? 'scalar' : 'vector';
    case 'unary':
    case 'paren':
      return typeOf(expr.expr);
    default:
      return 'vector';
  }
}

/** The expressions directly inside another, in the order they are written. */
export function childrenOf(expr: Expr): Expr[] {
  switch (expr.kind) {
    case 'matrixSelector':
      return [expr.selector];
    case 'subquery':
    case 'unary':
    case 'paren':
      return [expr.expr];
    case 'call':
      return expr.args;
    case 'aggregation':
      return expr.param ? [expr.param, expr.expr] : [expr.expr];
    case 'binary':
      return [expr.left, expr.right];
    default:
      return [];
  }
}

/** The expression inside any parentheses. */
export function unwrapParens(expr: Expr): Expr {
  while (expr.kind === 'paren') expr = expr.expr;
  return expr;
}
