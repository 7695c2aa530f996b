import { quoteText, unquote } from '../numbers/go-quote.ts';
import type { NumberLiteral } from './ast.ts';
import { parseDurationMs } from './duration.ts';
import { ParseError } from './errors.ts';
import { Lexer } from './lexer.ts';
import { numberValue } from './number-scan.ts';
import { positionText } from './position.ts';
import { describeToken, type Token, type TokenType } from './tokens.ts';

/**
 * Levels of parentheses, calls and operators within each other; a chain of operators nests, too. Code that is
 * not optimized yet overflows the stack of a main thread from about 1,300 on.
 */
const MAX_DEPTH = 1000;

/** States of all regular expressions of a query, as `Matcher.states` counts them: about a second's work. */
const MAX_REGEX_STATES = 100_000;

/** The parser's view of a query: tokens with two of look-ahead, and its ways to fail. */
export class TokenStream {
  readonly query: string;
  readonly #lexer: Lexer;
  readonly #ahead: Token[] = [];
  #depth = 0;
  #regexStates = 0;
  /** What error texts say of the constructs the parser is in, the innermost last. */
  readonly #constructs: string[] = [];
  /** End of the last token taken. */
  lastEnd = 0;

  constructor(query: string) {
    this.query = query;
    this.#lexer = new Lexer(query);
  }

  /** One more level of nesting begins. @throws ParseError beyond what can be evaluated without exhausting the stack */
  enter(): void {
    if (++this.#depth > MAX_DEPTH) {
      this.fail(this.peek(), `expression is nested more than ${MAX_DEPTH} levels deep`);
    }
  }

  leave(levels: number): void {
    this.#depth -= levels;
  }

  peek(): Token {
    if (this.#ahead.length === 0) this.#ahead.push(this.#lexer.next());
    return this.#ahead[0];
  }

  peekSecond(): Token {
    this.peek();
    if (this.#ahead.length === 1) this.#ahead.push(this.#lexer.next());
    return this.#ahead[1];
  }

  take(): Token {
    const token = this.peek();
    this.#ahead.shift();
    this.lastEnd = token.end;
    return token;
  }

  accept(type: TokenType): boolean {
    if (this.peek().type !== type) return false;
    this.take();
    return true;
  }

  expect(type: TokenType): Token {
    if (this.peek().type !== type) this.unexpected();
    return this.take();
  }

  /** @throws ParseError if the query's regular expressions are too large together */
  holdRegex(at: Token, states: number): void {
    this.#regexStates += states;
    if (this.#regexStates > MAX_REGEX_STATES) {
      this.fail(at, `regular expressions have more than ${MAX_REGEX_STATES} states together`);
    }
  }

  /**
   * A construct begins that Prometheus' grammar has a word for: until it ends, a token that fits nowhere is unexpected
   * in it, ` in aggregation`, unless one inside it has a word, too.
   */
  begin(construct: string): void {
    this.#constructs.push(construct);
  }

  /** The construct that began last goes on, and other tokens are expected. */
  proceed(construct: string): void {
    this.#constructs[this.#constructs.length - 1] = construct;
  }

  /** The construct that began last ends. */
  finish(): void {
    this.#constructs.pop();
  }

  unexpected(): never {
    const token = this.peek();
    return this.fail(token, `unexpected ${describeToken(token)}${this.#constructs.at(-1) ?? ''}`);
  }

  fail(token: Token, message: string): never {
    return this.failAt(token.start, message);
  }

  failAt(offset: number, message: string): never {
    throw new ParseError(`${positionText(this.query, offset)}: parse error: ${message}`);
  }

  /** A `number` or `duration` token as a literal, a duration in seconds. */
  numberLiteral(token: Token): NumberLiteral {
    const span = { start: token.start, end: token.end };
    if (token.type === 'duration') {
      const durationMs = parseDurationMs(token.text);
      if (typeof durationMs === 'string') return this.fail(token, durationMs);
      return { kind: 'number', span, value: durationMs / 1000, duration: true };
    }
    const value = numberValue(token.text);
    if (typeof value === 'string') {
      const quoted = quoteText(token.text);
      return this.fail(token, `error parsing number: strconv.ParseFloat: parsing ${quoted}: ${value}`);
    }
    return { kind: 'number', span, value, duration: false };
  }

  stringValue(token: Token): string {
    return unquote(token.text);
  }
}
