import { type ByteWriter, DecodeError } from '@xscaler/encoding';

export const QUOTE = 0x22;
export const COLON = 0x3a;
export const COMMA = 0x2c;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;
export const OPEN_ARRAY = 0x5b;
export const CLOSE_ARRAY = 0x5d;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

/** Unknown values may be nested so deeply. */
const MAX_SKIPPED_DEPTH = 64;

/** Characters that may stand behind a backslash. */
const ESCAPES: ReadonlySet<number> = new Set([...`"\\/bfnrt`].map((letter) => letter.charCodeAt(0)));

/**
 * A place in a JSON text (RFC 8259) that is known to be UTF-8. Tokens are looked at where they are: no string or object
 * is made of what is only passed over.
 */
export class JsonCursor {
  readonly bytes: Uint8Array;
  position = 0;

  /** The string or number that was read last: `bytes[start, end)`, without quotes. */
  start = 0;
  end = 0;
  /** Whether that string has escapes. */
  isEscaped = false;
  /** A hash of that string's bytes, if `key` read it. */
  hash = 0;
  /** Whether that number has neither a fraction nor an exponent. */
  isInteger = false;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** The next byte that isn't white space, which it stands on then; −1 at the end. */
  peek(): number {
    const { bytes } = this;
    let at = this.position;
    while (at < bytes.length && isSpace(bytes[at])) at++;
    this.position = at;
    return at < bytes.length ? bytes[at] : -1;
  }

  /** Passes over `byte` if that comes next. */
  take(byte: number): boolean {
    if (this.peek() !== byte) return false;
    this.position++;
    return true;
  }

  /** @throws DecodeError if something else comes next */
  expect(byte: number): void {
    if (!this.take(byte)) this.fail();
  }

  /** What comes next can't be. */
  fail(): never {
    const { bytes, position } = this;
    if (position >= bytes.length) throw new DecodeError('not JSON: it ends too early');
    const found = JSON.stringify(String.fromCharCode(bytes[position]));
    throw new DecodeError(`not JSON: ${found} at byte ${position}`);
  }

  /** Reads a member's name and the colon behind it. */
  key(): void {
    this.expect(QUOTE);
    const { bytes } = this;
    let hash = 0;
    let at = this.position;
    this.start = at;
    this.isEscaped = false;
    for (; at < bytes.length && bytes[at] !== QUOTE; at++) {
      if (bytes[at] < 0x20) break;
      if (bytes[at] === BACKSLASH) {
        this.position = at;
        this.#escapedString();
        this.expect(COLON);
        return;
      }
      hash = (Math.imul(hash, 31) + bytes[at]) | 0;
    }
    this.hash = hash;
    this.end = at;
    this.position = at;
    if (at >= bytes.length || bytes[at] !== QUOTE) this.fail();
    this.position++;
    this.expect(COLON);
  }

  /** Reads a string. */
  string(): void {
    this.expect(QUOTE);
    const { bytes } = this;
    let at = this.position;
    this.start = at;
    this.isEscaped = false;
    while (at < bytes.length && bytes[at] !== QUOTE && bytes[at] !== BACKSLASH && bytes[at] >= 0x20) at++;
    this.end = at;
    this.position = at;
    if (bytes[at] === BACKSLASH) this.#escapedString();
    else if (at >= bytes.length || bytes[at] !== QUOTE) this.fail();
    else this.position++;
  }

  /** Reads a number. */
  number(): void {
    const { bytes } = this;
    this.start = this.position;
    this.isInteger = true;
    let at = this.position;
    if (bytes[at] === MINUS) at++;
    const firstDigit = at;
    at = this.#digits(at);
    if (bytes[firstDigit] === ZERO && at > firstDigit + 1) {
      this.position = firstDigit + 1;
      this.fail();
    }
    if (bytes[at] === 0x2e) {
      this.isInteger = false;
      at = this.#digits(at + 1);
    }
    if ((bytes[at] | 0x20) === 0x65) {
      this.isInteger = false;
      at++;
      if (bytes[at] === MINUS || bytes[at] === 0x2b) at++;
      at = this.#digits(at);
    }
    this.end = at;
    this.position = at;
  }

