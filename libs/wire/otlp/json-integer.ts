import { type ByteWriter, DecodeError } from '@xscaler/encoding';
import { isNumberStart, type JsonCursor, QUOTE } from './json-cursor.ts';

const MINUS = 0x2d;
const ZERO = 0x30;
const WORD = 2 ** 32;
/** Digits that are taken at a time: a number of seven is below 2^24. */
const CHUNK = 7;
const CHUNK_VALUE = 1e7;

/** A 64-bit integer as two words, read of a JSON text without making a number or a BigInt of it. */
export class JsonInteger {
  /** The magnitude's words, unsigned. */
  low = 0;
  high = 0;
  isNegative = false;

  /**
   * Reads an integer, written as a number or as a string.
   * @param isTime whether it is a time in nanoseconds: written with an exponent it was rounded
   * @throws DecodeError if something else stands there, or the magnitude takes more than 64 bits
   */
  read(cursor: JsonCursor, name: string, isTime: boolean): void {
    const next = cursor.peek();
    if (next === QUOTE) {
      cursor.string();
      if (!this.#take(cursor)) refuse(name);
      return;
    }
    if (!isNumberStart(next)) refuse(name);
    cursor.number();
    if (cursor.isInteger ? this.#take(cursor) : this.#takeRounded(cursor.double(), isTime)) return;
    refuse(name);
  }

  /** @throws DecodeError unless it is 0 or more, with an upper word of at most `maxHigh` */
  expectUnsigned(name: string, maxHigh: number): void {
    const { low, high, isNegative } = this;
    if (high > maxHigh || (isNegative && (low !== 0 || high !== 0))) refuse(name);
  }

  /** @throws DecodeError unless it is within −`max` − 1 and `max`, which is 2^31 − 1 or 2^63 − 1, as words */
  expectSigned(name: string, maxHigh: number, maxLow: number): void {
    const { low, high } = this;
    if (high < maxHigh || (high === maxHigh && low <= maxLow)) return;
    const isLeast = maxHigh === 0 ? high === 0 && low === maxLow + 1 : high === maxHigh + 1 && low === 0;
    if (!this.isNegative || !isLeast) refuse(name);
  }

  /** Writes the integer's 64 bits, a negative one's as two's complement. */
  writeFixed(to: ByteWriter): void {
    to.u32(this.#signedLow());
    to.u32(this.#signedHigh());
  }

  /** Writes it as a varint, a negative one in ten bytes like protobuf. */
  writeVarint(to: ByteWriter): void {
    let low = this.#signedLow();
    let high = this.#signedHigh();
    while (high !== 0 || low > 0x7f) {
      to.u8((low & 0x7f) | 0x80);
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    to.u8(low);
  }

  /** Writes it in zigzag form, if it is within 32 bits. */
  writeZigzag(to: ByteWriter): void {
    to.uvarint(this.isNegative ? Math.max(0, 2 * this.low - 1) : 2 * this.low);
  }

  #signedLow(): number {
    return this.isNegative ? -this.low >>> 0 : this.low;
  }

  #signedHigh(): number {
    if (!this.isNegative) return this.high;
    return (~this.high + (this.low === 0 ? 1 : 0)) >>> 0;
  }

  /** Of the digits that the cursor read last. */
  #take(cursor: JsonCursor): boolean {
    const { bytes, end } = cursor;
    let at = cursor.start;
    this.isNegative = bytes[at] === MINUS;
    if (this.isNegative) at++;
    const digits = end - at;
    if (digits < 1 || digits > 20) return false;
    // The last seven digits, and the others before them, below 10^13.
    let head = 0;
    for (const headEnd = end - CHUNK; at < headEnd; at++) {
      const digit = bytes[at] - ZERO;
      if (digit < 0 || digit > 9) return false;
      head = 10 * head + digit;
    }
    let tail = 0;
    for (; at < end; at++) {
      const digit = bytes[at] - ZERO;
      if (digit < 0 || digit > 9) return false;
      tail = 10 * tail + digit;
    }
    // Each product is below 2^53: of the head's upper bits, and of its lower 24.
    const lower = (head % 0x1000000) * CHUNK_VALUE + tail;
    const upper = Math.floor(head / 0x1000000) * CHUNK_VALUE;
    const sum = (upper % 0x100) * 0x1000000 + lower;
    const high = Math.floor(upper / 0x100) + Math.floor(sum / WORD);
    this.low = sum % WORD;
    this.high = high;
    return high < WORD;
  }

  /** A number with a fraction or an exponent. */
  #takeRounded(value: number, isTime: boolean): boolean {
    if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 64) return false;
    let integer = BigInt(Math.abs(value));
    // What was a whole number of microseconds is one again, so that it doesn't fall into the millisecond before.
    if (isTime && value > Number.MAX_SAFE_INTEGER) integer = ((integer + 500n) / 1000n) * 1000n;
    this.isNegative = value < 0;
    this.low = Number(integer & 0xffffffffn);
    this.high = Number(integer >> 32n);
    return this.high < WORD;
  }
}

function refuse(name: string): never {
  throw new DecodeError(`${name} is not an integer within its bounds`);
}
