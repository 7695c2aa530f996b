import { type ByteReader, type ByteWriter, DecodeError, getBits, putBits } from '@xscaler/encoding';

/*
 * Integers within ±2^53, packed in blocks so that one outlier widens its neighbours only:
 *
 *   packed := block …                       128 integers each, what is left in the last
 *   block  := width u8, base varint, bits   each integer less `base` in `width` (0…32) bits, lowest bit first
 *
 * Frame of reference (Goldstein et al., ICDE 1998).
 */
const BLOCK = 128;
const MAX_WIDTH = 32;

/** Bytes that `writePacked` would take, nearly; Infinity where a block spans more than 32 bits. */
export function packedSize(integers: Float64Array, count: number): number {
  let size = 0;
  for (let from = 0; from < count; from += BLOCK) {
    const to = Math.min(count, from + BLOCK);
    const base = least(integers, from, to);
    const width = widthOf(greatest(integers, from, to) - base);
    if (width > MAX_WIDTH) return Infinity;
    size += 1 + varintSize(base) + (((to - from) * width + 7) >>> 3);
  }
  return size;
}

/** Writes `integers[0, count)`, for which `packedSize` is finite. `scratch` has BLOCK_WORDS words. */
export function writePacked(
  writer: ByteWriter,
  integers: Float64Array,
  count: number,
  scratch: Int32Array,
): void {
  const bytes = new Uint8Array(scratch.buffer, scratch.byteOffset, scratch.byteLength);
  for (let from = 0; from < count; from += BLOCK) {
    const to = Math.min(count, from + BLOCK);
    const base = least(integers, from, to);
    const width = widthOf(greatest(integers, from, to) - base);
    writer.u8(width);
    writer.varint(base);
    if (width === 0) continue;
    let bit = 0;
    for (let i = from; i < to; i++) bit = putBits(scratch, bit, (integers[i] - base) | 0, width);
    writer.raw(bytes, 0, (bit + 7) >>> 3);
  }
}

export const BLOCK_WORDS = BLOCK + 1;

/**
 * Reads `count` integers into `dst` from `at` on. `words` are the reader's bytes from its byte `origin` on, with zeros
 * behind.
 * @throws DecodeError
 */
export function readPacked(
  reader: ByteReader,
  words: Int32Array,
  origin: number,
  dst: Float64Array,
  at: number,
  count: number,
): void {
  for (let from = 0; from < count; from += BLOCK) {
    const size = Math.min(BLOCK, count - from);
    const width = readWidth(reader);
    const base = reader.varint();
    const bit = (reader.position - origin) * 8;
    reader.skip((size * width + 7) >>> 3);
    if (width === 0) dst.fill(base, at + from, at + from + size);
    else if (width < MAX_WIDTH) unpack(words, bit, width, base, dst, at + from, size);
    else for (let i = 0; i < size; i++) dst[at + from + i] = base + wide(words, bit, i);
  }
}

/**
 * As `readPacked`, of differences: into `dst` from `at` on goes `first` plus the first of them, that plus the second, and
 * so on.
 * @throws DecodeError
 */
export function readPackedSums(
  reader: ByteReader,
  words: Int32Array,
  origin: number,
  dst: Float64Array,
  at: number,
  count: number,
  first: number,
): void {
  let sum = first;
  for (let from = 0; from < count; from += BLOCK) {
    const size = Math.min(BLOCK, count - from);
    const width = readWidth(reader);
    const base = reader.varint();
    const bit = (reader.position - origin) * 8;
    reader.skip((size * width + 7) >>> 3);
    const to = at + from;
    if (width < MAX_WIDTH) sum = unpackSums(words, bit, width, base, dst, to, size, sum);
    else for (let i = 0; i < size; i++) dst[to + i] = sum += base + wide(words, bit, i);
  }
}

function readWidth(reader: ByteReader): number {
  const width = reader.u8();
  if (width > MAX_WIDTH) throw new DecodeError('packed integers: an impossible width');
  return width;
}

/** Number i of those in 32 bits each. */
function wide(words: Int32Array, bit: number, i: number): number {
  return getBits(words, bit + 32 * i, 32) >>> 0;
}

/**
 * A hot loop: widths of 1…31, so that every number is a small integer. Two that fit 32 bits are taken at once, for three
 * quarters of the time.
 */
function unpack(
  words: Int32Array,
  bit: number,
  width: number,
  base: number,
  dst: Float64Array,
  at: number,
  count: number,
): void {
  const mask = (1 << width) - 1;
  const end = at + count;
  let i = at;
  if (width <= 16) {
    for (; i + 1 < end; i += 2) {
      const index = bit >>> 5;
      const used = bit & 31;
      // Shifted in two steps, since a shift by 32 is one by 0.
      const bits = (words[index] >>> used) | ((words[index + 1] << (31 - used)) << 1);
      dst[i] = base + (bits & mask);
      dst[i + 1] = base + ((bits >>> width) & mask);
      bit += 2 * width;
    }
  }
  for (; i < end; i++) {
    const index = bit >>> 5;
    const used = bit & 31;
    dst[i] = base + (((words[index] >>> used) | ((words[index + 1] << (31 - used)) << 1)) & mask);
    bit += width;
  }
}

/** The other hot loop, which adds up as it goes; widths of 0…31. The last sum. */
function unpackSums(
  words: Int32Array,
  bit: number,
  width: number,
  base: number,
  dst: Float64Array,
  at: number,
  count: number,
  sum: number,
): number {
  const mask = (1 << width) - 1;
  const end = at + count;
  let i = at;
  if (width <= 16) {
    for (; i + 1 < end; i += 2) {
      const index = bit >>> 5;
      const used = bit & 31;
      const bits = (words[index] >>> used) | ((words[index + 1] << (31 - used)) << 1);
      const one = sum + (base + (bits & mask));
      sum = one + (base + ((bits >>> width) & mask));
      dst[i] = one;
      dst[i + 1] = sum;
      bit += 2 * width;
    }
  }
  for (; i < end; i++) {
    const index = bit >>> 5;
    const used = bit & 31;
    sum += base + (((words[index] >>> used) | ((words[index + 1] << (31 - used)) << 1)) & mask);
    dst[i] = sum;
    bit += width;
  }
  return sum;
}

function least(integers: Float64Array, from: number, to: number): number {
  let least = integers[from];
  for (let i = from + 1; i < to; i++) if (integers[i] < least) least = integers[i];
  return least;
}

function greatest(integers: Float64Array, from: number, to: number): number {
  let greatest = integers[from];
  for (let i = from + 1; i < to; i++) if (integers[i] > greatest) greatest = integers[i];
  return greatest;
}

/** Bits of a number from 0 on; more than 32 where it doesn't fit 32. */
function widthOf(range: number): number {
  return range > 0xffffffff ? MAX_WIDTH + 1 : 32 - Math.clz32(range);
}

function varintSize(value: number): number {
  return 1 + Math.floor(Math.log2(Math.abs(value) * 2 + 1) / 7);
}
