import { type BitBuffer, type ByteReader, DecodeError, getBits } from '@xscaler/encoding';

/*
 * Integers within ±2^53, packed in blocks so that one outlier widens its neighbours only:
 *
 *   packed := block …                       128 integers each, what is left in the last
 *   block  := width u8, base varint, bits   each integer less `base` in `width` (0…32) bits, lowest bit first
 *
 * Frame of reference (Goldstein et al., ICDE 1998). Written by packed-writer.ts.
 */
export const BLOCK = 128;
export const MAX_WIDTH = 32;

/** What packed integers stand for: each p for (offset + factor × p) / divisor. */
export interface Scale {
  readonly offset: number;
  readonly factor: number;
  readonly divisor: number;
}

/** Packed integers that stand. */
export const UNSCALED: Scale = { offset: 0, factor: 1, divisor: 1 };

/**
 * Numbers that hot loops take a round. `dst` has room for ROUND - 1 more than are asked for, which may be
 * written to: a second loop for what is left over makes V8 spend half as long again on the first.
 */
export const ROUND = 4;

const TERM_FIRST = 0;
const TERM_SLOPE = 1;
const TERM_FACTOR = 2;
const TERM_DIVISOR = 3;
const TERMS = 4;

/** Bits that are there whole in four bytes which begin less than a byte before them. */
const MAX_FAST_WIDTH = 25;
/** Bits of which a block's sum fits 31. */
const MAX_FAST_SUM_WIDTH = 24;
/** What goes into a sum stays below it, so that every step of it is exact. */
const MAX_FAST_SUM = 2 ** 52;

/** Reads packed integers out of `bits`, which has the reader's bytes from its byte `origin` on. */
export class PackedReader {
  /** What a hot loop starts from and ends with: numbers as arguments would be allocated, for each block anew. */
  readonly #terms = new Float64Array(TERMS);

  /**
   * Reads `count` integers, scaled, into `dst` from `at` on.
   * @throws DecodeError
   */
  read(
    reader: ByteReader,
    bits: BitBuffer,
    origin: number,
    dst: Float64Array,
    at: number,
    count: number,
    { offset, factor, divisor }: Scale,
  ): void {
    const terms = this.#terms;
    for (let from = 0; from < count; from += BLOCK) {
      const size = Math.min(BLOCK, count - from);
      const width = readWidth(reader);
      const first = offset + factor * reader.varint();
      const bit = (reader.position - origin) * 8;
      reader.skip((size * width + 7) >>> 3);
      const to = at + from;
      if (width <= MAX_FAST_WIDTH) {
        terms[TERM_FIRST] = first;
        terms[TERM_FACTOR] = factor;
        terms[TERM_DIVISOR] = divisor;
        unpack(bits.view, bit, width, terms, dst, to, size);
      } else {
        for (let i = 0; i < size; i++)
          dst[to + i] = (first + factor * packedAt(bits, bit, width, i)) / divisor;
      }
    }
  }

  /**
   * As `read`, of differences, which are offset + factor × p: into `dst` from `at` on goes `first` plus the first of
   * them, that plus the second, and so on, each divided. Returns the least that a difference can be.
   * @throws DecodeError
   */
  readSums(
    reader: ByteReader,
    bits: BitBuffer,
    origin: number,
    dst: Float64Array,
    at: number,
    count: number,
    first: number,
    { offset, factor, divisor }: Scale,
  ): number {
    const terms = this.#terms;
    let sum = first;
    let least = Number.POSITIVE_INFINITY;
    for (let from = 0; from < count; from += BLOCK) {
      const size = Math.min(BLOCK, count - from);
      const width = readWidth(reader);
      const slope = offset + factor * reader.varint();
      if (slope < least) least = slope;
      const bit = (reader.position - origin) * 8;
      reader.skip((size * width + 7) >>> 3);
      const to = at + from;
      const reach = Math.abs(sum) + size * (Math.abs(slope) + factor * 2 ** width);
      if (width <= MAX_FAST_SUM_WIDTH && reach < MAX_FAST_SUM) {
        terms[TERM_FIRST] = sum;
        terms[TERM_SLOPE] = slope;
        terms[TERM_FACTOR] = factor;
        terms[TERM_DIVISOR] = divisor;
        unpackSums(bits.view, bit, width, terms, dst, to, size);
        sum = terms[TERM_FIRST];
      } else {
        for (let i = 0; i < size; i++) {
          sum += slope + factor * packedAt(bits, bit, width, i);
          dst[to + i] = sum / divisor;
        }
      }
    }
    return least;
  }
}

