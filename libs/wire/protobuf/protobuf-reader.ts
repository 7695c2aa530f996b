import { DecodeError } from '@xscaler/encoding';

export const WIRE_VARINT = 0;
export const WIRE_FIXED64 = 1;
export const WIRE_BYTES = 2;
const WIRE_GROUP_START = 3;
const WIRE_GROUP_END = 4;
const WIRE_FIXED32 = 5;

const MAX_GROUP_DEPTH = 32;

/**
 * A cursor over protobuf's wire format (protobuf.dev, "Encoding"). Nothing reads beyond `end`;
 * a caller that enters a nested message sets `end` to its end and puts it back afterwards.
 */
export class ProtobufReader {
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  position = 0;
  end = 0;

  reset(bytes: Uint8Array, start = 0, end = bytes.length): void {
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.position = start;
    this.end = end;
  }

  /** Lets go of the bytes, so that a reader that lives longer than a request doesn't keep its body. */
  release(): void {
    this.reset(new Uint8Array(0));
  }

  /** Field number × 8 + wire type. */
  tag(): number {
    const tag = this.uint32();
    if (tag < 8) throw new DecodeError('field number 0');
    return tag;
  }

  /** A varint below 2^32. */
  uint32(): number {
    const bytes = this.bytes;
    let at = this.position;
    let value = 0;
    for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
      if (at >= this.end) throw new DecodeError('cut short inside a varint');
      const byte = bytes[at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > 0xffffffff) break;
        this.position = at;
        return value;
      }
    }
    throw new DecodeError('a varint exceeds 32 bits');
  }

  /** The length of a length-delimited field whose content begins at `position` then. */
  length(): number {
    const length = this.uint32();
    if (length > this.end - this.position) {
      throw new DecodeError(`cut short: ${length} bytes wanted at ${this.position} of ${this.end}`);
    }
    return length;
  }

  /** A signed 64-bit varint; beyond ±2^53, where a double isn't exact, ±Infinity. */
  int64(): number {
    const bytes = this.bytes;
    let low = 0; // bits 0–27
    let middle = 0; // bits 28–55
    let high = 0; // bits 56–63
    let at = this.position;
    for (let count = 0; count < 10; count++) {
      if (at >= this.end) throw new DecodeError('cut short inside a varint');
      const byte = bytes[at++];
      const bits = byte & 0x7f;
      if (count < 4) low |= bits << (7 * count);
      else if (count < 8) middle |= bits << (7 * (count - 4));
      else high |= bits << (7 * (count - 8));
      if (byte < 0x80) {
        this.position = at;
        return signed64(low, middle, high & 0xff);
      }
    }
    throw new DecodeError('a varint exceeds 64 bits');
  }

  /** An unsigned 64-bit varint; beyond 2^53 the double nearest to it. */
  uint64(): number {
    const bytes = this.bytes;
    let at = this.position;
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      if (at >= this.end) throw new DecodeError('cut short inside a varint');
      const byte = bytes[at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.position = at;
        return value;
      }
      scale *= 128;
    }
    throw new DecodeError('a varint exceeds 64 bits');
  }

  /** A signed varint in zigzag form (`sint32`, `sint64`), as `uint64` reads it. */
  sint64(): number {
    const zigzag = this.uint64();
    return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
  }

  /** A signed 64-bit varint, exactly. For rare values: it allocates. */
  bigInt64(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.position >= this.end) throw new DecodeError('cut short inside a varint');
      const byte = this.bytes[this.position++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw new DecodeError('a varint exceeds 64 bits');
  }

  double(): number {
    return this.view.getFloat64(this.fixed64(), true);
  }

  /** A signed number of 8 bytes, as the double nearest to it. */
  signedFixed64(): number {
    const at = this.fixed64();
    return this.view.getInt32(at + 4, true) * 2 ** 32 + this.view.getUint32(at, true);
  }

  /** An unsigned number of 8 bytes, as the double nearest to it. */
  unsignedFixed64(): number {
    const at = this.fixed64();
    return this.view.getUint32(at + 4, true) * 2 ** 32 + this.view.getUint32(at, true);
  }

  /** Nanoseconds in 8 bytes as whole milliseconds, rounded down. */
  milliseconds(): number {
    const at = this.fixed64();
    const low = this.view.getUint32(at, true);
    const high = this.view.getUint32(at + 4, true);
    // 2^32 ns are 4,294 ms and 967,296 ns; the sum below is less than 2^53, and so exact.
    return high * 4294 + Math.floor((high * 967_296 + low) / 1e6);
  }

  /** Position of 8 bytes, which are skipped. */
  fixed64(): number {
    const at = this.position;
    if (this.end - at < 8) throw new DecodeError(`cut short: 8 bytes wanted at ${at} of ${this.end}`);
    this.position = at + 8;
    return at;
  }

  /** Skips the content of a field whose tag has been read. */
  skip(tag: number): void {
    switch (tag & 7) {
      case WIRE_VARINT:
        this.int64();
        return;
      case WIRE_FIXED64:
        this.fixed64();
        return;
      case WIRE_BYTES: {
        const length = this.length();
        this.position += length;
        return;
      }
      case WIRE_GROUP_START:
        this.#skipGroup(tag);
        return;
      case WIRE_FIXED32:
        if (this.end - this.position < 4) throw new DecodeError('cut short inside a 32-bit field');
        this.position += 4;
        return;
      default:
        throw new DecodeError(`wire type ${tag & 7}`);
    }
  }

  #skipGroup(startTag: number): void {
    const open = [startTag >>> 3];
    while (open.length > 0) {
      const tag = this.tag();
      if ((tag & 7) === WIRE_GROUP_START) {
        if (open.push(tag >>> 3) > MAX_GROUP_DEPTH) throw new DecodeError('groups nested too deeply');
      } else if ((tag & 7) === WIRE_GROUP_END) {
        if (open.pop() !== tag >>> 3) throw new DecodeError('a group ends that did not begin');
      } else {
        this.skip(tag);
      }
    }
  }

  /** The text of a length-delimited field; bytes that aren't UTF-8 become U+FFFD. */
  text(): string {
    const length = this.length();
    const start = this.position;
    this.position = start + length;
    return utf8Text(this.bytes, start, this.position);
  }
}

export function utf8Text(bytes: Uint8Array, start: number, end: number): string {
  return utf8Slice.call(bytes as Buffer, start, end);
}

const utf8Slice = Buffer.prototype.utf8Slice;

function signed64(low: number, middle: number, high: number): number {
  if (high < 0x80) return exact(low + middle * 2 ** 28 + high * 2 ** 56);
  return -exact((~low & 0xfffffff) + (~middle & 0xfffffff) * 2 ** 28 + (~high & 0xff) * 2 ** 56 + 1);
}

function exact(magnitude: number): number {
  return magnitude > 2 ** 53 ? Number.POSITIVE_INFINITY : magnitude;
}
