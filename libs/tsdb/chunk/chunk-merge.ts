import { SampleColumns } from '@xscaler/model';
import { type ChunkView, newChunkView } from './chunk.ts';
import type { ChunkDecoder } from './chunk-decoder.ts';

/** A chunk and how much it counts: if times are equal, the sample of the first by `compareRank` stands. */
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

/** A chunk of a cluster whose turn has come: its samples within the bounds, and the next of them. */
interface Cursor {
  readonly chunk: RankedChunk;
  readonly samples: SampleColumns;
  at: number;
}

/**
 * Merges chunks of one series. Chunks that overlap no other, the ordinary case, are decoded straight into the
 * destination; of a cluster of overlapping ones those are decoded and merged that overlap at a moment, so that a
 * long chain costs no more than its links. Its buffers are reused.
 */
export class ChunkMerger {
  readonly #decoder: ChunkDecoder;
  /** In order of rank, so that the first of those with the least time has the sample that stands. */
  readonly #cursors: Cursor[] = [];
  readonly #spare: SampleColumns[] = [];

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
    this.#cursors.length = 0; // a damaged chunk may have left some
    for (let next = 0; next < cluster.length; ) {
      this.#addCursor(cluster[next++], startMs, endMs);
      this.#takeBefore(dst, next < cluster.length ? cluster[next].minTimeMs : Infinity);
    }
  }

  #addCursor(chunk: RankedChunk, startMs: number, endMs: number): void {
    const samples = this.#spare.pop() ?? new SampleColumns();
    samples.reset();
    this.#decoder.decodeInto(samples, chunk, startMs, endMs);
    const behind = this.#cursors.findIndex((cursor) => compareRank(chunk, cursor.chunk) < 0);
    this.#cursors.splice(behind < 0 ? this.#cursors.length : behind, 0, { chunk, samples, at: 0 });
  }

  /** Appends what lies before `limitMs`, where the next chunk begins, and drops the cursors that are done. */
  #takeBefore(dst: SampleColumns, limitMs: number): void {
    const cursors = this.#cursors;
    for (;;) {
      let least = Infinity;
      let from = -1;
      for (let i = 0; i < cursors.length; i++) {
        const { samples, at } = cursors[i];
        if (at < samples.length && samples.timestamps[at] < least) {
          least = samples.timestamps[at];
          from = i;
        }
      }
      if (from < 0 || least >= limitMs) break;
      appendFrom(dst, cursors[from]);
      for (let i = 0; i < cursors.length; i++) {
        const cursor = cursors[i];
        if (cursor.at < cursor.samples.length && cursor.samples.timestamps[cursor.at] === least) cursor.at++;
      }
    }
    this.#dropDone();
  }

  #dropDone(): void {
    const cursors = this.#cursors;
    for (let i = cursors.length - 1; i >= 0; i--) {
      const { samples, at } = cursors[i];
      if (at < samples.length) continue;
      this.#spare.push(samples);
      cursors.splice(i, 1);
    }
  }
}

function appendFrom(dst: SampleColumns, { samples, at }: Cursor): void {
  dst.appendWords(samples.timestamps[at], samples.valueWords[2 * at], samples.valueWords[2 * at + 1]);
  const histogram = samples.histograms?.[at];
  if (histogram !== undefined) {
    dst.histograms ??= [];
    dst.histograms[dst.length - 1] = histogram;
  }
  const startMs = samples.startTimes?.[at];
  if (startMs) dst.setStartTime(dst.length - 1, startMs);
}
