/**
 * An append-only byte buffer that grows by doubling and is reused by `reset`.
 * Unsigned varints are LEB128, signed ones zigzag first; both take any integer within ±2^53.
 */
export class ByteWriter {
  bytes: Uint8Array;
  length = 0;
  #view: DataView;

  constructor(capacity = 1024) {
    this.bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.bytes.buffer);
  }

  reset(): void {
    this.length = 0;
  }

  /** Makes room for `more` bytes; the `put…` methods below that say so rely on the caller having done it. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    this.#view.setUint32(this.length, value, true);
    this.length += 4;
  }

  f64(value: number): void {
    this.reserve(8);
    this.#view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  uvarint(value: number): void {
    this.reserve(8);
    const bytes = this.bytes;
    let at = this.length;
    while (value > 0x7fffffff) {
      bytes[at++] = (value % 128) | 0x80;
      value = Math.floor(value / 128);
    }
    while (value > 0x7f) {
      bytes[at++] = (value & 0x7f) | 0x80;
      value >>>= 7;
    }
    bytes[at++] = value;
    this.length = at;
  }

  varint(value: number): void {
    // Zigzag in doubles loses the top bit beyond 2^52, so the sign travels in the first byte instead.
    const negative = value < 0 ? 1 : 0;
    let magnitude = negative ? -(value + 1) : value;
    this.reserve(9);
    const bytes = this.bytes;
    let at = this.length;
    const first = ((magnitude % 64) << 1) | negative;
    magnitude = magnitude > 0x7fffffff ? Math.floor(magnitude / 64) : magnitude >>> 6;
    if (magnitude === 0) {
      bytes[at] = first;
      this.length = at + 1;
      return;
    }
    bytes[at++] = first | 0x80;
    this.length = at;
    this.uvarint(magnitude);
  }

  /** Copies `source[start, end)`. */
  raw(source: Uint8Array, start = 0, end = source.length): void {
    const count = end - start;
    this.reserve(count);
    if (count <= 32) {
      for (let i = start, at = this.length; i < end; i++, at++) this.bytes[at] = source[i];
    } else {
      this.bytes.set(source.subarray(start, end), this.length);
    }
    this.length += count;
  }

  /** Byte length as uvarint, then UTF-8. */
  string(text: string): void {
    const bytes = Buffer.from(text, 'utf8');
    this.uvarint(bytes.length);
    this.raw(bytes);
  }

  /** A copy of what was written, alone in its ArrayBuffer, fit to be transferred. */
  take(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length) as Uint8Array<ArrayBuffer>;
  }

  /** What was written, as a view that the next write may change. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }
}
