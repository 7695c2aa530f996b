import { SampleColumns } from '@xscaler/model';
import { type ChunkView, newChunkView } from './chunk.ts';
import type { ChunkDecoder } from './chunk-decoder.ts';

/** A chunk and how much it counts: where times are equal, the sample of the first by `compareRank` stands. */
export interface RankedChunk extends ChunkView {
  /** The head that it comes from. */
  partition: number;
  fromOffset: number;
  /** Its place among the chunks of that head. */
  place: number;
}

export function newRankedChunk(partition: number, fromOffset: number, place: number): RankedChunk {
  return { ...newChunkView(), partition, fromOffset, place };
}

export function compareRank(a: RankedChunk, b: RankedChunk): number {
  return a.partition - b.partition || a.fromOffset - b.fromOffset || a.place - b.place;
}

/**
 * Merges chunks of one series. Chunks that overlap no other, the ordinary case, are decoded straight into the
 * destination; a cluster of overlapping ones goes through a buffer and a merge. Its buffers are reused.
 */
export class ChunkMerger {
  readonly #decoder: ChunkDecoder;
  readonly #buffer = new SampleColumns();
  /** Where the samples of each chunk of a cluster begin and end in the buffer. */
  #cursors: number[] = [];
  #ends: number[] = [];

  constructor(decoder: ChunkDecoder) {
    this.#decoder = decoder;
  }

  /**
   * Appends the samples with startMs ≤ t ≤ endMs to `dst`, increasing in time, each time once.
   * `chunks` is sorted by `minTimeMs`.
   * @throws DecodeError
   */
  mergeInto(dst: SampleColumns, chunks: readonly RankedChunk[], startMs: number, endMs: number): void {
    for (let from = 0; from < chunks.length; ) {
      let to = from + 1;
      let maxTimeMs = chunks[from].maxTimeMs;
      while (to < chunks.length && chunks[to].minTimeMs <= maxTimeMs) {
        maxTimeMs = Math.max(maxTimeMs, chunks[to].maxTimeMs);
        to++;
      }
      if (to - from === 1) this.#decoder.decodeInto(dst, chunks[from], startMs, endMs);
      else this.#mergeCluster(dst, chunks.slice(from, to), startMs, endMs);
      from = to;
    }
  }

  #mergeCluster(dst: SampleColumns, cluster: readonly RankedChunk[], startMs: number, endMs: number): void {
    const buffer = this.#buffer;
    buffer.reset();
    this.#cursors = [];
    this.#ends = [];
    // In order of rank, so that the first of the cursors with the least time has the sample that stands.
    for (const chunk of cluster.toSorted(compareRank)) {
      this.#cursors.push(buffer.length);
      this.#decoder.decodeInto(buffer, chunk, startMs, endMs);
      this.#ends.push(buffer.length);
    }
    dst.reserve(buffer.length);
    while (this.#takeNext(dst)) {}
  }

  /** Appends the least sample of all cursors, and moves those behind it that have its time; false at the end. */
  #takeNext(dst: SampleColumns): boolean {
    const buffer = this.#buffer;
    const cursors = this.#cursors;
    const ends = this.#ends;
    let least = Infinity;
    let from = -1;
    for (let i = 0; i < cursors.length; i++) {
      const cursor = cursors[i];
      if (cursor < ends[i] && buffer.timestamps[cursor] < least) {
        least = buffer.timestamps[cursor];
        from = cursor;
      }
    }
    if (from < 0) return false;
    const histogram = buffer.histograms?.[from];
    if (histogram !== undefined) dst.appendHistogram(least, histogram);
    else dst.appendWords(least, buffer.valueWords[2 * from], buffer.valueWords[2 * from + 1]);
    for (let i = 0; i < cursors.length; i++) {
      if (cursors[i] < ends[i] && buffer.timestamps[cursors[i]] === least) cursors[i]++;
    }
    return true;
  }
}
