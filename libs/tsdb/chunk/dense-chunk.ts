import type { ByteWriter } from '@xscaler/encoding';
import type { SampleColumns } from '@xscaler/model';
import { PackedWriter } from './packed-writer.ts';

/*
 * The dense codec, of blocks and of heads' closed chunks, for values that are decimals of few digits, as nearly all metrics are.
 * What it can't tell exactly goes to the XOR codec.
 *
 *   chunk  := modes u8 (times + values), times, values
 *   times  := nothing                        TIMES_GRID: equally spaced from the chunk's first time to its last
 *           | (delta uvarint, run uvarint) … TIMES_RUNS: `run` equal differences each, all of them together
 *           | packed                         TIMES_PACKED: each difference (packed-integers.ts)
 *   values := value64                        VALUES_EQUAL: all have these bits
 *           | exponent u8, packed            VALUES_PLAIN: value = integer / 10^exponent
 *           | exponent u8, first varint, packed      VALUES_DELTA: the same, integers by their differences
 *           | exponent u8, factor uvarint, offset varint, packed
 *                                            VALUES_PLAIN_SCALED: integer = offset + factor × what is packed
 *           | exponent u8, factor uvarint, first varint, offset varint, packed
 *                                            VALUES_DELTA_SCALED: the same of the differences
 *
 * Scaled are integers, or their differences, that are apart by multiples: bytes in pages, seconds in quarters.
 */
export const TIMES_GRID = 0;
export const TIMES_RUNS = 1;
export const TIMES_PACKED = 2;
export const TIMES_MASK = 3;
export const VALUES_EQUAL = 0 << 2;
export const VALUES_PLAIN = 1 << 2;
export const VALUES_DELTA = 2 << 2;
export const VALUES_PLAIN_SCALED = 3 << 2;
export const VALUES_DELTA_SCALED = 4 << 2;

/** Powers of ten that a double holds exactly go to 22; more digits than 15 no decimal can have here anyway. */
export const MAX_EXPONENT = 15;
export const POWERS_OF_TEN = Float64Array.from({ length: MAX_EXPONENT + 1 }, (_, i) => Number(`1e${i}`));
/**
 * Integers stay far enough below 2^53 that value × 10^exponent rounds to the right one: what is a decimal of one exponent is
 * one of every greater exponent too, as long as it stays within.
 */
const MAX_INTEGER = 2 ** 50;
/** Added and taken off again it rounds doubles up to 2^51: where Math.round differs, which is at halves, neither is a decimal. */
const ROUNDER = 1.5 * 2 ** 52;

/** Most samples of a chunk that `DenseWriter` takes. */
const MAX_SAMPLES = 1024;
/** Fewer decimals in a row, with something else behind them, are not worth a chunk of their own. */
const MIN_RUN = 16;

const MAX_WORD = 0x7fffffff;

/** What it takes, about, to tell a first integer, or a factor and an offset. */
const FIRST_BYTES = 4;
const SCALE_BYTES = 5;

/** Writes dense chunks; its buffers are reused. */
export class DenseWriter {
  readonly #integers = new Float64Array(MAX_SAMPLES);
  /** Of the integers. */
  #exponent = 0;
  readonly #deltas = new Float64Array(MAX_SAMPLES);
  readonly #timeDeltas = new Float64Array(MAX_SAMPLES);
  readonly #plain = new PackedWriter();
  readonly #differences = new PackedWriter();
  readonly #times = new PackedWriter();

  /** Appends a chunk of the samples `from` … `to` (exclusive, or earlier); the index behind its last, or `from` if the values don't suit. */
  write(dst: ByteWriter, columns: SampleColumns, from: number, to: number): number {
    const most = Math.min(to, from + MAX_SAMPLES);
    const equal = equalRun(columns, from, most);
    if (equal === most || equal - from >= MIN_RUN) {
      this.#writeEqual(dst, columns, from, equal);
      return equal;
    }
    const end = this.#makeIntegers(columns, from, most);
    if (end === from || (end < most && end - from < MIN_RUN)) return from;
    return this.#writeIntegers(dst, columns, from, end) ? end : from;
  }

