import { type ByteReader, type ByteWriter, DecodeError } from '@xscaler/encoding';
import { ID_WORDS } from '@xscaler/model';

/*
 *   group := (length uvarint, entry) …                      SERIES_PER_GROUP of them, fewer in the last
 *   entry := id (four u32), pairCount uvarint, pair uvarint …, chunkCount uvarint,
 *            segment uvarint, offset uvarint, checksum u32, chunk …       where there are chunks
 *   chunk := encoding u8, start uvarint, duration uvarint, count uvarint, byteLength uvarint
 *
 * A pair is what it is above the pair before plus one (from 0). `start` counts ms from the block's first sample,
 * for the second chunk and later from the end of the one before.
 */

/** A chunk as the series entry tells of it. Times in ms. */
export interface ChunkEntry {
  readonly encoding: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly count: number;
  readonly byteLength: number;
}

export interface SeriesEntry {
  /** Four signed words. */
  readonly id: Int32Array;
  /** Numbers of label pairs, ascending. */
  readonly pairs: readonly number[];
  readonly chunks: readonly ChunkEntry[];
  /** Where the run of chunks is; all 0 where there are none. */
  readonly segment: number;
  readonly offset: number;
  readonly checksum: number;
}

/** The bytes of a series' run of chunks. */
export function runLength(entry: SeriesEntry): number {
  return entry.chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** `originMs` is the time of the block's first sample. */
export function encodeEntry(writer: ByteWriter, entry: SeriesEntry, originMs: number): void {
  for (let i = 0; i < ID_WORDS; i++) writer.u32(entry.id[i] >>> 0);
  writer.uvarint(entry.pairs.length);
  let nextPair = 0;
  for (const pair of entry.pairs) {
    writer.uvarint(pair - nextPair);
    nextPair = pair + 1;
  }
  writer.uvarint(entry.chunks.length);
  if (entry.chunks.length === 0) return;
  writer.uvarint(entry.segment);
  writer.uvarint(entry.offset);
  writer.u32(entry.checksum);
  let fromMs = originMs;
  for (const chunk of entry.chunks) {
    writer.u8(chunk.encoding);
    writer.uvarint(chunk.minTimeMs - fromMs);
    writer.uvarint(chunk.maxTimeMs - chunk.minTimeMs);
    writer.uvarint(chunk.count);
    writer.uvarint(chunk.byteLength);
    fromMs = chunk.maxTimeMs;
  }
}

/** @throws DecodeError */
export function decodeEntry(reader: ByteReader, originMs: number): SeriesEntry {
  const id = new Int32Array(ID_WORDS);
  for (let i = 0; i < ID_WORDS; i++) id[i] = reader.u32();
  const pairs: number[] = [];
  let nextPair = 0;
  for (let left = countWithin(reader); left > 0; left--) {
    const pair = nextPair + reader.uvarint();
    pairs.push(pair);
    nextPair = pair + 1;
  }
  const chunkCount = countWithin(reader);
  if (chunkCount === 0) return { id, pairs, chunks: [], segment: 0, offset: 0, checksum: 0 };
  const segment = reader.uvarint();
  const offset = reader.uvarint();
  const checksum = reader.u32();
  const chunks: ChunkEntry[] = [];
  let fromMs = originMs;
  for (let i = 0; i < chunkCount; i++) {
    const encoding = reader.u8();
    const minTimeMs = fromMs + reader.uvarint();
    const maxTimeMs = minTimeMs + reader.uvarint();
    const count = reader.uvarint();
    chunks.push({ encoding, minTimeMs, maxTimeMs, count, byteLength: reader.uvarint() });
    fromMs = maxTimeMs;
  }
  return { id, pairs, chunks, segment, offset, checksum };
}

function countWithin(reader: ByteReader): number {
  const count = reader.uvarint();
  if (count > reader.remaining) throw new DecodeError('a series entry is cut short');
  return count;
}
