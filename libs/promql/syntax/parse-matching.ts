import { quoteText } from '../numbers/go-quote.ts';
import type { VectorMatching } from './ast.ts';
import type { TokenStream } from './token-stream.ts';
import { startsOperand, type TokenType, WORDS } from './tokens.ts';

const FILLS = new Set<TokenType>(['fill', 'fill_left', 'fill_right']);

/** Everything between an operator and its right side: `bool on(…) group_left(…) fill(…)`. */
export function parseBinaryModifiers(tokens: TokenStream): { returnBool: boolean; matching: VectorMatching } {
  const matching: VectorMatching = {
    cardinality: 'one-to-one',
    labels: [],
    on: false,
    include: [],
    fillLeft: undefined,
    fillRight: undefined,
  };
  const returnBool = tokens.accept('bool');
  const type = tokens.peek().type;
  if (type === 'on' || type === 'ignoring') {
    tokens.take();
    matching.on = type === 'on';
    matching.labels = parseGrouping(tokens);
    const group = tokens.peek().type;
    if (group === 'group_left' || group === 'group_right') {
      tokens.take();
      matching.cardinality = group === 'group_left' ? 'many-to-one' : 'one-to-many';
      const following = tokens.peek().type;
      const isLeftOut = following !== '(' && (startsOperand(following) || FILLS.has(following));
      if (!isLeftOut) matching.include = parseGrouping(tokens);
    }
  }
  parseFill(tokens, matching);
  return { returnBool, matching };
}

function parseFill(tokens: TokenStream, matching: VectorMatching): void {
  if (tokens.accept('fill')) {
    matching.fillLeft = parseFillValue(tokens);
    matching.fillRight = matching.fillLeft;
  } else if (tokens.accept('fill_left')) {
    matching.fillLeft = parseFillValue(tokens);
    if (tokens.accept('fill_right')) matching.fillRight = parseFillValue(tokens);
  } else if (tokens.accept('fill_right')) {
    matching.fillRight = parseFillValue(tokens);
    if (tokens.accept('fill_left')) matching.fillLeft = parseFillValue(tokens);
  }
}

function parseFillValue(tokens: TokenStream): number {
  tokens.expect('(');
  const sign = tokens.peek().type;
  if (sign === '+' || sign === '-') tokens.take();
  const token = tokens.peek();
  if (token.type !== 'number' && token.type !== 'duration') tokens.unexpected();
  const { value } = tokens.numberLiteral(tokens.take());
  tokens.expect(')');
  return sign === '-' ? -value : value;
}

/** A list of label names in parentheses; every keyword but `without`, and quoted names, are names too. */
export function parseGrouping(tokens: TokenStream): string[] {
  tokens.begin(' in grouping opts, expected "("');
  tokens.expect('(');
  const labels: string[] = [];
  for (;;) {
    tokens.proceed(' in grouping opts, expected label');
    if (tokens.accept(')')) break;
    labels.push(parseLabelName(tokens));
    tokens.proceed(' in grouping opts, expected "," or ")"');
    if (tokens.accept(',')) continue;
    tokens.expect(')');
    break;
  }
  tokens.finish();
  return labels;
}

function parseLabelName(tokens: TokenStream): string {
  const token = tokens.peek();
  if (token.type === 'string') {
    tokens.take();
    const name = tokens.stringValue(token);
    if (name === '') tokens.fail(token, `invalid label name for grouping: ${quoteText(name)}`);
    return name;
  }
  const isWord = WORDS.has(token.type) && token.type !== 'without';
  const isName = isWord || token.type === 'identifier' || token.type === 'metric identifier';
  if (!isName) tokens.unexpected();
  return tokens.take().text;
}
