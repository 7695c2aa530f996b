import type { ByteWriter } from '@xscaler/encoding';
import { BLOCK, MAX_WIDTH } from './packed-integers.ts';

/** Writes packed integers (packed-integers.ts), whose ranges it looks for once; its buffers are reused. */
export class PackedWriter {
  /** Of each block of those measured: the least integer, and the greatest. */
  #ranges = new Float64Array(16);
  #count = 0;
  readonly #words = new Int32Array(BLOCK);
  readonly #bytes = new Uint8Array(this.#words.buffer);

  /** Gets to know `integers[0, count)`, of which `size` and `write` are told the rest. */
  measure(integers: Float64Array, count: number): void {
    const blocks = Math.ceil(count / BLOCK);
    if (blocks * 2 > this.#ranges.length) this.#ranges = new Float64Array(blocks * 2);
    const ranges = this.#ranges;
    this.#count = count;
    for (let block = 0; block < blocks; block++) {
      const to = Math.min(count, (block + 1) * BLOCK);
      let least = integers[block * BLOCK];
      let greatest = least;
      for (let i = block * BLOCK + 1; i < to; i++) {
        const integer = integers[i];
        if (integer < least) least = integer;
        if (integer > greatest) greatest = integer;
      }
      ranges[2 * block] = least;
      ranges[2 * block + 1] = greatest;
    }
  }

  /**
   * Bytes that `write` would take, nearly; Infinity if a block spans more than 32 bits. Packed is
   * (integer - offset) / factor.
   */
  size(offset: number, factor: number): number {
    const ranges = this.#ranges;
    let size = 0;
    for (let from = 0, at = 0; from < this.#count; from += BLOCK, at += 2) {
      const width = widthOf((ranges[at + 1] - ranges[at]) / factor);
      if (width > MAX_WIDTH) return Infinity;
      const bits = Math.min(BLOCK, this.#count - from) * width;
      size += 1 + varintSize((ranges[at] - offset) / factor) + ((bits + 7) >>> 3);
    }
    return size;
  }

  /** Appends the integers measured last, for which `size` is finite. */
  write(dst: ByteWriter, integers: Float64Array, offset: number, factor: number): void {
    const ranges = this.#ranges;
    for (let from = 0, at = 0; from < this.#count; from += BLOCK, at += 2) {
      const to = Math.min(this.#count, from + BLOCK);
      const least = ranges[at];
      const width = widthOf((ranges[at + 1] - least) / factor);
      dst.u8(width);
      dst.varint((least - offset) / factor);
      if (width === 0) continue;
      packBits(this.#words, integers, from, to, least, factor, width);
      dst.raw(this.#bytes, 0, ((to - from) * width + 7) >>> 3);
    }
  }
}

/** Writes how many factors each of the integers is above `least`, in `width` (1…32) bits, lowest bit first. */
function packBits(
  words: Int32Array,
  integers: Float64Array,
  from: number,
  to: number,
  least: number,
  factor: number,
  width: number,
): void {
  let at = 0;
  let word = 0;
  let used = 0;
  for (let i = from; i < to; i++) {
    const bits = ((integers[i] - least) / factor) | 0;
    word |= bits << used;
    used += width;
    if (used >= 32) {
      words[at++] = word;
      used -= 32;
      word = used === 0 ? 0 : bits >>> (width - used);
    }
  }
  if (used > 0) words[at] = word;
}

/** Bits of a number from 0 on; more than 32 if it doesn't fit 32. */
function widthOf(range: number): number {
  return range > 0xffffffff ? MAX_WIDTH + 1 : 32 - Math.clz32(range);
}

function varintSize(value: number): number {
  const twice = Math.abs(value) * 2 + 1;
  if (twice < 0x80) return 1;
  if (twice < 0x4000) return 2;
  if (twice < 0x200000) return 3;
  return 1 + Math.floor(Math.log2(twice) / 7);
}
