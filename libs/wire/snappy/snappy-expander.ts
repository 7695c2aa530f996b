import { DecodeError } from '@xscaler/encoding';
import { expandedLength, expandSnappy } from './snappy-block.ts';

/** What expands to more has a buffer of its own. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;
const FIRST_BYTES = 64 * 1024;

/** Longest copy, and longest literal that is copied by words. */
const SHORT_BYTES = 64;
/** Copies by words may write this much beyond their end, and read it beyond a literal's. */
const SLACK_BYTES = 8;
/** Nearer than that a copy repeats bytes that it has just written. */
const WORD_BYTES = 4;

/*
 * A snappy block (github.com/google/snappy, format_description.txt):
 *
 *   block    := expandedLength uvarint, element …
 *   element  := tag u8 with 0 in its lowest two bits, literal      length - 1 in the upper six if below 60, else in the
 *                                                                  next 1 … 4 bytes (60 … 63), lowest first
 *             | tag u8 with 1, offset u8          length - 4 in the next three bits; offset's bits 8 … 10 in the upper three
 *             | tag u8 with 2, offset u16         length - 1 in the upper six
 *             | tag u8 with 3, offset u32         length - 1 in the upper six
 *   An offset says how far back of what was expanded so far the copy begins; it may overlap what it writes.
 */

/**
 * Expands snappy blocks into one buffer, again and again: a body that is expanded by the native library is memory of its own,
 * whose pages the system has to clear and the garbage collector to count (1.6 × the CPU of this).
 */
export class SnappyExpander {
  #bytes = Buffer.alloc(FIRST_BYTES);
  #view = viewOf(this.#bytes);

  /** As `expandSnappy`, but the result is valid until the next call only. @throws TooLargeError, DecodeError */
  expand(block: Uint8Array, maxBytes: number): Buffer {
    const length = expandedLength(block, maxBytes);
    if (length > MAX_KEPT_BYTES) return expandSnappy(block, maxBytes);
    const needed = length + SHORT_BYTES + SLACK_BYTES;
    if (needed > this.#bytes.length) {
      this.#bytes = Buffer.alloc(2 ** Math.ceil(Math.log2(needed)));
      this.#view = viewOf(this.#bytes);
    }
    if (!expandElements(block, viewOf(block), this.#bytes, this.#view, length))
      throw new DecodeError('not a snappy block');
    return this.#bytes.subarray(0, length);
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Whether the block is one and expands to `length` bytes. `dst` has room for those, a short copy and slack. */
function expandElements(
  block: Uint8Array,
  blockView: DataView,
  dst: Uint8Array,
  dstView: DataView,
  length: number,
): boolean {
  const end = block.length;
  let at = 0;
  while (block[at++] >= 0x80);
  let to = 0;
  while (at < end) {
    const tag = block[at++];
    const code = tag >>> 2;
    let size = code + 1;
    if ((tag & 3) === 0) {
      if (code >= 60) {
        const more = code - 59;
        if (at + more > end) return false;
        size = littleEndian(block, at, more) + 1;
        at += more;
      }
      if (size > length - to || size > end - at) return false;
      if (size <= SHORT_BYTES && at + SHORT_BYTES + SLACK_BYTES <= end)
        copyWords(blockView, at, dstView, to, size);
      else dst.set(block.subarray(at, at + size), to);
      at += size;
    } else {
      let offset: number;
      if ((tag & 3) === 1) {
        if (at >= end) return false;
        size = (code & 7) + 4;
        offset = ((tag >>> 5) << 8) | block[at++];
      } else {
        const offsetBytes = (tag & 3) === 2 ? 2 : 4;
        if (at + offsetBytes > end) return false;
        offset = littleEndian(block, at, offsetBytes);
        at += offsetBytes;
      }
      if (offset === 0 || offset > to || size > length - to) return false;
      if (offset >= WORD_BYTES) copyWords(dstView, to - offset, dstView, to, size);
      else for (let i = 0; i < size; i++) dst[to + i] = dst[to + i - offset];
    }
    to += size;
  }
  return to === length;
}

/** Copies `size` bytes, up to seven more, from the first to the last. */
function copyWords(source: DataView, from: number, target: DataView, to: number, size: number): void {
  for (let i = 0; i < size; i += 2 * WORD_BYTES) {
    target.setInt32(to + i, source.getInt32(from + i, true), true);
    target.setInt32(to + i + WORD_BYTES, source.getInt32(from + i + WORD_BYTES, true), true);
  }
}

function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  let number = 0;
  for (let i = 0; i < count; i++) number |= bytes[at + i] << (8 * i);
  return number >>> 0;
}
