import { quoteCharacter, quoteText } from '../numbers/go-quote.ts';
import { ParseError } from './errors.ts';
import { scanNumber } from './number-scan.ts';
import { positionText } from './position.ts';
import { characterAt, scanString } from './string-scan.ts';
import { type Token, type TokenType, WORDS } from './tokens.ts';

const SPACE = /[ \t\n\r]/;
const ALPHA = /[A-Za-z_]/;
const DIGIT = /[0-9]/;
const LETTERS = /[A-Za-z_]*/y;
const WORD = /[A-Za-z0-9_]*/y;
const METRIC_WORD = /[A-Za-z0-9_:]*/y;
const DURATION = /[smhdwy]s?(?:[0-9]+[smhdw]s?)*([0-9]*)/y;
const SINGLE = new Set(['*', '/', '%', '+', '-', '^', ',', '@']);
const DURATION_SINGLE = new Set(['*', '/', '%', '+', '-', '^', ',']);

/**
 * Splits a query into tokens, one at a time. What a character means depends on whether a brace or
 * bracket is open, as in Prometheus' lexer, whose error texts these are.
 */
export class Lexer {
  readonly query: string;
  #pos = 0;
  #start = 0;
  #parens = 0;
  #braceOpen = false;
  #bracketOpen = false;
  /** From `[` to the first number: only durations and their arithmetic. */
  #inDuration = false;
  #gotColon = false;
  /** Whether any bracket so far, not only the open one, had a number: without, Prometheus takes no `:`. */
  #gotDuration = false;

  constructor(query: string) {
    this.query = query;
  }

