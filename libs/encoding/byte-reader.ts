/** The bytes are not what their grammar says: cut short, overlong or out of range. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** Reads what `ByteWriter` writes. Every read past the end throws `DecodeError`; nothing reads beyond `end`. */
export class ByteReader {
  bytes: Uint8Array;
  position: number;
  end: number;
  #lazyView: DataView | undefined;

  constructor(bytes: Uint8Array, position = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  /** Made when it is needed first: a chunk of a dozen bytes is read in less time than a view is made. */
  get #view(): DataView {
    const { bytes } = this;
    this.#lazyView ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return this.#lazyView;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  #need(count: number): number {
    const at = this.position;
    if (count > this.end - at)
      throw new DecodeError(`cut short: ${count} bytes wanted at ${at} of ${this.end}`);
    this.position = at + count;
    return at;
  }

  u8(): number {
    return this.bytes[this.#need(1)];
  }

  u32(): number {
    return this.#view.getUint32(this.#need(4), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.#need(8), true);
  }

  /** @throws DecodeError beyond 2^53 */
  uvarint(): number {
    const bytes = this.bytes;
    let at = this.position;
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count++) {
      if (at >= this.end) throw new DecodeError('cut short inside a varint');
      const byte = bytes[at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        this.position = at;
        return value;
      }
      scale *= 128;
    }
    throw new DecodeError('a varint exceeds 53 bits');
  }

  varint(): number {
    const first = this.u8();
    const negative = first & 1;
    let magnitude = (first >> 1) & 0x3f;
    if (first >= 0x80) {
      magnitude += this.uvarint() * 64;
      if (magnitude > Number.MAX_SAFE_INTEGER) throw new DecodeError('a varint exceeds 53 bits');
    }
    return negative ? -magnitude - 1 : magnitude;
  }

  /** A view of the next `count` bytes. */
  raw(count: number): Uint8Array {
    const at = this.#need(count);
    return this.bytes.subarray(at, at + count);
  }

  skip(count: number): void {
    this.#need(count);
  }

  string(): string {
    const count = this.uvarint();
    const at = this.#need(count);
    return utf8(this.bytes, at, at + count);
  }
}

function utf8(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}
