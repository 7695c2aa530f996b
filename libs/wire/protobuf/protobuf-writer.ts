import type { ByteWriter } from '@xscaler/encoding';

/*
 * What encoders of protobuf messages share. Plain code: requests are encoded for tests and for the server's own metrics.
 */

/** A length-delimited field; `tag` is one below 2^14. */
export function writeMessage(to: ByteWriter, tag: number, message: ByteWriter): void {
  to.uvarint(tag);
  to.uvarint(message.length);
  to.raw(message.bytes, 0, message.length);
}

/** Any 64-bit integer that a double can hold, negative ones in ten bytes like protobuf. */
export function writeInt64(to: ByteWriter, value: number | bigint): void {
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) to.u8(Number(rest & 0x7fn) | 0x80);
  to.u8(Number(rest));
}

/** A signed integer in zigzag form (`sint32`, `sint64`). */
export function writeSint64(to: ByteWriter, value: number): void {
  const wide = BigInt(value);
  writeInt64(to, wide < 0n ? -2n * wide - 1n : 2n * wide);
}

/** The 64 bits of each value as two words: low, high. */
export function doubleWords(values: readonly number[] | Float64Array): Uint32Array {
  const doubles = values instanceof Float64Array ? values : Float64Array.from(values);
  return new Uint32Array(doubles.buffer, doubles.byteOffset, 2 * doubles.length);
}
