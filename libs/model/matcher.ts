import { RE2JS } from 're2js';

export type MatchType = '=' | '!=' | '=~' | '!~';

/**
 * One label matcher. Regular expressions are RE2, anchored at both ends, linear in the value's length;
 * `matches` is memoised by nobody here: callers test each distinct label value once.
 */
export class Matcher {
  readonly name: string;
  readonly type: MatchType;
  readonly value: string;
  /**
   * The only values that can match, where the matcher is `=` or a `=~` that is a literal or an
   * alternation of literals; undefined otherwise. Lets an index look values up instead of scanning.
   */
  readonly literals: readonly string[] | undefined;
  readonly #test: (value: string) => boolean;

  /** @throws RE2JSSyntaxException on a bad regular expression */
  constructor(type: MatchType, name: string, value: string) {
    this.type = type;
    this.name = name;
    this.value = value;
    const regex = type === '=~' || type === '!~';
    const alternatives = regex ? literalAlternatives(value) : [value];
    const positive = alternatives ? oneOf(alternatives) : compileRegex(value);
    const negated = type === '!=' || type === '!~';
    this.literals = negated ? undefined : alternatives;
    this.#test = negated ? (text) => !positive(text) : positive;
  }

  matches(value: string): boolean {
    return this.#test(value);
  }

  /** Whether a series without the label matches: it has the empty value. */
  get matchesEmpty(): boolean {
    return this.#test('');
  }

  toString(): string {
    return `${this.name}${this.type}${JSON.stringify(this.value)}`;
  }
}

const META = /[\\.+*?()|[\]{}^$]/;

function literalAlternatives(pattern: string): string[] | undefined {
  const alternatives = pattern.split('|');
  return alternatives.some((text) => META.test(text)) ? undefined : alternatives;
}

function oneOf(values: readonly string[]): (text: string) => boolean {
  if (values.length === 1) {
    const [only] = values;
    return (text) => text === only;
  }
  const set = new Set(values);
  return (text) => set.has(text);
}

function compileRegex(pattern: string): (text: string) => boolean {
  if (pattern === '.*') return () => true;
  if (pattern === '.+') return (text) => text !== '';
  const affix = /^(\.\*)?([^\\.+*?()|[\]{}^$]*)(\.\*)?$/.exec(pattern);
  if (affix) return containsLiteral(affix[2], affix[1] !== undefined, affix[3] !== undefined);
  // Prometheus wraps every pattern so: anchored, and the dot matches a newline too.
  const compiled = RE2JS.compile(`^(?s:${pattern})$`);
  return (text) => compiled.matches(text);
}

function containsLiteral(literal: string, anyBefore: boolean, anyAfter: boolean): (text: string) => boolean {
  if (anyBefore && anyAfter) return (text) => text.includes(literal);
  if (anyBefore) return (text) => text.endsWith(literal);
  return (text) => text.startsWith(literal);
}
