import type { DurationExpr, DurationOperand } from './ast.ts';
import type { TokenStream } from './token-stream.ts';
import type { Token } from './tokens.ts';

/** A duration as written: its length, or the expression that will give it. */
export interface ParsedDuration {
  readonly valueMs: number;
  readonly expr: DurationExpr | undefined;
}

/** Go's durations are 64-bit nanoseconds. */
const MAX_SECONDS = 2 ** 63 / 1e9;

const PRECEDENCE: Record<string, number> = { '+': 1, '-': 1, '*': 2, '/': 2, '%': 2, '^': 3 };
const UNARY_PRECEDENCE = PRECEDENCE['*'];

/** Reads the range or step in brackets, which must be positive. */
export function parseDurationExpr(tokens: TokenStream, context: string, expected: string): ParsedDuration {
  if (!startsDuration(tokens.peek())) tokens.unexpected(context, expected);
  const operand = parseSum(tokens, 0);
  if (operand.kind === 'duration') return { valueMs: 0, expr: operand };
  if (!(operand.value > 0)) tokens.failAt(operand.span.start, 'duration must be greater than 0');
  return { valueMs: Math.round(operand.value * 1000), expr: undefined };
}

/**
 * Reads what follows `offset`: one operand with an optional sign, so that `x offset 1 ^ 2` is a power of
 * the selector; only a parenthesis may go on as a duration expression.
 */
export function parseOffset(tokens: TokenStream): ParsedDuration {
  const first = tokens.peek();
  if (!startsDuration(first)) tokens.unexpected('offset', 'number, duration, step(), or range()');
  let operand: DurationOperand;
  if (first.type === '-' || first.type === '+') {
    tokens.take();
    operand = negateIf(tokens, first, parsePrimary(tokens));
  } else if (first.type === '(') {
    operand = parseSum(tokens, 0);
  } else {
    operand = parsePrimary(tokens);
  }
  if (operand.kind === 'duration') return { valueMs: 0, expr: operand };
  return { valueMs: Math.round(operand.value * 1000), expr: undefined };
}

function startsDuration(token: Token): boolean {
  switch (token.type) {
    case 'number':
    case 'duration':
    case '+':
    case '-':
    case '(':
    case 'step':
    case 'range':
      return true;
    case 'identifier':
      return isMinMax(token);
    default:
      return false;
  }
}

function isMinMax(token: Token): boolean {
  return /^(min|max)_of$/i.test(token.text);
}

function parseSum(tokens: TokenStream, floor: number): DurationOperand {
  let levels = 1;
  tokens.enter();
  let left = parseSigned(tokens);
  for (;;) {
    const op = tokens.peek();
    const precedence = PRECEDENCE[op.type] ?? 0;
    if (precedence <= floor) break;
    levels++;
    tokens.enter();
    tokens.take();
    const right = parseSum(tokens, op.type === '^' ? precedence - 1 : precedence);
    if (right.kind === 'number' && right.value === 0) {
      if (op.type === '/') tokens.fail(op, 'division by zero');
      if (op.type === '%') tokens.fail(op, 'modulo by zero');
    }
    left = {
      kind: 'duration',
      span: { start: left.span.start, end: right.span.end },
      op: op.type as DurationExpr['op'],
      left,
      right,
      wrapped: false,
    };
  }
  tokens.leave(levels);
  return left;
}

function parseSigned(tokens: TokenStream): DurationOperand {
  const sign = tokens.peek();
  if (sign.type !== '+' && sign.type !== '-') return parsePrimary(tokens);
  tokens.take();
  return negateIf(tokens, sign, parseSum(tokens, UNARY_PRECEDENCE));
}

function negateIf(tokens: TokenStream, sign: Token, operand: DurationOperand): DurationOperand {
  const span = { start: sign.start, end: operand.span.end };
  if (operand.kind === 'number') {
    return checked(tokens, { ...operand, span, value: sign.type === '-' ? -operand.value : operand.value });
  }
  if (sign.type === '+') return operand;
  return { kind: 'duration', span, op: '-', left: undefined, right: operand, wrapped: false };
}

function parsePrimary(tokens: TokenStream): DurationOperand {
  const token = tokens.peek();
  switch (token.type) {
    case 'number':
    case 'duration':
      return checked(tokens, tokens.numberLiteral(tokens.take()));
    case 'step':
    case 'range': {
      tokens.take();
      tokens.expect('(');
      const end = tokens.expect(')').end;
      const span = { start: token.start, end };
      return { kind: 'duration', span, op: token.type, left: undefined, right: undefined, wrapped: false };
    }
    case '(': {
      tokens.take();
      const inner = parseSum(tokens, 0);
      tokens.expect(')');
      return inner.kind === 'duration' ? { ...inner, wrapped: true } : inner;
    }
    case 'identifier':
      if (isMinMax(token)) return parseMinMax(tokens);
  }
  return tokens.unexpected();
}

function parseMinMax(tokens: TokenStream): DurationExpr {
  const name = tokens.take();
  tokens.expect('(');
  const left = parseSum(tokens, 0);
  tokens.expect(',');
  const right = parseSum(tokens, 0);
  const end = tokens.expect(')').end;
  const op = name.text.toLowerCase() === 'min_of' ? 'min_of' : 'max_of';
  return { kind: 'duration', span: { start: name.start, end }, op, left, right, wrapped: false };
}

function checked<T extends DurationOperand>(tokens: TokenStream, operand: T): T {
  if (operand.kind === 'number' && Math.abs(operand.value) > MAX_SECONDS) {
    tokens.failAt(operand.span.start, 'duration out of range');
  }
  return operand;
}
