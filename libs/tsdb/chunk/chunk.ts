/** How a chunk's bytes are to be read; travels with each chunk, so that codecs can be added. */
export const ENCODING_XOR = 1;
export const ENCODING_DENSE = 2;
export const ENCODING_NOTED = 3;

/** Where a chunk lies and what it holds. Decoders are handed one and do not keep it. */
export interface ChunkView {
  encoding: number;
  bytes: Uint8Array;
  /** The chunk is `bytes[start, end)`. */
  start: number;
  end: number;
  /** Time of the first and of the last sample. */
  minTimeMs: number;
  maxTimeMs: number;
  /** Samples; at least 1. */
  count: number;
}

/** Longest time between the first and the last sample of a chunk: 24 days, so that times fit 31 bits. */
export const CHUNK_MAX_DURATION_MS = 0x7fffffff;

/** Most samples in a chunk, so that a damaged count can't ask for all memory. */
export const CHUNK_MAX_SAMPLES = 65_536;

/** A view to be filled in. */
export function newChunkView(): ChunkView {
  return {
    encoding: 0,
    bytes: new Uint8Array(0),
    start: 0,
    end: 0,
    minTimeMs: 0,
    maxTimeMs: 0,
    count: 0,
  };
}