function readWidth(reader: ByteReader): number {
  const width = reader.u8();
  if (width > MAX_WIDTH) throw new DecodeError('packed integers: an impossible width');
  return width;
}

/** Number i of those packed from `bit` on. */
function packedAt(bits: BitBuffer, bit: number, width: number, i: number): number {
  return width === 0 ? 0 : getBits(bits.words, bit + i * width, width) >>> 0;
}

/**
 * A hot loop, four integers a round, each by one load of four bytes that have all of it. A division costs next to
 * nothing beside that, since four are under way at once.
 */
function unpack(
  view: DataView,
  bit: number,
  width: number,
  terms: Float64Array,
  dst: Float64Array,
  at: number,
  count: number,
): void {
  const first = terms[TERM_FIRST];
  const factor = terms[TERM_FACTOR];
  const divisor = terms[TERM_DIVISOR];
  const mask = (1 << width) - 1;
  const end = at + count;
  for (let i = at; i < end; i += ROUND) {
    const bit1 = (bit + width) | 0;
    const bit2 = (bit1 + width) | 0;
    const bit3 = (bit2 + width) | 0;
    dst[i] = (first + factor * ((view.getInt32(bit >>> 3, true) >>> (bit & 7)) & mask)) / divisor;
    dst[i + 1] = (first + factor * ((view.getInt32(bit1 >>> 3, true) >>> (bit1 & 7)) & mask)) / divisor;
    dst[i + 2] = (first + factor * ((view.getInt32(bit2 >>> 3, true) >>> (bit2 & 7)) & mask)) / divisor;
    dst[i + 3] = (first + factor * ((view.getInt32(bit3 >>> 3, true) >>> (bit3 & 7)) & mask)) / divisor;
    bit = (bit3 + width) | 0;
  }
}

/**
 * The other hot loop, which adds up as it goes: what was packed as small integers, the rest, a straight line, beside it,
 * since a sum of doubles takes four times as long to go on from. The sum behind
 * whole rounds becomes the first term.
 */
function unpackSums(
  view: DataView,
  bit: number,
  width: number,
  terms: Float64Array,
  dst: Float64Array,
  at: number,
  count: number,
): void {
  const slope = terms[TERM_SLOPE];
  const factor = terms[TERM_FACTOR];
  const divisor = terms[TERM_DIVISOR];
  const mask = (1 << width) - 1;
  const end = at + count;
  const slope2 = 2 * slope;
  const slope3 = 3 * slope;
  const slope4 = 4 * slope;
  let line = terms[TERM_FIRST];
  let sum = 0;
  for (let i = at; i < end; i += ROUND) {
    const bit1 = (bit + width) | 0;
    const bit2 = (bit1 + width) | 0;
    const bit3 = (bit2 + width) | 0;
    const sum0 = (sum + ((view.getInt32(bit >>> 3, true) >>> (bit & 7)) & mask)) | 0;
    const sum1 = (sum0 + ((view.getInt32(bit1 >>> 3, true) >>> (bit1 & 7)) & mask)) | 0;
    const sum2 = (sum1 + ((view.getInt32(bit2 >>> 3, true) >>> (bit2 & 7)) & mask)) | 0;
    sum = (sum2 + ((view.getInt32(bit3 >>> 3, true) >>> (bit3 & 7)) & mask)) | 0;
    dst[i] = (line + slope + factor * sum0) / divisor;
    dst[i + 1] = (line + slope2 + factor * sum1) / divisor;
    dst[i + 2] = (line + slope3 + factor * sum2) / divisor;
    line += slope4;
    dst[i + 3] = (line + factor * sum) / divisor;
    bit = (bit3 + width) | 0;
  }
  terms[TERM_FIRST] = line + factor * sum;
}