  /** @throws ParseError */
  next(): Token {
    this.#skipBlanks();
    if (this.#braceOpen) return this.#insideBraces();
    if (this.#inDuration) return this.#insideDuration();
    return this.#statement();
  }

  /** Whether the next character but blanks is `(`. */
  followedByParen(): boolean {
    let i = this.#pos;
    while (i < this.query.length && SPACE.test(this.query[i])) i++;
    return this.query[i] === '(';
  }

  #skipBlanks(): void {
    for (;;) {
      while (this.#pos < this.query.length && SPACE.test(this.query[this.#pos])) this.#pos++;
      // At the head of a bracket a comment is a stray character.
      if (this.query[this.#pos] !== '#' || this.#inDuration) break;
      while (this.#pos < this.query.length && !/[\r\n]/.test(this.query[this.#pos])) this.#pos++;
    }
    this.#start = this.#pos;
  }

  #statement(): Token {
    const character = this.#peek();
    if (character === undefined) {
      if (this.#parens !== 0) this.#fail('unclosed left parenthesis');
      if (this.#bracketOpen) this.#fail('unclosed left bracket');
      return this.#emit('end of input');
    }
    if (SINGLE.has(character)) return this.#take(character as TokenType);
    if (this.#startsNumber(character)) return this.#numberOrDuration();
    if (character === '"' || character === "'" || character === '`') return this.#string();
    if (ALPHA.test(character) || character === ':') {
      return this.#bracketOpen ? this.#wordInBrackets(character) : this.#word();
    }
    return this.#symbol(character);
  }

  #symbol(character: string): Token {
    const following = this.query[this.#pos + 1];
    switch (character) {
      case '=':
        if (following === '=') return this.#take('==');
        if (following === '~') this.#fail(`unexpected character after '=': ${quoteCharacter('~')}`, 0);
        return this.#take('=');
      case '!':
        if (following === '=') return this.#take('!=');
        return this.#fail(
          `unexpected character after '!': ${quoteCharacter(this.#characterAt(this.#pos + 1))}`,
        );
      case '<':
        if (following === '/') return this.#take('</');
        return this.#take(following === '=' ? '<=' : '<');
      case '>':
        if (following === '/') return this.#take('>/');
        return this.#take(following === '=' ? '>=' : '>');
      case '(':
      case ')':
        return this.#paren(character);
      case '{':
        this.#braceOpen = true;
        return this.#take('{');
      case '[':
        if (this.#bracketOpen) this.#fail(`unexpected left bracket ${quoteCharacter('[')}`);
        this.#gotColon = false;
        this.#bracketOpen = true;
        this.#inDuration = true;
        return this.#take('[');
      case ']':
        if (!this.#bracketOpen) this.#fail(`unexpected right bracket ${quoteCharacter(']')}`);
        this.#bracketOpen = false;
        return this.#take(']');
      default:
        return this.#fail(`unexpected character: ${quoteCharacter(this.#characterAt(this.#pos))}`);
    }
  }

  #paren(character: '(' | ')'): Token {
    const token = this.#take(character);
    this.#parens += character === '(' ? 1 : -1;
    if (this.#parens < 0) this.#fail(`unexpected right parenthesis ${quoteCharacter(')')}`);
    return token;
  }

  #wordInBrackets(character: string): Token {
    if (character === ':') return this.#colon();
    return (
      this.#durationWord() ??
      this.#fail(`unexpected character: ${quoteCharacter(character)}, expected ${quoteCharacter(':')}`)
    );
  }

  #colon(): Token {
    if (this.#gotColon) this.#fail(`unexpected colon ${quoteCharacter(':')}`);
    this.#gotColon = true;
    return this.#take(':');
  }

  #insideDuration(): Token {
    const character = this.#peek();
    if (character === undefined) return this.#fail('unexpected end of input in duration expression');
    if (DURATION_SINGLE.has(character)) return this.#take(character as TokenType);
    if (this.#startsNumber(character)) {
      this.#gotDuration = true;
      this.#inDuration = false;
      return this.#numberOrDuration();
    }
    switch (character) {
      case ']':
        this.#bracketOpen = false;
        this.#inDuration = false;
        this.#gotColon = false;
        return this.#take(']');
      case ':':
        if (!this.#gotDuration) this.#fail('unexpected colon before duration in duration expression', 1);
        if (this.#gotColon) this.#fail('unexpected repeated colon in duration expression', 1);
        this.#gotColon = true;
        return this.#take(':');
      case '(':
      case ')':
        return this.#paren(character);
    }
    const word = this.#durationWord();
    if (word) return word;
    const shown = quoteCharacter(this.#characterAt(this.#pos));
    return this.#fail(`unexpected character in duration expression: ${shown}`);
  }

  /** `step`, `range`, `min_of`, `max_of` in brackets. */
  #durationWord(): Token | undefined {
    const word = this.#match(LETTERS).toLowerCase();
    if (word !== 'step' && word !== 'range' && word !== 'min_of' && word !== 'max_of') return undefined;
    this.#pos += word.length;
    return this.#emit(word);
  }

  #insideBraces(): Token {
    const character = this.#peek();
    const following = this.query[this.#pos + 1];
    if (character === undefined) return this.#fail('unexpected end of input inside braces');
    if (ALPHA.test(character)) {
      this.#pos += this.#match(WORD).length;
      return this.#emit('identifier');
    }
    switch (character) {
      case ',':
        return this.#take(',');
      case '"':
      case "'":
      case '`':
        return this.#string();
      case '=':
        return this.#take(following === '~' ? '=~' : '=');
      case '!':
        if (following === '~') return this.#take('!~');
        if (following === '=') return this.#take('!=');
        return this.#fail(
          `unexpected character after '!' inside braces: ${quoteCharacter(this.#characterAt(this.#pos + 1))}`,
        );
      case '{':
        return this.#fail(`unexpected left brace ${quoteCharacter('{')}`);
      case '}':
        this.#braceOpen = false;
        return this.#take('}');
      default:
        return this.#fail(
          `unexpected character inside braces: ${quoteCharacter(this.#characterAt(this.#pos))}`,
        );
    }
  }

  #word(): Token {
    const word = this.#match(METRIC_WORD);
    this.#pos += word.length;
    const lower = word.toLowerCase();
    if (lower === 'inf' || lower === 'nan') return this.#emit('number');
    if (WORDS.has(lower)) {
      // The fill modifiers came late: a metric of that name still works.
      const plain = lower.startsWith('fill') && !this.followedByParen();
      return this.#emit(plain ? 'identifier' : (lower as TokenType));
    }
    return this.#emit(word.includes(':') ? 'metric identifier' : 'identifier');
  }

  #numberOrDuration(): Token {
    const number = scanNumber(this.query, this.#pos);
    this.#pos = number.end;
    if (number.valid) return this.#emit('number');
    DURATION.lastIndex = this.#pos;
    const duration = DURATION.exec(this.query);
    if (duration) {
      this.#pos += duration[0].length;
      const following = this.#peek();
      const isWord = following !== undefined && /[A-Za-z_]/.test(following);
      if (duration[1] === '') {
        if (!isWord) return this.#emit('duration');
        this.#pos++;
      }
    }
    return this.#fail(
      `bad number or duration syntax: ${quoteText(this.query.slice(this.#start, this.#pos))}`,
    );
  }

  #string(): Token {
    const end = scanString(this.query, this.#pos);
    if (typeof end === 'string') return this.#fail(end);
    this.#pos = end;
    return this.#emit('string');
  }

  #startsNumber(character: string): boolean {
    return DIGIT.test(character) || (character === '.' && DIGIT.test(this.query[this.#pos + 1] ?? ''));
  }

  #peek(): string | undefined {
    return this.query[this.#pos];
  }

  #characterAt(at: number): string | undefined {
    return characterAt(this.query, at);
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#pos;
    return pattern.exec(this.query)?.[0] ?? '';
  }

  #take(type: TokenType): Token {
    this.#pos += type.length;
    return this.#emit(type);
  }

  #emit(type: TokenType): Token {
    const token = {
      type,
      text: this.query.slice(this.#start, this.#pos),
      start: this.#start,
      end: this.#pos,
    };
    this.#start = this.#pos;
    return token;
  }

  #fail(message: string, ahead = 0): never {
    throw new ParseError(`${positionText(this.query, this.#start + ahead)}: parse error: ${message}`);
  }
}
