import { crc32 } from 'node:zlib';
import { type ByteReader, ByteWriter } from '@xscaler/encoding';

/*
 * A block: what a closed head held, as a few large parts, read by slices.
 *
 *   part      := version u8, body, crc32 u32 of all before
 *   slice     := part number uvarint, offset in the part uvarint, length uvarint, crc32 u32 of the slice
 *
 *   index     (block-index.ts)                part 0: counts, bounds, and the directories of all that follows; further
 *                                             parts: leaves of those directories that are long
 *   symbols   pages of label values (block-labels-codec.ts); values of one name are sorted, a page has one name's
 *   postings  pages of lists, one for each page of symbols: which series have each value
 *   series    groups of SERIES_PER_GROUP series (block-series-codec.ts): id, label pairs, chunks, and the group's pages
 *   chunks    pages of chunks (chunk-pages.ts): all chunks of a series, one after the other, then those of the next
 *   exemplars pages of exemplars (block-exemplars-codec.ts), each unchanged or as a zstd frame
 *
 * Every slice that a reader asks for has a checksum in the index, or, for pages of chunks, in a group: nothing is
 * believed that was not checked. Label pairs (name, value) are numbered from 0 in byte order of name, then value, so
 * that a series' pairs ascend; series from 0 in the order of their labels, which is that of their lists of pairs: those
 * of one metric are neighbours, share most labels, have chunks alike, and their postings are runs.
 *
 * Version 3 differs from version 2 in its exemplars: they lie by spans of time (exemplar-spans.ts), each span's by series,
 * and their pages may be compressed; in version 2 they lie by series alone. A block without exemplars is of version 2, so
 * that programs of before can read it. The version in the index counts; readers know both.
 */
export const BLOCK_VERSION = 3;
export const BLOCK_VERSION_2 = 2;

export type BlockPartKind = 'index' | 'symbols' | 'postings' | 'series' | 'chunks' | 'exemplars';

export interface BlockPartOut {
  readonly kind: BlockPartKind;
  readonly number: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface Slice {
  readonly number: number;
  readonly offset: number;
  readonly length: number;
  readonly checksum: number;
}

export const SERIES_PER_GROUP = 32;
/** A part is closed once it has this many bytes. */
const PART_BYTES = 256 * 1024;
/** Bytes around a part's body. */
export const PART_OVERHEAD_BYTES = 5;

/** Fills the parts of one kind, slice by slice. */
export class PartWriter {
  readonly #kind: BlockPartKind;
  readonly #body = new ByteWriter(4096);
  #number: number;

  /** Parts are numbered from `firstNumber` on. */
  constructor(kind: BlockPartKind, firstNumber = 0) {
    this.#kind = kind;
    this.#number = firstNumber;
    this.#body.u8(BLOCK_VERSION);
  }

  /** Adds a slice, which no part splits. */
  add(bytes: Uint8Array): Slice {
    const offset = this.#body.length;
    this.#body.raw(bytes);
    return { number: this.#number, offset, length: bytes.length, checksum: crc32(bytes) };
  }

  /** The part, if it is large enough to be closed. */
  *full(): Generator<BlockPartOut, void, void> {
    if (this.#body.length >= PART_BYTES) yield this.#take();
  }

  /** The last part, if there is anything in it. */
  *rest(): Generator<BlockPartOut, void, void> {
    if (this.#body.length > 1) yield this.#take();
  }

  #take(): BlockPartOut {
    const number = this.#number++;
    const bytes = sealPart(this.#body);
    this.#body.reset();
    this.#body.u8(BLOCK_VERSION);
    return { kind: this.#kind, number, bytes };
  }
}

/** A part of what was written, which begins with the version. */
export function sealPart(body: ByteWriter): Uint8Array<ArrayBuffer> {
  body.u32(crc32(body.written()));
  return body.take();
}

/** Whether a whole part is as it was written. */
export function isPartIntact(bytes: Uint8Array): boolean {
  const end = bytes.length - 4;
  if (end < 1) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.getUint32(end, true) === crc32(bytes.subarray(0, end));
}

export function writeSlice(writer: ByteWriter, slice: Slice): void {
  writer.uvarint(slice.number);
  writer.uvarint(slice.offset);
  writer.uvarint(slice.length);
  writer.u32(slice.checksum);
}

export function readSlice(reader: ByteReader): Slice {
  const number = reader.uvarint();
  const offset = reader.uvarint();
  const length = reader.uvarint();
  return { number, offset, length, checksum: reader.u32() };
}
