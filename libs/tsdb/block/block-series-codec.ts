import { ByteReader, type ByteWriter, DecodeError } from '@xscaler/encoding';
import { ID_WORDS } from '@xscaler/model';
import { readSlice, SERIES_PER_GROUP, writeSlice } from './block-format.ts';
import { CHUNK_PAGE_MAX_BYTES, type ChunkPage } from './chunk-pages.ts';

/*
 *   group  := seriesCount uvarint, id …, labels …, chunks …, pageCount uvarint, page …     each of its series in turn
 *   id     := four u32
 *   labels := shared uvarint, more uvarint, pair uvarint …
 *             The first `shared` label pairs are those of the series before, `more` follow; each is what it is above the
 *             pair before plus one (from 0).
 *   chunks := chunkCount uvarint, chunk …
 *   chunk  := head u8, (start uvarint, duration uvarint, count uvarint) unless head & 128, byteLength uvarint
 *             The head's other bits are the encoding. With 128 the chunk has start, duration and count of the one in the
 *             same place of the series before. `start` counts ms from the block's first sample, for the second chunk and
 *             later from the end of the one before.
 *   page   := chunkCount uvarint, expandedLength uvarint, slice      (chunk-pages.ts) the next `chunkCount` chunks of
 *             the group; a series' chunks may be on several pages
 */

/** A chunk that is being written. Times in ms. */
export interface ChunkBounds {
  readonly encoding: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly count: number;
  readonly byteLength: number;
}

/** A chunk and where it is: in a page, from byte `offset` of it on. */
export interface ChunkEntry extends ChunkBounds {
  readonly page: ChunkPage;
  readonly offset: number;
}

export interface SeriesEntry {
  /** Four signed words. */
  readonly id: Int32Array;
  /** Numbers of label pairs, ascending. */
  readonly pairs: readonly number[];
  readonly chunks: readonly ChunkEntry[];
}

const SAME_AS_BEFORE = 128;

/** A series of a group that is being written. */
export interface GroupSeries {
  readonly id: Int32Array;
  readonly pairs: ArrayLike<number>;
  readonly chunks: readonly ChunkBounds[];
}

/** A page of a group, and how many chunks it has. */
export interface GroupPage extends ChunkPage {
  readonly chunkCount: number;
}

/** `originMs` is the time of the block's first sample, or earlier. */
export function encodeGroup(
  writer: ByteWriter,
  group: readonly GroupSeries[],
  pages: readonly GroupPage[],
  originMs: number,
): void {
  writer.uvarint(group.length);
  for (const { id } of group) for (let i = 0; i < ID_WORDS; i++) writer.u32(id[i] >>> 0);
  let pairsBefore: ArrayLike<number> = [];
  for (const { pairs } of group) {
    writePairs(writer, pairs, pairsBefore);
    pairsBefore = pairs;
  }
  let chunksBefore: readonly ChunkBounds[] = [];
  for (const { chunks } of group) {
    writeChunks(writer, chunks, chunksBefore, originMs);
    chunksBefore = chunks;
  }
  writer.uvarint(pages.length);
  for (const { chunkCount, expandedLength, slice } of pages) {
    writer.uvarint(chunkCount);
    writer.uvarint(expandedLength);
    writeSlice(writer, slice);
  }
}

function writePairs(writer: ByteWriter, pairs: ArrayLike<number>, before: ArrayLike<number>): void {
  const most = Math.min(pairs.length, before.length);
  let shared = 0;
  while (shared < most && pairs[shared] === before[shared]) shared++;
  writer.uvarint(shared);
  writer.uvarint(pairs.length - shared);
  for (let i = shared; i < pairs.length; i++)
    writer.uvarint(i === 0 ? pairs[0] : pairs[i] - pairs[i - 1] - 1);
}

function writeChunks(
  writer: ByteWriter,
  chunks: readonly ChunkBounds[],
  before: readonly ChunkBounds[],
  originMs: number,
): void {
  writer.uvarint(chunks.length);
  let fromMs = originMs;
  for (const [i, chunk] of chunks.entries()) {
    const isSame =
      i < before.length &&
      chunk.minTimeMs === before[i].minTimeMs &&
      chunk.maxTimeMs === before[i].maxTimeMs &&
      chunk.count === before[i].count;
    writer.u8(chunk.encoding | (isSame ? SAME_AS_BEFORE : 0));
    if (!isSame) {
      writer.uvarint(chunk.minTimeMs - fromMs);
      writer.uvarint(chunk.maxTimeMs - chunk.minTimeMs);
      writer.uvarint(chunk.count);
    }
    writer.uvarint(chunk.byteLength);
    fromMs = chunk.maxTimeMs;
  }
}

