import { ByteReader, ByteWriter, DecodeError } from '@xscaler/encoding';
import {
  BLOCK_VERSION,
  BLOCK_VERSION_2,
  PART_OVERHEAD_BYTES,
  readSlice,
  type Slice,
  sealPart,
  writeSlice,
} from './block-format.ts';
import { CHUNK_PAGE_MAX_BYTES } from './chunk-pages.ts';

/*
 * Directories say where pages and groups are. The body of the index' part 0:
 *
 *   body      := seriesCount uvarint, sampleCount uvarint, minTimeMs varint, maxTimeMs varint,
 *                nameCount uvarint, name …, groups, exemplars
 *   name      := name string, valueCount uvarint, pages                            in byte order
 *   pages     := count × 2 uvarint, page …                                         up to LABEL_PAGES_INLINE of them, or
 *              | leafCount × 2 + 1 uvarint, (first value string, valueCount uvarint, slice) …
 *   page      := first value string, valueCount uvarint, symbols slice, postings slice
 *   groups    := count × 2 uvarint, slice …                                        up to GROUPS_PER_LEAF of them, or
 *              | leafCount × 2 + 1 uvarint, slice …                                leaves of GROUPS_PER_LEAF groups
 *   exemplars := count × 2 uvarint, exemplarPage … | leafCount × 2 + 1 uvarint, slice …    in leaves of as many pages
 *   exemplarPage := span varint, number of the first series uvarint, expandedLength uvarint, slice
 *                   (in version 2 number of the first series uvarint, slice)
 *
 * A leaf, a slice of the index' parts from 1 on, is pages, group slices or exemplarPages unchanged, without a count.
 * Times are 0 if there are no samples. A reader takes part 0, a few KB also if there are millions of series, and
 * the leaves that it needs.
 */
export const LABEL_PAGES_INLINE = 4;
export const LABEL_PAGES_PER_LEAF = 16;
export const GROUPS_PER_LEAF = 128;

export interface BlockIndex {
  readonly version: number;
  readonly seriesCount: number;
  readonly sampleCount: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly names: readonly NameDirectory[];
  /** Groups of series, in order. */
  readonly groups: Directory<Slice>;
  readonly exemplarPages: Directory<ExemplarPage>;
}

/** The entries in order, or the leaves that hold them: GROUPS_PER_LEAF in each but the last. */
export interface Directory<T> {
  readonly inline: readonly T[] | undefined;
  readonly leaves: readonly Slice[];
}

export interface NameDirectory {
  readonly name: string;
  readonly valueCount: number;
  /** All pages, or undefined if leaves have them. */
  readonly pages: readonly ValuePage[] | undefined;
  readonly leaves: readonly ValueLeaf[];
}

/** Some values of a name, in order. */
export interface ValuePage {
  readonly firstValue: string;
  readonly valueCount: number;
  readonly symbols: Slice;
  readonly postings: Slice;
}

/** Some pages of a name, in order. */
export interface ValueLeaf {
  readonly firstValue: string;
  readonly valueCount: number;
  readonly slice: Slice;
}

/** Exemplars of some series, each one's by time; of one span, or, of blocks of version 2, of any time. */
export interface ExemplarPage {
  /** Number of the span; undefined in blocks of version 2. */
  readonly span: number | undefined;
  /** The last may have more exemplars on the next page of the span. */
  readonly firstSeries: number;
  /** 0 if it is stored unchanged. */
  readonly expandedLength: number;
  readonly slice: Slice;
}

/** In the lowest version that its content allows. */
export function encodeIndex(index: Omit<BlockIndex, 'version'>): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(4096);
  writer.u8(index.exemplarPages.inline?.length === 0 ? BLOCK_VERSION_2 : BLOCK_VERSION);
  writer.uvarint(index.seriesCount);
  writer.uvarint(index.sampleCount);
  writer.varint(index.minTimeMs);
  writer.varint(index.maxTimeMs);
  writer.uvarint(index.names.length);
  for (const { name, valueCount, pages, leaves } of index.names) {
    writer.string(name);
    writer.uvarint(valueCount);
    writer.uvarint(pages === undefined ? leaves.length * 2 + 1 : pages.length * 2);
    if (pages !== undefined) for (const page of pages) writeValuePage(writer, page);
    else {
      for (const leaf of leaves) {
        writer.string(leaf.firstValue);
        writer.uvarint(leaf.valueCount);
        writeSlice(writer, leaf.slice);
      }
    }
  }
  writeDirectory(writer, index.groups, writeSlice);
  writeDirectory(writer, index.exemplarPages, writeExemplarPage);
  return sealPart(writer);
}

