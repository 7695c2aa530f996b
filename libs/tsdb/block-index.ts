import { ByteReader, ByteWriter, DecodeError } from '@xscaler/encoding';
import {
  BLOCK_VERSION,
  PART_OVERHEAD_BYTES,
  readSlice,
  type Slice,
  sealPart,
  writeSlice,
} from './block-format.ts';

/*
 * The index part's body:
 *
 *   body      := seriesCount uvarint, sampleCount uvarint, minTimeMs varint, maxTimeMs varint,
 *                nameCount uvarint, name …, groupCount uvarint, slice …, pageCount uvarint, exemplars …
 *   name      := name string, pageCount uvarint, page …            in byte order
 *   page      := first value string, valueCount uvarint, symbols slice, postings slice
 *   exemplars := number of the first series uvarint, slice
 *
 * Times are 0 where there are no samples.
 */
export interface BlockIndex {
  readonly seriesCount: number;
  readonly sampleCount: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly names: readonly NameDirectory[];
  /** Groups of series, in order. */
  readonly groups: readonly Slice[];
  readonly exemplarPages: readonly ExemplarPage[];
}

export interface NameDirectory {
  readonly name: string;
  readonly pages: readonly ValuePage[];
}

/** Some values of a name, in order. */
export interface ValuePage {
  readonly firstValue: string;
  readonly valueCount: number;
  readonly symbols: Slice;
  readonly postings: Slice;
}

export interface ExemplarPage {
  readonly firstSeries: number;
  readonly slice: Slice;
}

export function encodeIndex(index: BlockIndex): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(4096);
  writer.u8(BLOCK_VERSION);
  writer.uvarint(index.seriesCount);
  writer.uvarint(index.sampleCount);
  writer.varint(index.minTimeMs);
  writer.varint(index.maxTimeMs);
  writer.uvarint(index.names.length);
  for (const { name, pages } of index.names) {
    writer.string(name);
    writer.uvarint(pages.length);
    for (const page of pages) {
      writer.string(page.firstValue);
      writer.uvarint(page.valueCount);
      writeSlice(writer, page.symbols);
      writeSlice(writer, page.postings);
    }
  }
  writer.uvarint(index.groups.length);
  for (const slice of index.groups) writeSlice(writer, slice);
  writer.uvarint(index.exemplarPages.length);
  for (const { firstSeries, slice } of index.exemplarPages) {
    writer.uvarint(firstSeries);
    writeSlice(writer, slice);
  }
  return sealPart(writer);
}

/** Decodes a part whose checksum was found right. @throws DecodeError */
export function decodeIndex(bytes: Uint8Array): BlockIndex {
  const reader = new ByteReader(bytes, 0, bytes.length - (PART_OVERHEAD_BYTES - 1));
  const version = reader.u8();
  if (version !== BLOCK_VERSION) throw new DecodeError(`version ${version}; ${BLOCK_VERSION} is known`);
  return {
    seriesCount: reader.uvarint(),
    sampleCount: reader.uvarint(),
    minTimeMs: reader.varint(),
    maxTimeMs: reader.varint(),
    names: readMany(reader, () => ({
      name: reader.string(),
      pages: readMany(reader, () => ({
        firstValue: reader.string(),
        valueCount: reader.uvarint(),
        symbols: readSlice(reader),
        postings: readSlice(reader),
      })),
    })),
    groups: readMany(reader, () => readSlice(reader)),
    exemplarPages: readMany(reader, () => ({ firstSeries: reader.uvarint(), slice: readSlice(reader) })),
  };
}

function readMany<T>(reader: ByteReader, readOne: () => T): T[] {
  const many: T[] = [];
  for (let left = reader.uvarint(); left > 0; left--) many.push(readOne());
  return many;
}