  /** Appends a chunk of all samples, MAX_SAMPLES at most; false, with nothing written, if they don't suit all. */
  writeWhole(dst: ByteWriter, columns: SampleColumns): boolean {
    const count = columns.length;
    if (equalRun(columns, 0, count) === count) {
      this.#writeEqual(dst, columns, 0, count);
      return true;
    }
    return this.#makeIntegers(columns, 0, count) === count && this.#writeIntegers(dst, columns, 0, count);
  }

  #writeEqual(dst: ByteWriter, columns: SampleColumns, from: number, end: number): void {
    this.#writeTimes(dst, columns, from, end, VALUES_EQUAL);
    dst.u32(columns.valueWords[2 * from]);
    dst.u32(columns.valueWords[2 * from + 1]);
  }

  /**
   * Makes integers of values as far as they are decimals of one exponent, the least that does: NaN, infinities and -0 are
   * none. The index behind the last.
   */
  #makeIntegers(columns: SampleColumns, from: number, to: number): number {
    const { values, valueWords } = columns;
    const integers = this.#integers;
    this.#exponent = 0;
    let power = 1;
    for (let i = from; i < to; i++) {
      const value = values[i];
      let scaled = value * power;
      let integer = scaled + ROUNDER - ROUNDER;
      const isDecimal = integer / power === value && Math.abs(scaled) <= MAX_INTEGER;
      if (!isDecimal || (integer === 0 && valueWords[2 * i + 1] !== 0)) {
        if (!this.#raiseExponent(values, from, i)) return i;
        power = POWERS_OF_TEN[this.#exponent];
        scaled = value * power;
        integer = scaled + ROUNDER - ROUNDER;
      }
      integers[i - from] = integer;
    }
    return to;
  }

  /** Finds the exponent that values up to the one at `at` need; false if there is none. */
  #raiseExponent(values: Float64Array, from: number, at: number): boolean {
    const value = values[at];
    if (!Number.isFinite(value) || Object.is(value, -0)) return false;
    let greatest = 0;
    for (let i = from; i <= at; i++) greatest = Math.max(greatest, Math.abs(values[i]));
    let wanted = this.#exponent;
    let power = 1;
    do {
      wanted++;
      power = wanted > MAX_EXPONENT ? Infinity : POWERS_OF_TEN[wanted];
      if (greatest * power > MAX_INTEGER) return false;
    } while ((value * power + ROUNDER - ROUNDER) / power !== value);
    const factor = POWERS_OF_TEN[wanted - this.#exponent];
    for (let i = from; i < at; i++) this.#integers[i - from] *= factor;
    this.#exponent = wanted;
    return true;
  }

  /** Appends a chunk of samples whose integers are made; false, with nothing written, if they are too far apart. */
  #writeIntegers(dst: ByteWriter, columns: SampleColumns, from: number, end: number): boolean {
    const count = end - from;
    const integers = this.#integers;
    const deltas = this.#deltas;
    const difference = differences(integers, count, deltas);
    const deltaFactor = commonFactor(deltas, count - 1);
    // What divides all differences divides the differences of those.
    const plainFactor = deltaFactor === 1 ? 1 : greatestDivisor(deltaFactor, difference);
    this.#plain.measure(integers, count);
    this.#differences.measure(deltas, count - 1);
    const offset = plainFactor > 1 ? integers[0] : 0;
    const deltaOffset = deltaFactor > 1 ? deltas[0] : 0;
    const plainSize = this.#plain.size(offset, plainFactor) + (plainFactor > 1 ? SCALE_BYTES : 0);
    const deltaSize =
      this.#differences.size(deltaOffset, deltaFactor) + (deltaFactor > 1 ? SCALE_BYTES : 0) + FIRST_BYTES;
    if (plainSize === Infinity && deltaSize === Infinity) return false;
    const isPlain = plainSize <= deltaSize;
    const factor = isPlain ? plainFactor : deltaFactor;
    const mode = isPlain ? VALUES_PLAIN : VALUES_DELTA;
    const scaledMode = isPlain ? VALUES_PLAIN_SCALED : VALUES_DELTA_SCALED;
    this.#writeTimes(dst, columns, from, end, factor > 1 ? scaledMode : mode);
    dst.u8(this.#exponent);
    if (factor > 1) dst.uvarint(factor);
    if (!isPlain || factor > 1) dst.varint(integers[0]);
    if (isPlain) this.#plain.write(dst, integers, offset, factor);
    else {
      if (factor > 1) dst.varint(deltaOffset);
      this.#differences.write(dst, deltas, deltaOffset, factor);
    }
    return true;
  }

  /** The modes and the times. */
  #writeTimes(dst: ByteWriter, columns: SampleColumns, from: number, end: number, valueMode: number): void {
    if (isGrid(columns.timestamps, from, end)) {
      dst.u8(TIMES_GRID | valueMode);
      return;
    }
    const { timestamps } = columns;
    const deltas = this.#timeDeltas;
    const count = end - from - 1;
    let runs = 0;
    for (let i = 0; i < count; i++) {
      deltas[i] = timestamps[from + i + 1] - timestamps[from + i];
      if (i === 0 || deltas[i] !== deltas[i - 1]) runs++;
    }
    this.#times.measure(deltas, count);
    // A run takes about four bytes.
    if (runs * 4 > this.#times.size(0, 1)) {
      dst.u8(TIMES_PACKED | valueMode);
      this.#times.write(dst, deltas, 0, 1);
      return;
    }
    dst.u8(TIMES_RUNS | valueMode);
    for (let i = 0; i < count; ) {
      const first = i;
      while (i < count && deltas[i] === deltas[first]) i++;
      dst.uvarint(deltas[first]);
      dst.uvarint(i - first);
    }
  }
}

