import { isUtf8 } from 'node:buffer';
import { DecodeError } from '@xscaler/encoding';
import { compareUtf8 } from '@xscaler/model';
import { utf8Text } from '../protobuf/protobuf-reader.ts';

const LABEL_FIELD = 0x0a;
const NAME_FIELD = 0x0a;
const VALUE_FIELD = 0x12;

/**
 * Reads label sets of a record's label section, which are normalised (`format.ts`). Series that follow each other share
 * most labels: one that has the same bytes as the label in its place of the series read before gets the same strings,
 * which takes a tenth of the time that making them does, and costs callers that keep them nothing.
 */
export class LabelMemo {
  #bytes: Uint8Array = new Uint8Array(0);
  /** Of the labels read last: where each begins and ends. */
  #starts: number[] = [];
  #ends: number[] = [];
  #pairs: string[] = [];
  #position = 0;

  /** Begins with the sets of another section; lets go of the bytes before. */
  reset(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#starts = [];
    this.#ends = [];
    this.#pairs = [];
  }

  /**
   * The set in `[start, end)` of the section: name, value, name, …, in the order of the names. The caller must not change it.
   * @throws DecodeError if it isn't normalised
   */
  read(start: number, end: number): readonly string[] {
    const before = this.#pairs;
    const pairs: string[] = [];
    let at = start;
    for (let label = 0; at < end; label++) {
      const length = label < this.#starts.length ? this.#ends[label] - this.#starts[label] : 0;
      if (length > 0 && length <= end - at && this.#isSame(at, this.#starts[label], length)) {
        pairs.push(before[2 * label], before[2 * label + 1]);
        this.#position = at + length;
      } else this.#readLabel(at, end, pairs);
      if (label > 0 && compareUtf8(pairs[2 * label - 2], pairs[2 * label]) >= 0) throw notNormalised();
      this.#starts[label] = at;
      at = this.#position;
      this.#ends[label] = at;
    }
    if (pairs.length === 0) throw notNormalised();
    const count = pairs.length / 2;
    this.#starts.length = count;
    this.#ends.length = count;
    this.#pairs = pairs;
    return pairs;
  }

  #isSame(at: number, before: number, length: number): boolean {
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) if (bytes[at + i] !== bytes[before + i]) return false;
    return true;
  }

  #readLabel(at: number, end: number, pairs: string[]): void {
    this.#position = at;
    this.#expect(LABEL_FIELD, end);
    const labelEnd = this.#length(end) + this.#position;
    if (labelEnd > end) throw notNormalised();
    this.#expect(NAME_FIELD, labelEnd);
    const name = this.#text(labelEnd);
    this.#expect(VALUE_FIELD, labelEnd);
    const value = this.#text(labelEnd);
    if (this.#position !== labelEnd) throw notNormalised();
    pairs.push(name, value);
  }

  #expect(tag: number, end: number): void {
    if (this.#position >= end || this.#bytes[this.#position++] !== tag) throw notNormalised();
  }

  /** A length in as few bytes as it takes. */
  #length(end: number): number {
    let length = 0;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#position >= end) break;
      const byte = this.#bytes[this.#position++];
      length |= (byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      if (byte === 0 && shift > 0) break;
      return length;
    }
    throw notNormalised();
  }

  /** A text that isn't empty. */
  #text(end: number): string {
    const length = this.#length(end);
    const start = this.#position;
    if (length === 0 || length > end - start) throw notNormalised();
    this.#position = start + length;
    const text = utf8Text(this.#bytes, start, this.#position);
    // A replacement character may have been sent as such.
    if (text.includes('\ufffd') && !isUtf8(this.#bytes.subarray(start, this.#position)))
      throw notNormalised();
    return text;
  }
}

function notNormalised(): DecodeError {
  return new DecodeError('labels that are not normalised');
}
