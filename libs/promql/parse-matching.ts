import type { VectorMatching } from './ast.ts';
import { quoteText } from './go-quote.ts';
import type { TokenStream } from './token-stream.ts';
import { WORDS } from './tokens.ts';

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
      if (tokens.peek().type === '(') matching.include = parseGrouping(tokens);
    }
  }
  parseFill(tokens, matching);
  return { returnBool, matching };
}

function parseFill(tokens: TokenStream, matching: VectorMatching): void {
  for (;;) {
    const type = tokens.peek().type;
    if (type !== 'fill' && type !== 'fill_left' && type !== 'fill_right') return;
    tokens.take();
    tokens.expect('(');
    const sign = tokens.peek().type;
    if (sign === '+' || sign === '-') tokens.take();
    const token = tokens.peek();
    if (token.type !== 'number' && token.type !== 'duration') tokens.unexpected();
    const { value } = tokens.numberLiteral(tokens.take());
    tokens.expect(')');
    const fill = sign === '-' ? -value : value;
    if (type !== 'fill_right') matching.fillLeft = fill;
    if (type !== 'fill_left') matching.fillRight = fill;
  }
}

/** A list of label names in parentheses; keywords and quoted names are names too. */
export function parseGrouping(tokens: TokenStream): string[] {
  if (tokens.peek().type !== '(') tokens.unexpected('grouping opts', '"("');
  tokens.take();
  const labels: string[] = [];
  for (;;) {
    if (tokens.accept(')')) return labels;
    labels.push(parseLabelName(tokens));
    const type = tokens.peek().type;
    if (type === ',') tokens.take();
    else if (type !== ')') tokens.unexpected('grouping opts', '"," or ")"');
  }
}

function parseLabelName(tokens: TokenStream): string {
  const token = tokens.peek();
  if (token.type === 'string') {
    tokens.take();
    const name = tokens.stringValue(token);
    if (name === '') tokens.fail(token, `invalid label name for grouping: ${quoteText(name)}`);
    return name;
  }
  const isName = token.type === 'identifier' || token.type === 'metric identifier' || WORDS.has(token.type);
  if (!isName) tokens.unexpected('grouping opts', 'label');
  return tokens.take().text;
}
