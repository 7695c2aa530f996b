/** What an expression gives. */
export type ExpressionType = 'vector' | 'scalar' | 'matrix';

/** The grid on which a subquery evaluates what is in it, ms. */
export interface SubqueryWindow {
  readonly rangeMs: number;
  readonly stepMs: number;
  readonly offsetMs: number;
  /** The time that `@` fixes, the query's start or end, or undefined. */
  readonly at: number | 'start' | 'end' | undefined;
}

/** A generated expression: text with expressions in between, so that it can be taken apart again. */
export interface Expression {
  readonly type: ExpressionType;
  /** Its operator or function, or `selector`, `range`, `subquery`, `number`. */
  readonly kind: string;
  readonly parts: readonly (string | Expression)[];
  readonly window?: SubqueryWindow;
}

export function textOf(expression: Expression): string {
  return expression.parts.map((part) => (typeof part === 'string' ? part : textOf(part))).join('');
}

export function operandsOf({ parts }: Expression): Expression[] {
  return parts.filter((part) => typeof part !== 'string');
}

/** Simpler expressions in its place, the simplest first: something within it, or itself with a simpler operand. */
export function* simplerThan(expression: Expression): Generator<Expression> {
  for (const inner of within(expression)) if (inner.type === expression.type) yield inner;
  if (expression.type === 'scalar' && expression.kind !== 'number')
    yield { type: 'scalar', kind: 'number', parts: ['2'] };
  for (const [i, part] of expression.parts.entries()) {
    if (typeof part === 'string') continue;
    for (const simpler of simplerThan(part)) {
      yield { ...expression, parts: expression.parts.map((each, k) => (k === i ? simpler : each)) };
    }
  }
}

/** Everything within it, the deepest first. */
function* within(expression: Expression): Generator<Expression> {
  for (const operand of operandsOf(expression)) {
    yield* within(operand);
    yield operand;
  }
}
