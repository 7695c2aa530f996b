import { goRound } from '../numbers/go-round.ts';
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
export function parseDurationExpr(tokens: TokenStream): ParsedDuration {
  const operand = parseSum(tokens, 0);
  if (operand.kind === 'duration') return { valueMs: 0, expr: operand };
  if (operand.value <= 0) tokens.failAt(operand.span.start, 'duration must be greater than 0');
  return { valueMs: durationMsOf(operand.value), expr: undefined };
}

/** Prometheus holds durations in nanoseconds, rounded, and counts whole milliseconds of them; −0 is none. */
function durationMsOf(seconds: number): number {
  return Math.trunc(goRound(seconds * 1e9) / 1e6) || 0;
}

/** Reads what follows `offset`. */
export function parseOffset(tokens: TokenStream): ParsedDuration {
  tokens.begin(' in offset, expected number, duration, step(), or range()');
  const operand = parseOffsetOperand(tokens);
  tokens.finish();
  if (operand.kind === 'duration') return { valueMs: 0, expr: operand };
  return { valueMs: durationMsOf(operand.value), expr: undefined };
}

/**
 * One operand with an optional sign, so that `x offset 1 ^ 2` is a power of the selector; only what begins with a
 * parenthesis or two signs may go on as a duration expression.
 */
function parseOffsetOperand(tokens: TokenStream): DurationOperand {
  const first = tokens.peek();
  if (first.type === '(') return parseSum(tokens, 0);
  if (!isSign(first)) return parsePrimary(tokens);
  const second = tokens.peekSecond();
  if (isSign(second)) return parseSum(tokens, 0);
  tokens.take();
  if (second.type === 'number' || second.type === 'duration') {
    return signed(tokens, first, tokens.numberLiteral(tokens.take()));
  }
  const operand = parsePrimary(tokens);
  if (operand.kind === 'number' || second.type === '(' || first.type === '-') {
    return signed(tokens, first, operand);
  }
  const span = { start: first.start, end: operand.span.end };
  return { kind: 'duration', span, op: '+', left: undefined, right: operand, wrapped: false };
}

function isSign(token: Token): boolean {
  return token.type === '+' || token.type === '-';
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
  if (!isSign(sign)) return parsePrimary(tokens);
  tokens.take();
  return signed(tokens, sign, parseSum(tokens, UNARY_PRECEDENCE));
}

function signed(tokens: TokenStream, sign: Token, operand: DurationOperand): DurationOperand {
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
    case 'min_of':
    case 'max_of':
      return parseMinMax(tokens, token.type);
  }
  return tokens.unexpected();
}

function parseMinMax(tokens: TokenStream, op: 'min_of' | 'max_of'): DurationExpr {
  const name = tokens.take();
  tokens.expect('(');
  const left = parseSum(tokens, 0);
  tokens.expect(',');
  const right = parseSum(tokens, 0);
  const end = tokens.expect(')').end;
  return { kind: 'duration', span: { start: name.start, end }, op, left, right, wrapped: false };
}

function checked<T extends DurationOperand>(tokens: TokenStream, operand: T): T {
  // NaN, too: what Prometheus makes of it depends on its processor.
  if (operand.kind === 'number' && !(Math.abs(operand.value) <= MAX_SECONDS)) {
    tokens.failAt(operand.span.start, 'duration out of range');
  }
  return operand;
}