  /** Whether `word` (true, false, null) comes next: then it is passed over. */
  literal(word: string): boolean {
    const { bytes } = this;
    let at = this.position;
    for (let i = 0; i < word.length; i++, at++) if (bytes[at] !== word.charCodeAt(i)) return false;
    this.position = at;
    return true;
  }

  /** Passes over a value of any kind. */
  skip(depth = 0): void {
    if (depth > MAX_SKIPPED_DEPTH) throw new DecodeError('nested too deeply');
    const next = this.peek();
    if (next === QUOTE) this.string();
    else if (next === OPEN_OBJECT) {
      this.position++;
      if (this.take(CLOSE_OBJECT)) return;
      do {
        this.key();
        this.skip(depth + 1);
      } while (this.take(COMMA));
      this.expect(CLOSE_OBJECT);
    } else if (next === OPEN_ARRAY) {
      this.position++;
      if (this.take(CLOSE_ARRAY)) return;
      do this.skip(depth + 1);
      while (this.take(COMMA));
      this.expect(CLOSE_ARRAY);
    } else if (isNumberStart(next)) this.number();
    else if (!this.literal('true') && !this.literal('false') && !this.literal('null')) this.fail();
  }

  /** The string that was read last. */
  text(): string {
    const { bytes, start, end } = this;
    const raw = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
    return this.isEscaped ? (JSON.parse(`"${raw}"`) as string) : raw;
  }

  /** Writes that string's length and bytes, as protobuf has strings. */
  writeText(to: ByteWriter): void {
    if (this.isEscaped) {
      to.string(this.text());
      return;
    }
    to.uvarint(this.end - this.start);
    to.raw(this.bytes, this.start, this.end);
  }

  /** The number that was read last, or that the string read last has; NaN if it has none. */
  double(): number {
    const { bytes, start, end } = this;
    if (this.isInteger && end - start < 16) {
      let value = 0;
      const first = bytes[start] === MINUS ? start + 1 : start;
      for (let at = first; at < end; at++) value = 10 * value + bytes[at] - ZERO;
      return first > start ? -value : value;
    }
    return Number(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1'));
  }

  #digits(from: number): number {
    const { bytes } = this;
    let at = from;
    while (bytes[at] >= ZERO && bytes[at] <= NINE) at++;
    this.position = at;
    if (at === from) this.fail();
    return at;
  }

  /** Goes on in a string from its first backslash. */
  #escapedString(): void {
    const { bytes } = this;
    this.isEscaped = true;
    let at = this.position;
    while (at < bytes.length && bytes[at] !== QUOTE && bytes[at] >= 0x20) {
      at += bytes[at] === BACKSLASH ? this.#escapeLength(at) : 1;
    }
    this.end = at;
    this.position = at;
    if (at >= bytes.length || bytes[at] !== QUOTE) this.fail();
    this.position++;
  }

  #escapeLength(at: number): number {
    const { bytes } = this;
    if (ESCAPES.has(bytes[at + 1])) return 2;
    this.position = at;
    if (bytes[at + 1] !== 0x75) this.fail();
    for (let i = at + 2; i < at + 6; i++) if (!(hexDigit(bytes[i]) >= 0)) this.fail();
    return 6;
  }
}

export function isNumberStart(byte: number): boolean {
  return byte === MINUS || (byte >= ZERO && byte <= NINE);
}

/** The value of a hexadecimal digit, −1 for other bytes. */
export function hexDigit(byte: number): number {
  if (byte >= ZERO && byte <= NINE) return byte - ZERO;
  const letter = (byte | 0x20) - 0x61;
  return letter >= 0 && letter < 6 ? letter + 10 : -1;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
