import type { Matcher } from '@xscaler/model';
import type { AggregateOperator, Aggregation, BinaryOperator, Expr, Span } from './ast.ts';
import { setAt, setAtEdge, setExtension, setOffset } from './modifiers.ts';
import { parseDurationExpr, parseOffset } from './parse-duration.ts';
import { parseBinaryModifiers, parseGrouping } from './parse-matching.ts';
import { parseSelectorAt } from './parse-selector.ts';
import { SIGNATURES } from './signatures.ts';
import { TokenStream } from './token-stream.ts';
import { isMetricName, startsOperand, type Token, WORDS } from './tokens.ts';
import { checkTypes } from './type-check.ts';

/**
 * Reads a PromQL expression and checks its types.
 * @throws ParseError with Prometheus' text: `line:column: parse error: …`
 */
export function parseExpression(text: string): Expr {
  const tokens = new TokenStream(text);
  if (tokens.peek().type === 'end of input') tokens.failAt(0, 'no expression found in input');
  const expr = parseBinary(tokens, 0);
  if (tokens.peek().type !== 'end of input') tokens.unexpected();
  checkTypes(expr, text);
  return expr;
}

/**
 * Reads a lone series selector, as `match[]` parameters hold it. Like Prometheus' own it takes one that every
 * series satisfies: that is for the caller to judge.
 * @throws ParseError
 */
export function parseSelector(text: string): Matcher[] {
  const tokens = new TokenStream(text);
  const { type } = tokens.peek();
  if (type !== '{' && !isMetricName(type)) tokens.unexpected();
  const selector = parseSelectorAt(tokens);
  if (tokens.peek().type !== 'end of input') tokens.unexpected();
  return selector.matchers;
}

/** How tightly an operator binds; the loosest is 1. */
const PRECEDENCE: Record<BinaryOperator, number> = {
  or: 1,
  and: 2,
  unless: 2,
  '==': 3,
  '!=': 3,
  '<': 3,
  '<=': 3,
  '>': 3,
  '>=': 3,
  '</': 3,
  '>/': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': 5,
  atan2: 5,
  '^': 6,
};

const UNARY_PRECEDENCE = PRECEDENCE['*'];
const precedences = new Map<string, number>(Object.entries(PRECEDENCE));

/** Reads operators that bind tighter than `floor`, and their operands. */
function parseBinary(tokens: TokenStream, floor: number): Expr {
  let levels = 1;
  tokens.enter();
  let left = parseUnary(tokens);
  for (;;) {
    const precedence = precedences.get(tokens.peek().type) ?? 0;
    if (precedence <= floor) break;
    levels++;
    tokens.enter();
    const op = tokens.take().type as BinaryOperator;
    const modifiers = parseBinaryModifiers(tokens);
    const right = parseBinary(tokens, op === '^' ? precedence - 1 : precedence);
    const span = { start: left.span.start, end: right.span.end };
    left = { kind: 'binary', span, op, left, right, ...modifiers };
  }
  tokens.leave(levels);
  return left;
}

function parseUnary(tokens: TokenStream): Expr {
  const token = tokens.peek();
  if (token.type !== '+' && token.type !== '-') return parsePostfix(tokens, parsePrimary(tokens));
  tokens.take();
  const expr = parseBinary(tokens, UNARY_PRECEDENCE);
  const span = { start: token.start, end: expr.span.end };
  if (expr.kind === 'number') {
    return { ...expr, span, value: token.type === '-' ? -expr.value : expr.value };
  }
  return { kind: 'unary', span, op: token.type, expr };
}

/** Ranges, subqueries, `offset`, `@` and the extended range modifiers behind an expression. */
function parsePostfix(tokens: TokenStream, expr: Expr): Expr {
  for (;;) {
    const token = tokens.peek();
    switch (token.type) {
      case '[':
        expr = parseBrackets(tokens, expr);
        break;
      case 'offset':
        tokens.take();
        setOffset(tokens, expr, parseOffset(tokens));
        break;
      case '@':
        tokens.take();
        parseAt(tokens, expr);
        break;
      case 'anchored':
      case 'smoothed':
        tokens.take();
        setExtension(tokens, expr, token.type);
        break;
      default:
        return expr;
    }
  }
}

function parseAt(tokens: TokenStream, expr: Expr): void {
  const token = tokens.peek();
  tokens.begin(' in @, expected timestamp');
  if (token.type === 'start' || token.type === 'end') {
    tokens.take();
    tokens.expect('(');
    tokens.expect(')');
    tokens.finish();
    setAtEdge(tokens, expr, token.type);
    return;
  }
  const sign = token.type === '+' || token.type === '-' ? tokens.take() : undefined;
  const number = tokens.peek();
  if (number.type !== 'number' && number.type !== 'duration') tokens.unexpected();
  const value = tokens.numberLiteral(tokens.take()).value;
  tokens.finish();
  setAt(tokens, expr, sign?.type === '-' ? -value : value);
}

