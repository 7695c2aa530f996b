import type { Labels, SampleColumns } from '@xscaler/model';
import { ChunkDecoder } from '../chunk/chunk-decoder.ts';
import { ChunkMerger, newRankedChunk, type RankedChunk } from '../chunk/chunk-merge.ts';
import { IdTable } from '../memory/id-table.ts';
import { SeriesFrameReader } from './series-frame.ts';

/** Gathers frames of heads and blocks and merges them by series id. Keeps the frames, not copies of them. */
export class SeriesMerger {
  readonly #ids = new IdTable(64);
  readonly #labels: Labels[] = [];
  readonly #chunks: RankedChunk[][] = [];
  #place = 0;
  #sampleCount = 0;
  #byteSize = 0;

  /** Distinct series so far. */
  get seriesCount(): number {
    return this.#ids.size;
  }

  /** Samples in all chunks so far, doubles and those outside the bounds included. */
  get sampleCount(): number {
    return this.#sampleCount;
  }

  /** Bytes of the frames held. */
  get byteSize(): number {
    return this.#byteSize;
  }

  /** @throws DecodeError; the merger is of no use afterwards */
  addFrame(bytes: Uint8Array): void {
    this.#byteSize += bytes.length;
    const reader = new SeriesFrameReader(bytes);
    const { partition, fromOffset, id } = reader;
    while (reader.next()) {
      let series = this.#ids.find(id[0], id[1], id[2], id[3]);
      if (series < 0) {
        series = this.#ids.add(id[0], id[1], id[2], id[3]);
        this.#labels.push(reader.labels());
        this.#chunks.push([]);
      }
      const chunks = this.#chunks[series];
      for (let left = reader.chunkCount; left > 0; left--) {
        const chunk = newRankedChunk(partition, fromOffset, this.#place++);
        reader.nextChunk(chunk);
        chunks.push(chunk);
        this.#sampleCount += chunk.count;
      }
    }
  }

  /** The series that by their chunks' bounds may have samples in [startMs, endMs], sorted by labels. */
  finish(startMs: number, endMs: number): MergedSeries[] {
    const merger = new ChunkMerger(new ChunkDecoder());
    const merged: MergedSeries[] = [];
    for (let i = 0; i < this.#chunks.length; i++) {
      const chunks = within(this.#chunks[i], startMs, endMs);
      if (chunks.length > 0) merged.push(new MergedSeries(this.#labels[i], chunks, merger, startMs, endMs));
    }
    return merged.sort((a, b) => a.labels.compare(b.labels));
  }
}

/** The chunks that may have samples within the bounds, sorted by time. */
function within(chunks: readonly RankedChunk[], startMs: number, endMs: number): RankedChunk[] {
  const kept: RankedChunk[] = [];
  let sorted = true;
  for (const chunk of chunks) {
    if (chunk.minTimeMs > endMs || chunk.maxTimeMs < startMs) continue;
    sorted &&= kept.length === 0 || kept[kept.length - 1].minTimeMs <= chunk.minTimeMs;
    kept.push(chunk);
  }
  return sorted ? kept : kept.sort((a, b) => a.minTimeMs - b.minTimeMs);
}

/** One series of a merge; satisfies storage's `Series`. */
export class MergedSeries {
  readonly labels: Labels;
  readonly #chunks: readonly RankedChunk[];
  readonly #merger: ChunkMerger;
  readonly #startMs: number;
  readonly #endMs: number;

  constructor(
    labels: Labels,
    chunks: readonly RankedChunk[],
    merger: ChunkMerger,
    startMs: number,
    endMs: number,
  ) {
    this.labels = labels;
    this.#chunks = chunks;
    this.#merger = merger;
    this.#startMs = startMs;
    this.#endMs = endMs;
  }

  /** At most this many samples are read. */
  get sampleCountBound(): number {
    return this.#chunks.reduce((sum, { count }) => sum + count, 0);
  }

  /** Appends the samples within the merge's bounds, increasing in time, each time once. @throws DecodeError */
  read(dst: SampleColumns): void {
    this.#merger.mergeInto(dst, this.#chunks, this.#startMs, this.#endMs);
  }
}
