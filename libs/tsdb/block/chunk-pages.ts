import zlib from 'node:zlib';
import { DecodeError } from '@xscaler/encoding';
import type { Slice } from './block-format.ts';

/*
 * A page of chunks, one after the other, of series that follow each other in one group. Stored unchanged, or as a zstd
 * frame if that is worth a reader's time.
 *
 *   page := chunk …  |  zstd frame of them
 */

/** A page and how long it is once expanded. */
export interface ChunkPage {
  readonly slice: Slice;
  /** 0 if it is stored unchanged. */
  readonly expandedLength: number;
}

/** A page is closed once it has this many bytes. */
export const CHUNK_PAGE_BYTES = 8 * 1024;
/** Bound on what a page expands to, beyond any chunk, so that a damaged length asks for no more. */
export const CHUNK_PAGE_MAX_BYTES = 16 * 1024 * 1024;

/** Most of a page that may be left for a reader to expand it: values packed in bits seldom shrink. */
const WORTHWHILE = 0.9;
const LEVEL = { params: { [zlib.constants.ZSTD_c_compressionLevel]: 3 } };

/** The bytes to be stored of a page. */
export function packPage(chunks: Uint8Array): { bytes: Uint8Array; expandedLength: number } {
  const packed = zlib.zstdCompressSync(chunks, LEVEL);
  if (packed.length > chunks.length * WORTHWHILE) return { bytes: chunks, expandedLength: 0 };
  return { bytes: packed, expandedLength: chunks.length };
}

/** The chunks of a page, whose checksum was found right. @throws DecodeError */
export function unpackPage(stored: Uint8Array, { expandedLength }: ChunkPage): Uint8Array {
  if (expandedLength === 0) return stored;
  let chunks: Uint8Array;
  try {
    chunks = zlib.zstdDecompressSync(stored, { maxOutputLength: expandedLength });
  } catch (error) {
    throw new DecodeError('a page of chunks cannot be expanded', { cause: error });
  }
  if (chunks.length !== expandedLength) throw new DecodeError('a page of chunks expands to another length');
  return chunks;
}
