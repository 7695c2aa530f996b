import { isUtf8 } from 'node:buffer';
import { type ByteWriter, DecodeError } from '@xscaler/encoding';
import { compareUtf8, METRIC_NAME } from '@xscaler/model';
import { ProtobufReader, utf8Text } from '../protobuf/protobuf-reader.ts';

/** Why no series can have these labels. */
export type LabelFault = 'no_labels' | 'empty_label_name' | 'repeated_label_name' | 'invalid_utf8';

const LABEL_FIELD = 0x0a;
const NAME_FIELD = 0x0a;
const VALUE_FIELD = 0x12;

/**
 * Parses a series' label set as remote write 1.0 has it on the wire: `(0x0a length label)*`, where a label
 * is a message of name (field 1) and value (field 2). Reused: the fields below hold until the next `parse`.
 */
export class LabelSetParser {
  /** Flat name, value, …: sorted and without empty values; as they came if there is a fault. */
  pairs: string[] = [];
  fault: LabelFault | undefined;
  /** The name that the fault is about, if it is about one. */
  faultyName = '';
  /** Whether the bytes are exactly those that `writeLabelSet` would write for `pairs`. */
  normalised = false;
  /** Lengths in bytes of UTF-8, over the labels with a value. */
  longestNameBytes = 0;
  longestValueBytes = 0;
  metricNameBytes = 0;

  #reader = new ProtobufReader();
  #name = '';
  #value = '';
  #nameBytes = 0;
  #valueBytes = 0;
  #sorted = true;

  /** @throws DecodeError if `bytes[start, end)` isn't such a sequence of messages */
  parse(bytes: Uint8Array, start: number, end: number): void {
    const reader = this.#reader;
    reader.reset(bytes, start, end);
    this.#forget();
    while (reader.position < end) {
      if (bytes[reader.position++] !== LABEL_FIELD) throw new DecodeError('not a label');
      const lengthAt = reader.position;
      const length = reader.length();
      this.#noteCanonical(lengthAt, length);
      this.#parseLabel(reader.position + length);
      this.#addLabel();
    }
    if (!this.#sorted) this.#sort();
    if (this.pairs.length === 0) this.#note('no_labels', '');
    if (this.fault !== undefined) this.normalised = false;
    reader.release();
  }

  /** The pairs, which the caller may keep. */
  takePairs(): string[] {
    const pairs = this.pairs;
    this.pairs = [];
    return pairs;
  }

  #forget(): void {
    this.pairs = [];
    this.fault = undefined;
    this.faultyName = '';
    this.normalised = true;
    this.longestNameBytes = 0;
    this.longestValueBytes = 0;
    this.metricNameBytes = 0;
    this.#sorted = true;
  }

  #parseLabel(end: number): void {
    const reader = this.#reader;
    const outerEnd = reader.end;
    reader.end = end;
    this.#name = '';
    this.#value = '';
    this.#nameBytes = 0;
    this.#valueBytes = 0;
    let fields = 0;
    while (reader.position < end) {
      const tagAt = reader.position;
      const tag = reader.tag();
      fields++;
      if (tag !== (fields === 1 ? NAME_FIELD : VALUE_FIELD) || reader.position !== tagAt + 1) {
        this.normalised = false;
      }
      if (tag === NAME_FIELD) {
        this.#name = this.#text();
        this.#nameBytes = this.#textBytes;
      } else if (tag === VALUE_FIELD) {
        this.#value = this.#text();
        this.#valueBytes = this.#textBytes;
      } else {
        if (tag >>> 3 <= 2) throw new DecodeError(`a label's field with tag ${tag}`);
        reader.skip(tag);
      }
    }
    if (fields !== 2) this.normalised = false;
    reader.end = outerEnd;
  }

  #textBytes = 0;

  #text(): string {
    const reader = this.#reader;
    const lengthAt = reader.position;
    const length = reader.length();
    this.#noteCanonical(lengthAt, length);
    const start = reader.position;
    const end = start + length;
    reader.position = end;
    this.#textBytes = length;
    const text = utf8Text(reader.bytes, start, end);
    // A replacement character may have been sent as such.
    if (text.includes('\ufffd') && !isUtf8(reader.bytes.subarray(start, end)))
      this.#note('invalid_utf8', text);
    return text;
  }

  /** A length written in more bytes than it needs is legal, but has a shorter twin. */
  #noteCanonical(lengthAt: number, length: number): void {
    let shortest = 1;
    for (let rest = length >>> 7; rest > 0; rest >>>= 7) shortest++;
    if (this.#reader.position - lengthAt !== shortest) this.normalised = false;
  }

  #addLabel(): void {
    const name = this.#name;
    if (name === '') {
      this.#note('empty_label_name', '');
      this.pairs.push(name, this.#value);
      return;
    }
    if (this.#value === '') {
      this.normalised = false;
      return;
    }
    const { pairs } = this;
    if (pairs.length > 0) {
      const order = compareUtf8(pairs[pairs.length - 2], name);
      if (order === 0) this.#note('repeated_label_name', name);
      else if (order > 0) this.#sorted = false;
    }
    pairs.push(name, this.#value);
    if (this.#nameBytes > this.longestNameBytes) this.longestNameBytes = this.#nameBytes;
    if (name === METRIC_NAME) this.metricNameBytes = this.#valueBytes;
    else if (this.#valueBytes > this.longestValueBytes) this.longestValueBytes = this.#valueBytes;
  }

  #sort(): void {
    this.normalised = false;
    const { pairs } = this;
    const order: number[] = [];
    for (let i = 0; i < pairs.length; i += 2) order.push(i);
    order.sort((a, b) => compareUtf8(pairs[a], pairs[b]));
    this.pairs = order.flatMap((i) => [pairs[i], pairs[i + 1]]);
    for (let i = 2; i < this.pairs.length; i += 2) {
      if (this.pairs[i] === this.pairs[i - 2]) this.#note('repeated_label_name', this.pairs[i]);
    }
  }

  /** The first fault stands. */
  #note(fault: LabelFault, name: string): void {
    if (this.fault !== undefined) return;
    this.fault = fault;
    this.faultyName = name;
  }
}

/** Appends the label set of sorted, distinct pairs without empty values, in the one normal form. */
export function writeLabelSet(pairs: readonly string[], to: ByteWriter): void {
  for (let i = 0; i < pairs.length; i += 2) {
    const nameBytes = Buffer.byteLength(pairs[i]);
    const valueBytes = Buffer.byteLength(pairs[i + 1]);
    to.u8(LABEL_FIELD);
    to.uvarint(2 + lengthOfLength(nameBytes) + nameBytes + lengthOfLength(valueBytes) + valueBytes);
    to.u8(NAME_FIELD);
    to.string(pairs[i]);
    to.u8(VALUE_FIELD);
    to.string(pairs[i + 1]);
  }
}

function lengthOfLength(length: number): number {
  let count = 1;
  for (let rest = length >>> 7; rest > 0; rest >>>= 7) count++;
  return count;
}
