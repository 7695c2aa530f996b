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
  tokens.begin('');
  for (;;) {
    tokens.proceed(' in label matching, expected identifier or "}"');
    if (tokens.accept('}')) break;
    matchers.push(parseMatcher(tokens));
    tokens.proceed(' in label matching, expected "," or "}"');
    if (tokens.accept(',')) continue;
    tokens.expect('}');
    break;
  }
  tokens.finish();
  return matchers;
}

function parseMatcher(tokens: TokenStream): Matcher {
  const label = tokens.peek();
  if (label.type !== 'identifier' && label.type !== 'string') tokens.unexpected();
  tokens.take();
  const name = label.type === 'string' ? tokens.stringValue(label) : label.text;
  const operator = tokens.peek();
  if (!MATCH_TYPES.has(operator.type)) {
    if (label.type === 'string') return newMatcher(tokens, label, '=', METRIC_NAME, name);
    tokens.proceed(' in label matching, expected label matching operator');
    tokens.unexpected();
  }
  tokens.take();
  tokens.proceed(' in label matching, expected string');
  const value = tokens.expect('string');
  return newMatcher(tokens, label, operator.type as MatchType, name, tokens.stringValue(value));
}

function newMatcher(tokens: TokenStream, at: Token, type: MatchType, name: string, value: string): Matcher {
  let matcher: Matcher;
  try {
    matcher = new Matcher(type, name, value);
  } catch (error) {
    return tokens.fail(at, error instanceof Error ? error.message : String(error));
  }
  tokens.holdRegex(at, matcher.states);
  return matcher;
}
