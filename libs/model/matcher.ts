import { RE2JS, RE2JSSyntaxException } from 're2js';
import { plainPattern } from './matcher-pattern.ts';
import { MAX_PATTERN_LENGTH, MAX_PATTERN_STATES, matchSteps, patternStates } from './pattern-cost.ts';
import type { PatternTime } from './pattern-time.ts';

export type MatchType = '=' | '!=' | '=~' | '!~';

/**
 * One label matcher. Regular expressions are RE2, anchored at both ends, the dot matches a newline, linear in the value's
 * length; `matches` is memoised by nobody here: callers test each distinct label value once.
 */
export class Matcher {
  readonly name: string;
  readonly type: MatchType;
  readonly value: string;
  /**
   * The only values that can match, if the matcher is `=` or a `=~` that is a literal or an
   * alternation of literals; undefined otherwise. Lets an index look values up instead of scanning.
   */
  readonly literals: readonly string[] | undefined;
  /** About how many states the regular expression's automaton has, 0 if it needs none. */
  readonly states: number;
  readonly #test: (value: string) => boolean;
  readonly #time: PatternTime | undefined;

  /**
   * @param time what values may cost that the engine has to look at; of no consequence if absent
   * @throws SyntaxError with Go's text on a bad regular expression
   */
  constructor(type: MatchType, name: string, value: string, time?: PatternTime) {
    this.type = type;
    this.name = name;
    this.value = value;
    const isRegex = type === '=~' || type === '!~';
    const { literals, states, test } = isRegex ? compilePattern(value) : oneValue(value);
    const isNegated = type === '!=' || type === '!~';
    this.literals = isNegated ? undefined : literals;
    this.states = states;
    this.#time = states > 0 ? time : undefined;
    this.#test = isNegated ? (text) => !test(text) : test;
  }

  /** @throws PatternCostError if it was made with a time to spend */
  matches(value: string): boolean {
    this.#time?.spend(matchSteps(this.states, value.length + 1));
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

interface Compiled {
  readonly literals: readonly string[] | undefined;
  readonly states: number;
  readonly test: (value: string) => boolean;
}

function oneValue(value: string): Compiled {
  return { literals: [value], states: 0, test: (text) => text === value };
}

function compilePattern(pattern: string): Compiled {
  const plain = plainPattern(pattern);
  if (!plain) return compileRegex(pattern);
  if (!plain.literals) return { literals: undefined, states: 0, test: plain.test };
  const { literals } = plain;
  if (literals.length === 1) return oneValue(literals[0]);
  const set = new Set(literals);
  return { literals: [...set], states: 0, test: (text) => set.has(text) };
}

function compileRegex(pattern: string): Compiled {
  // Prometheus has no bound; what it calls too large would take minutes here.
  const states = pattern.length > MAX_PATTERN_LENGTH ? Number.POSITIVE_INFINITY : patternStates(pattern);
  if (states > MAX_PATTERN_STATES) {
    throw new SyntaxError(`error parsing regexp: expression too large: \`${pattern.slice(0, 100)}\``);
  }
  try {
    const compiled = RE2JS.compile(pattern, RE2JS.DOTALL);
    return { literals: undefined, states, test: (text) => compiled.matches(text) };
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    throw new SyntaxError(goRegexError(error, pattern), { cause: error });
  }
}

const WHOLE_PATTERN = new Set(['expression nests too deeply', 'expression too large']);

/** What Go's regexp says; the engine is given the dot's flag in front of the pattern, which nobody wrote. */
function goRegexError(error: RE2JSSyntaxException, pattern: string): string {
  const description = error.getDescription();
  const part = error.getPattern() ?? '';
  const shown = WHOLE_PATTERN.has(description) || part === `(?s)${pattern}` ? pattern : part;
  return `error parsing regexp: ${description}: \`${shown}\``;
}