/** The series of a group, in order. @throws DecodeError */
export function decodeGroup(bytes: Uint8Array, originMs: number): SeriesEntry[] {
  const reader = new ByteReader(bytes);
  const count = reader.uvarint();
  if (count > SERIES_PER_GROUP) throw new DecodeError(`a group of ${count} series`);
  const ids = Array.from({ length: count }, () => {
    const id = new Int32Array(ID_WORDS);
    for (let i = 0; i < ID_WORDS; i++) id[i] = reader.u32();
    return id;
  });
  let pairs: readonly number[] = [];
  const labels = Array.from({ length: count }, () => {
    pairs = readPairs(reader, pairs);
    return pairs;
  });
  let chunks: readonly ChunkBounds[] = [];
  const bounds = Array.from({ length: count }, () => {
    chunks = readChunks(reader, chunks, originMs);
    return chunks;
  });
  const places = new ChunkPlaces(readPages(reader));
  if (reader.remaining > 0) throw new DecodeError('bytes behind a group');
  return ids.map((id, i) => ({
    id,
    pairs: labels[i],
    chunks: bounds[i].map((chunk) => places.next(chunk)),
  }));
}

/** Hands the chunks of a group their places, in order. */
class ChunkPlaces {
  readonly #pages: readonly GroupPage[];
  #page = -1;
  #left = 0;
  #offset = 0;
  #pageLength = 0;

  constructor(pages: readonly GroupPage[]) {
    this.#pages = pages;
  }

  next(chunk: ChunkBounds): ChunkEntry {
    while (this.#left === 0) {
      const page = this.#pages[++this.#page];
      if (page === undefined) throw new DecodeError('a group has more chunks than its pages');
      this.#left = page.chunkCount;
      this.#offset = 0;
      this.#pageLength = page.expandedLength === 0 ? page.slice.length : page.expandedLength;
    }
    const offset = this.#offset;
    this.#offset += chunk.byteLength;
    this.#left--;
    if (this.#offset > this.#pageLength) throw new DecodeError('chunks are longer than their page');
    return { ...chunk, page: this.#pages[this.#page], offset };
  }
}

function readPairs(reader: ByteReader, before: readonly number[]): readonly number[] {
  const shared = reader.uvarint();
  const more = reader.uvarint();
  if (shared > before.length || more > reader.remaining)
    throw new DecodeError('labels of a series are cut short');
  if (more === 0 && shared === before.length) return before;
  const pairs = before.slice(0, shared);
  for (let i = 0; i < more; i++) {
    const gap = reader.uvarint();
    pairs.push(pairs.length === 0 ? gap : pairs[pairs.length - 1] + 1 + gap);
  }
  return pairs;
}

function readChunks(reader: ByteReader, before: readonly ChunkBounds[], originMs: number): ChunkBounds[] {
  const count = reader.uvarint();
  if (count > reader.remaining) throw new DecodeError('the chunks of a series are cut short');
  const chunks: ChunkBounds[] = [];
  let fromMs = originMs;
  for (let i = 0; i < count; i++) {
    const head = reader.u8();
    const encoding = head & ~SAME_AS_BEFORE;
    if (head & SAME_AS_BEFORE) {
      if (i >= before.length) throw new DecodeError('a chunk is like one that is not there');
      chunks.push({ ...before[i], encoding, byteLength: reader.uvarint() });
    } else {
      const minTimeMs = fromMs + reader.uvarint();
      const maxTimeMs = minTimeMs + reader.uvarint();
      const samples = reader.uvarint();
      chunks.push({ encoding, minTimeMs, maxTimeMs, count: samples, byteLength: reader.uvarint() });
    }
    fromMs = chunks[i].maxTimeMs;
  }
  return chunks;
}

function readPages(reader: ByteReader): GroupPage[] {
  const count = reader.uvarint();
  if (count > reader.remaining) throw new DecodeError('the pages of a group are cut short');
  return Array.from({ length: count }, () => {
    const chunkCount = reader.uvarint();
    const expandedLength = reader.uvarint();
    if (expandedLength > CHUNK_PAGE_MAX_BYTES) throw new DecodeError('a page of chunks of impossible length');
    return { chunkCount, expandedLength, slice: readSlice(reader) };
  });
}
