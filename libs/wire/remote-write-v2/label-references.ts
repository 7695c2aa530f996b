import { ByteWriter, type ContentHash } from '@xscaler/encoding';
import { METRIC_NAME } from '@xscaler/model';
import type { SourceFault } from '../labels/series-source.ts';
import { type ProtobufReader, WIRE_BYTES, WIRE_VARINT } from '../protobuf/protobuf-reader.ts';
import { TooLargeError } from '../snappy/snappy-block.ts';
import { refuseKnown } from './known-fields.ts';
import type { SymbolTable } from './symbol-table.ts';

export const LABEL_REFS = 1;

/** A series' labels are at most this long, written out; a series has to fit a record of the log. */
const LABELS_MAX_BYTES = 1024 * 1024;
/** Beyond this the references of a series are counted, not kept: twice of any sensible limit on labels. */
export const MAX_KEPT_REFS = 4 * 1024;
const SUBJECT_LABELS = 20;

/**
 * A series' references into the request's symbols, name and value in turn. Its labels are written out from them; their
 * content hash is put together from hashes of the symbols' contents.
 */
export class LabelReferences {
  count = 0;
  /** The labels, once written out, are `bytes[0, end)`. */
  bytes: Uint8Array = new Uint8Array(0);
  end = 0;
  readonly #symbols: SymbolTable;
  #refs = new Uint32Array(64);
  #labels = new ByteWriter(4096);
  #hashWords = new Int32Array(128);
  #hashView = new DataView(this.#hashWords.buffer);
  /** Bytes that labels may still take once written out, over the whole request. */
  #maxBytes = 0;
  #bytesLeft = 0;

  constructor(symbols: SymbolTable) {
    this.#symbols = symbols;
  }

  /** The labels of a whole request may take this many bytes once they are written out. */
  reset(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.#bytesLeft = maxBytes;
  }

  /** Reads references packed into one field, or one of them alone. */
  read(body: ProtobufReader, tag: number): void {
    if ((tag & 7) !== WIRE_BYTES) {
      if ((tag & 7) !== WIRE_VARINT) refuseKnown(tag, LABEL_REFS, 'TimeSeries');
      this.count = this.#add(body.uint32(), this.count);
      return;
    }
    const length = body.length();
    const end = body.position + length;
    const { bytes, end: outerEnd } = body;
    body.end = end;
    let { count } = this;
    while (body.position < end) {
      const byte = bytes[body.position];
      if (byte < 0x80) {
        body.position++;
        count = this.#add(byte, count);
      } else {
        count = this.#add(body.uint32(), count);
      }
    }
    body.end = outerEnd;
    this.count = count;
  }

  #add(ref: number, count: number): number {
    if (count === this.#refs.length && count < MAX_KEPT_REFS) this.#growRefs();
    this.#refs[count] = ref; // beyond the array nothing is written
    return count + 1;
  }

  /**
   * Writes the labels out as the log record has them; a fault if they can't be.
   * @throws TooLargeError if those of the request take more than they may
   */
  write(): SourceFault | undefined {
    const refs = this.#refs;
    const symbols = this.#symbols;
    const { count } = this;
    this.end = 0;
    if (count % 2 !== 0) return 'odd_label_references';
    if (count > refs.length) return 'labels_too_long';
    let length = 6 * count;
    for (let i = 0; i < count; i++) {
      if (refs[i] >= symbols.count) return 'bad_symbol_reference';
      length += symbols.byteLength(refs[i]);
    }
    if (length > LABELS_MAX_BYTES) return 'labels_too_long';
    this.#bytesLeft -= length;
    if (this.#bytesLeft < 0) throw new TooLargeError(this.#maxBytes + 1, this.#maxBytes);
    const to = this.#labels;
    to.reset();
    to.reserve(length + 8);
    this.bytes = to.bytes;
    let at = 0;
    for (let i = 0; i < count; i += 2) at = writeLabel(symbols, refs[i], refs[i + 1], to.bytes, at);
    this.end = at;
    if (8 * count > this.#hashWords.byteLength) this.#growHashWords();
    return undefined;
  }

  contentHash(hash: ContentHash): void {
    const refs = this.#refs;
    const words = this.#hashWords;
    for (let i = 0; i < this.count; i++) this.#symbols.hashInto(refs[i], hash, words, 2 * i);
    hash.hash(this.#hashView, 0, 8 * this.count);
  }

  /** The first labels, whatever is wrong with them, for a text about them. */
  subject(): string {
    const texts: string[] = [];
    for (let i = 0; i < Math.min(this.count, 2 * SUBJECT_LABELS, this.#refs.length); i++) {
      const ref = this.#refs[i];
      texts.push(ref < this.#symbols.count ? this.#symbols.text(ref).slice(0, 100) : `symbol ${ref}`);
    }
    return `series of [${texts.map((text) => JSON.stringify(text)).join(', ')}]`;
  }

  /** The reference of the value of `__name__`, or −1. */
  metricName(): number {
    const refs = this.#refs;
    const symbols = this.#symbols;
    for (let i = 0; i < this.count; i += 2) {
      if (symbols.byteLength(refs[i]) === METRIC_NAME.length && symbols.text(refs[i]) === METRIC_NAME)
        return refs[i + 1];
    }
    return -1;
  }

  #growRefs(): void {
    const refs = new Uint32Array(2 * this.#refs.length);
    refs.set(this.#refs);
    this.#refs = refs;
  }

  #growHashWords(): void {
    this.#hashWords = new Int32Array(2 * this.#refs.length);
    this.#hashView = new DataView(this.#hashWords.buffer);
  }
}

/** Writes `0x0a length 0x0a length name 0x12 length value`; there is room. Returns where it ends. */
function writeLabel(symbols: SymbolTable, name: number, value: number, to: Uint8Array, at: number): number {
  const nameBytes = symbols.byteLength(name);
  const valueBytes = symbols.byteLength(value);
  to[at++] = 0x0a;
  at = writeLength(
    2 + lengthOfLength(nameBytes) + nameBytes + lengthOfLength(valueBytes) + valueBytes,
    to,
    at,
  );
  to[at++] = 0x0a;
  at = writeLength(nameBytes, to, at);
  at = symbols.copy(name, to, at);
  to[at++] = 0x12;
  at = writeLength(valueBytes, to, at);
  return symbols.copy(value, to, at);
}

function writeLength(length: number, to: Uint8Array, at: number): number {
  for (; length >= 0x80; length >>>= 7) to[at++] = (length & 0x7f) | 0x80;
  to[at++] = length;
  return at;
}

function lengthOfLength(length: number): number {
  return length < 0x80 ? 1 : length < 0x4000 ? 2 : 3;
}
