/** Bits of a stream, the highest of each byte first, as one number. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, firstByte: number) {
    this.#bytes = bytes;
    this.#at = firstByte * 8;
  }

  /** Unsigned. */
  bits(count: number): bigint {
    let value = 0n;
    for (let i = 0; i < count; i++) {
      const byte = this.#bytes[this.#at >> 3];
      if (byte === undefined) throw new Error('the chunk is cut short');
      value = (value << 1n) | BigInt((byte >> (7 - (this.#at & 7))) & 1);
      this.#at++;
    }
    return value;
  }

  uvarint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.bits(8);
      value |= (byte & 0x7fn) << shift;
      if (byte < 0x80n) return value;
    }
  }

  /** How many ones come before a zero, at most this many. */
  ones(most: number): number {
    let count = 0;
    while (count < most && this.bits(1) === 1n) count++;
    return count;
  }

  /** `count` bits of a signed number: -(2^(n-1)-1) … 2^(n-1). */
  signed(count: number): bigint {
    const value = this.bits(count);
    return value > 1n << BigInt(count - 1) ? value - (1n << BigInt(count)) : value;
  }

  /** What of the bytes is left, the byte begun included: zeros, in a whole chunk. */
  rest(): Uint8Array {
    return this.#bytes.subarray((this.#at + 7) >> 3);
  }
}