/** Whether times are equally spaced. */
function isGrid(timestamps: Float64Array, from: number, end: number): boolean {
  const delta = timestamps[from + 1] - timestamps[from];
  for (let i = from + 2; i < end; i++) if (timestamps[i] - timestamps[i - 1] !== delta) return false;
  return true;
}

/** The index behind the samples that have the same bits as the first. */
function equalRun(columns: SampleColumns, from: number, to: number): number {
  const words = columns.valueWords;
  const low = words[2 * from];
  const high = words[2 * from + 1];
  let i = from + 1;
  while (i < to && words[2 * i] === low && words[2 * i + 1] === high) i++;
  return i;
}

/** Fills in the differences of integers that follow each other; the last that isn't 0, or 0. */
function differences(integers: Float64Array, count: number, deltas: Float64Array): number {
  let last = 0;
  for (let i = 1; i < count; i++) {
    const delta = integers[i] - integers[i - 1];
    deltas[i - 1] = delta;
    if (delta !== 0) last = delta;
  }
  return last;
}

/** The greatest number that divides all differences between integers, 1 if they are all the same. */
function commonFactor(integers: Float64Array, count: number): number {
  let factor = 0;
  for (let i = 1; i < count; i++) {
    const difference = integers[i] - integers[0];
    if (difference === 0) continue;
    factor = greatestDivisor(factor, difference);
    if (factor === 1) return 1;
  }
  return factor === 0 ? 1 : factor;
}

/** Euclid's; of 0 and another it is the other. */
function greatestDivisor(a: number, b: number): number {
  let one = Math.abs(a);
  let other = Math.abs(b);
  while (other !== 0 && (one > MAX_WORD || other > MAX_WORD)) {
    const rest = one % other;
    one = other;
    other = rest;
  }
  if (other === 0) return one;
  // A remainder of words costs a fifth of one of doubles.
  let word = one | 0;
  let smaller = other | 0;
  while (smaller !== 0) {
    const rest = (word % smaller) | 0;
    word = smaller;
    smaller = rest;
  }
  return word;
}
