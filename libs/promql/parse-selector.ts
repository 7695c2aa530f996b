import { Matcher, type MatchType, METRIC_NAME } from '@xscaler/model';
import type { VectorSelector } from './ast.ts';
import type { TokenStream } from './token-stream.ts';
import type { Token } from './tokens.ts';

const MATCH_TYPES = new Set<string>(['=', '!=', '=~', '!~']);

/** Reads `name`, `name{…}` or `{…}`; a keyword in front is a metric name. */
export function parseSelectorAt(tokens: TokenStream): VectorSelector {
  const first = tokens.peek();
  let name = '';
  if (first.type !== '{') name = tokens.take().text;
  const matchers = tokens.peek().type === '{' ? parseMatchers(tokens) : [];
  if (name !== '') matchers.push(new Matcher('=', METRIC_NAME, name));
  return {
    kind: 'vectorSelector',
    span: { start: first.start, end: tokens.lastEnd },
    name,
    matchers,
    extension: undefined,
    mayBeEmpty: false,
    offsetMs: 0,
    offsetExpr: undefined,
    atMs: undefined,
    atEdge: undefined,
  };
}

function parseMatchers(tokens: TokenStream): Matcher[] {
  tokens.expect('{');
  const matchers: Matcher[] = [];
  for (;;) {
    if (tokens.peek().type === '}') break;
    matchers.push(parseMatcher(tokens));
    const type = tokens.peek().type;
    if (type === ',') tokens.take();
    else if (type !== '}') tokens.unexpected('label matching', '"," or "}"');
  }
  tokens.take();
  return matchers;
}

function parseMatcher(tokens: TokenStream): Matcher {
  const label = tokens.peek();
  if (label.type !== 'identifier' && label.type !== 'string') {
    tokens.unexpected('label matching', 'identifier or "}"');
  }
  tokens.take();
  const name = label.type === 'string' ? tokens.stringValue(label) : label.text;
  const operator = tokens.peek();
  if (!MATCH_TYPES.has(operator.type)) {
    if (label.type === 'string') return newMatcher(tokens, label, '=', METRIC_NAME, name);
    tokens.unexpected('label matching', 'label matching operator');
  }
  tokens.take();
  const value = tokens.peek();
  if (value.type !== 'string') tokens.unexpected('label matching', 'string');
  tokens.take();
  return newMatcher(tokens, label, operator.type as MatchType, name, tokens.stringValue(value));
}

function newMatcher(tokens: TokenStream, at: Token, type: MatchType, name: string, value: string): Matcher {
  try {
    return new Matcher(type, name, value);
  } catch (error) {
    return tokens.fail(at, error instanceof Error ? error.message : String(error));
  }
}
