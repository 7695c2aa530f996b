import type { ByteWriter } from '@xscaler/encoding';

/** Appends a section that begins with a count. */
export function writeSection(frame: ByteWriter, tag: number, count: number, content: ByteWriter): void {
  frame.u8(tag);
  frame.uvarint(uvarintLength(count) + content.length);
  frame.uvarint(count);
  frame.raw(content.bytes, 0, content.length);
}

function uvarintLength(value: number): number {
  let length = 1;
  for (; value > 0x7f; value = Math.floor(value / 128)) length++;
  return length;
}
