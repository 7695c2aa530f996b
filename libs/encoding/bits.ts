/*
 * Bit streams on 32-bit words: bit 0 of the stream is the lowest bit of word 0, bit 32 the lowest of word 1.
 * On a little-endian machine (every one that Node runs on in practice) the words' bytes, in memory order, are
 * the same stream with bit 8 as the lowest bit of byte 1, so a stream of n bits is its first ⌈n/8⌉ bytes.
 */

/**
 * Writes the lowest `count` bits (1…32) of `value`, whose higher bits are zero, at bit `at`; the position after.
 * A word is assigned when its first bit is written, so the words need not be cleared before.
 */
export function putBits(words: Int32Array, at: number, value: number, count: number): number {
  const index = at >>> 5;
  const used = at & 31;
  if (used === 0) words[index] = value;
  else {
    words[index] |= value << used;
    if (used + count > 32) words[index + 1] = value >>> (32 - used);
  }
  return at + count;
}

/** `count` bits (1…32) from bit `at`; 32 of them come as a signed number. */
export function getBits(words: Int32Array, at: number, count: number): number {
  const index = at >>> 5;
  const used = at & 31;
  let value = words[index] >>> used;
  if (used + count > 32) value |= words[index + 1] << (32 - used);
  return value & (-1 >>> (32 - count));
}

/** Zeros below the lowest set bit of a word other than 0. */
export function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/** Maps 0, -1, 1, -2, … to 0, 1, 2, 3, …; both 32 bits, the result to be read as unsigned. */
export function zigzag32(value: number): number {
  return (value << 1) ^ (value >> 31);
}

export function unzigzag32(code: number): number {
  return (code >>> 1) ^ -(code & 1);
}

/**
 * A word-aligned copy of a bit stream that arrived as bytes, followed by zeros to read past its end into,
 * so that a decoder needs to look for the end only once. Reused from stream to stream.
 */
export class BitBuffer {
  words = new Int32Array(256);
  /** Of the same bytes. */
  view = new DataView(this.words.buffer);
  #bytes = new Uint8Array(this.words.buffer);

  /** Loads `source[start, end)` followed by at least `slackWords` zero words. */
  load(source: Uint8Array, start: number, end: number, slackWords = 8): void {
    const length = end - start;
    const wordsNeeded = ((length + 3) >>> 2) + slackWords;
    if (wordsNeeded > this.words.length) {
      this.words = new Int32Array(Math.max(wordsNeeded, this.words.length * 2));
      this.view = new DataView(this.words.buffer);
      this.#bytes = new Uint8Array(this.words.buffer);
    }
    const bytes = this.#bytes;
    if (length <= 48) for (let i = 0; i < length; i++) bytes[i] = source[start + i];
    else bytes.set(source.subarray(start, end));
    bytes.fill(0, length, wordsNeeded * 4);
  }
}