function parseBrackets(tokens: TokenStream, expr: Expr): Expr {
  const open = tokens.take();
  tokens.begin(' in subquery or range selector, expected number, duration, step(), or range()');
  const range = parseDurationExpr(tokens);
  tokens.proceed(' in subquery or range, expected ":" or "]"');
  if (tokens.peek().type === ']') {
    const close = tokens.take();
    tokens.finish();
    const span = { start: expr.span.start, end: close.end };
    if (expr.kind !== 'vectorSelector') return tokens.fail(open, 'ranges only allowed for vector selectors');
    if (expr.offsetMs !== 0) tokens.fail(open, 'no offset modifiers allowed before range');
    if (expr.atMs !== undefined) tokens.fail(open, 'no @ modifiers allowed before range');
    return { kind: 'matrixSelector', span, selector: expr, rangeMs: range.valueMs, rangeExpr: range.expr };
  }
  tokens.expect(':');
  tokens.proceed(' in subquery selector, expected number, duration, step(), range(), or "]"');
  const step = tokens.peek().type === ']' ? undefined : parseDurationExpr(tokens);
  tokens.proceed(' in subquery selector, expected "]"');
  const close = tokens.expect(']');
  tokens.finish();
  return {
    kind: 'subquery',
    span: { start: expr.span.start, end: close.end },
    expr,
    rangeMs: range.valueMs,
    rangeExpr: range.expr,
    stepMs: step?.valueMs ?? 0,
    stepExpr: step?.expr,
    offsetMs: 0,
    offsetExpr: undefined,
    atMs: undefined,
    atEdge: undefined,
  };
}

function parsePrimary(tokens: TokenStream): Expr {
  const token = tokens.peek();
  switch (token.type) {
    case 'number':
    case 'duration':
      return tokens.numberLiteral(tokens.take());
    case 'string':
      tokens.take();
      return { kind: 'string', span: spanOf(token), value: tokens.stringValue(token) };
    case '(':
      return parseParens(tokens);
    case '{':
    case 'metric identifier':
      return parseSelectorAt(tokens);
    case 'identifier':
      return tokens.peekSecond().type === '(' ? parseCall(tokens) : parseSelectorAt(tokens);
  }
  const wordClass = WORDS.get(token.type);
  if (wordClass === 'aggregator') return parseAggregation(tokens);
  if (wordClass === 'preprocessor') {
    return tokens.peekSecond().type === '(' ? parseCall(tokens) : parseSelectorAt(tokens);
  }
  return isMetricName(token.type) ? parseSelectorAt(tokens) : tokens.unexpected();
}

function spanOf(token: Token): Span {
  return { start: token.start, end: token.end };
}

function parseParens(tokens: TokenStream): Expr {
  const open = tokens.take();
  const expr = parseBinary(tokens, 0);
  const close = tokens.expect(')');
  return { kind: 'paren', span: { start: open.start, end: close.end }, expr };
}

function parseCall(tokens: TokenStream): Expr {
  const name = tokens.take();
  const args = parseArguments(tokens);
  const end = tokens.lastEnd;
  const signature = SIGNATURES.get(name.text);
  if (!signature) return tokens.fail(name, `unknown function with name "${name.text}"`);
  return { kind: 'call', span: { start: name.start, end }, signature, args };
}

function parseArguments(tokens: TokenStream): Expr[] {
  tokens.expect('(');
  const args: Expr[] = [];
  if (tokens.accept(')')) return args;
  for (;;) {
    args.push(parseBinary(tokens, 0));
    if (tokens.accept(')')) return args;
    if (tokens.peek().type !== ',') tokens.unexpected();
    const comma = tokens.take();
    if (!startsOperand(tokens.peek().type)) {
      tokens.fail(comma, 'trailing commas not allowed in function call args');
    }
  }
}

const WITH_PARAMETER = new Set<string>([
  'topk',
  'bottomk',
  'count_values',
  'quantile',
  'limitk',
  'limit_ratio',
]);
function parseAggregation(tokens: TokenStream): Expr {
  const following = tokens.peekSecond().type;
  if (following !== '(' && following !== 'by' && following !== 'without') return parseSelectorAt(tokens);
  const token = tokens.take();
  tokens.begin(' in aggregation');
  let modifier = acceptModifier(tokens);
  const args = parseArguments(tokens);
  modifier ??= acceptModifier(tokens);
  tokens.finish();
  const op = token.type as AggregateOperator;
  const start = token.start;
  if (args.length === 0) tokens.failAt(start, 'no arguments for aggregate expression provided');
  const wanted = WITH_PARAMETER.has(op) ? 2 : 1;
  if (args.length !== wanted) {
    tokens.failAt(
      start,
      `wrong number of arguments for aggregate expression provided, expected ${wanted}, got ${args.length}`,
    );
  }
  const aggregation: Aggregation = {
    kind: 'aggregation',
    span: { start, end: tokens.lastEnd },
    op,
    expr: args[wanted - 1],
    param: wanted === 2 ? args[0] : undefined,
    grouping: modifier?.grouping ?? [],
    without: modifier?.without ?? false,
  };
  return aggregation;
}

function acceptModifier(tokens: TokenStream): { grouping: string[]; without: boolean } | undefined {
  const type = tokens.peek().type;
  if (type !== 'by' && type !== 'without') return undefined;
  tokens.take();
  return { grouping: parseGrouping(tokens), without: type === 'without' };
}
