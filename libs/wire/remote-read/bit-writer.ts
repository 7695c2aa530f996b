import { doubleWords } from '../protobuf/protobuf-writer.ts';

/** A stream of bits, the highest of each byte first, that grows as needed and is reused by `reset`. */
export class BitWriter {
  #bytes = new Uint8Array(256);
  #bits = 0;

  reset(): void {
    this.#bytes.fill(0, 0, (this.#bits + 7) >>> 3);
    this.#bits = 0;
  }

  get byteLength(): number {
    return (this.#bits + 7) >>> 3;
  }

  /** The lowest `count` bits (1…32) of a number, which may be negative. */
  bits(value: number, count: number): void {
    if (this.#bits + count > this.#bytes.length * 8) this.#grow();
    for (let left = count; left > 0; ) {
      const room = 8 - (this.#bits & 7);
      const take = Math.min(room, left);
      left -= take;
      this.#bytes[this.#bits >>> 3] |= ((value >>> left) & ((1 << take) - 1)) << (room - take);
      this.#bits += take;
    }
  }

  /** The lowest `count` bits (1…64) of a number of two words. */
  words(high: number, low: number, count: number): void {
    if (count > 32) this.bits(high, count - 32);
    this.bits(low, Math.min(count, 32));
  }

  double(value: number): void {
    const [low, high] = doubleWords([value]);
    this.words(high, low, 64);
  }

  /** Little-endian base 128. Any whole number from 0 to 2^53. */
  uvarint(value: number): void {
    let rest = value;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) this.bits((rest % 128) | 0x80, 8);
    this.bits(rest, 8);
  }

  /** As `uvarint`, of the zigzag form: 0, -1, 1, -2, … are 0, 1, 2, 3, … Any whole number within ±2^52. */
  varint(value: number): void {
    this.uvarint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** What was written, zeros up to a whole byte: a view that the next write may change. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.byteLength);
  }

  #grow(): void {
    const grown = new Uint8Array(this.#bytes.length * 2);
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}