/** Decodes a part whose checksum was found right. @throws DecodeError */
export function decodeIndex(bytes: Uint8Array): BlockIndex {
  const reader = new ByteReader(bytes, 0, bytes.length - (PART_OVERHEAD_BYTES - 1));
  const version = reader.u8();
  if (version !== BLOCK_VERSION && version !== BLOCK_VERSION_2)
    throw new DecodeError(`version ${version}; ${BLOCK_VERSION_2} and ${BLOCK_VERSION} are known`);
  return {
    version,
    seriesCount: reader.uvarint(),
    sampleCount: reader.uvarint(),
    minTimeMs: reader.varint(),
    maxTimeMs: reader.varint(),
    names: readMany(reader, reader.uvarint(), readName),
    groups: readDirectory(reader, readSlice),
    exemplarPages: readDirectory(reader, exemplarPageReader(version)),
  };
}

export function writeValuePage(writer: ByteWriter, page: ValuePage): void {
  writer.string(page.firstValue);
  writer.uvarint(page.valueCount);
  writeSlice(writer, page.symbols);
  writeSlice(writer, page.postings);
}

/** @throws DecodeError */
export function readValuePage(reader: ByteReader): ValuePage {
  return {
    firstValue: reader.string(),
    valueCount: reader.uvarint(),
    symbols: readSlice(reader),
    postings: readSlice(reader),
  };
}

export function writeExemplarPage(writer: ByteWriter, page: ExemplarPage): void {
  writer.varint(page.span as number);
  writer.uvarint(page.firstSeries);
  writer.uvarint(page.expandedLength);
  writeSlice(writer, page.slice);
}

/** What reads the pages of a block of a version; it throws DecodeErrors. */
export function exemplarPageReader(version: number): (reader: ByteReader) => ExemplarPage {
  return version === BLOCK_VERSION_2 ? readExemplarPageOfVersion2 : readExemplarPage;
}

function readExemplarPageOfVersion2(reader: ByteReader): ExemplarPage {
  return { span: undefined, firstSeries: reader.uvarint(), expandedLength: 0, slice: readSlice(reader) };
}

function readExemplarPage(reader: ByteReader): ExemplarPage {
  const span = reader.varint();
  const firstSeries = reader.uvarint();
  const expandedLength = reader.uvarint();
  if (expandedLength > CHUNK_PAGE_MAX_BYTES)
    throw new DecodeError(`a page of exemplars that expands to ${expandedLength} bytes`);
  return { span, firstSeries, expandedLength, slice: readSlice(reader) };
}

/** What a leaf has. @throws DecodeError */
export function decodeLeaf<T>(bytes: Uint8Array, readOne: (reader: ByteReader) => T): T[] {
  const reader = new ByteReader(bytes);
  const all: T[] = [];
  while (reader.remaining > 0) all.push(readOne(reader));
  return all;
}

function readName(reader: ByteReader): NameDirectory {
  const name = reader.string();
  const valueCount = reader.uvarint();
  const head = reader.uvarint();
  const count = Math.floor(head / 2);
  if (head % 2 === 0) return { name, valueCount, pages: readMany(reader, count, readValuePage), leaves: [] };
  const leaves = readMany(reader, count, () => ({
    firstValue: reader.string(),
    valueCount: reader.uvarint(),
    slice: readSlice(reader),
  }));
  return { name, valueCount, pages: undefined, leaves };
}

function writeDirectory<T>(
  writer: ByteWriter,
  { inline, leaves }: Directory<T>,
  writeOne: (writer: ByteWriter, one: T) => void,
): void {
  writer.uvarint(inline === undefined ? leaves.length * 2 + 1 : inline.length * 2);
  if (inline !== undefined) for (const one of inline) writeOne(writer, one);
  else for (const leaf of leaves) writeSlice(writer, leaf);
}

function readDirectory<T>(reader: ByteReader, readOne: (reader: ByteReader) => T): Directory<T> {
  const head = reader.uvarint();
  const count = Math.floor(head / 2);
  if (head % 2 === 0) return { inline: readMany(reader, count, readOne), leaves: [] };
  return { inline: undefined, leaves: readMany(reader, count, readSlice) };
}

function readMany<T>(reader: ByteReader, count: number, readOne: (reader: ByteReader) => T): T[] {
  const many: T[] = [];
  for (let left = count; left > 0; left--) many.push(readOne(reader));
  return many;
}
