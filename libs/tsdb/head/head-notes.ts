import { ByteWriter } from '@xscaler/encoding';
import { type ChunkView, ENCODING_NOTED } from '../chunk/chunk.ts';
import { type HistogramBytes, newHistogramBytes } from '../chunk/histogram-bytes.ts';
import {
  HistogramRowWriter,
  NOTED_ROWS,
  NOTED_STARTS,
  StartChangeWriter,
  writeNotedBase,
} from '../chunk/noted-chunk.ts';
import type { PagePool } from '../memory/page-pool.ts';
import { HeadHistograms } from './head-histograms.ts';
import { HeadStartTimes, type StartChange } from './head-start-times.ts';

/**
 * What a head knows of samples beside time and value: native histograms and start timestamps. Made when a sample
 * brings one or the other; times are relative to the window's start.
 */
export class HeadNotes {
  readonly histograms: HeadHistograms;
  readonly #starts = new HeadStartTimes();
  readonly #windowStartMs: number;
  readonly #writer = new ByteWriter(4096);
  readonly #rows = new HistogramRowWriter();
  readonly #changes = new StartChangeWriter();
  readonly #layout = newHistogramBytes();
  readonly #counts = newHistogramBytes();

  constructor(windowStartMs: number, pool: PagePool) {
    this.#windowStartMs = windowStartMs;
    this.histograms = new HeadHistograms(pool);
  }

  get byteSize(): number {
    return this.histograms.byteSize + this.#starts.byteSize;
  }

  /** Tells of a slot's youngest in-order sample, that of a float without start timestamp too. */
  set(slot: number, time: number, startMs: number, histogram: HistogramBytes | undefined): void {
    this.#starts.set(slot, time, startMs);
    if (histogram !== undefined) this.histograms.add(slot, time, histogram);
  }

  /** The slot's in-order chunks with what is noted of their samples; by time, as they are given. */
  withNotes(slot: number, chunks: ChunkView[]): ChunkView[] {
    if (chunks.length === 0 || !(this.#starts.has(slot) || this.histograms.has(slot))) return chunks;
    const first = chunks[0].minTimeMs - this.#windowStartMs;
    const last = chunks[chunks.length - 1].maxTimeMs - this.#windowStartMs;
    const changes = this.#starts.between(slot, first, last);
    const entries = this.histograms.between(slot, first, last);
    let change = 0;
    let entry = 0;
    let startMs = 0;
    return chunks.map((chunk) => {
      const minTime = chunk.minTimeMs - this.#windowStartMs;
      const maxTime = chunk.maxTimeMs - this.#windowStartMs;
      while (change < changes.length && changes[change].time <= minTime) startMs = changes[change++].startMs;
      const within: StartChange[] = startMs === 0 ? [] : [{ time: minTime, startMs }];
      while (change < changes.length && changes[change].time <= maxTime) {
        within.push(changes[change]);
        startMs = changes[change++].startMs;
      }
      const from = entry;
      while (entry < entries.length && this.histograms.timeOf(entries[entry]) <= maxTime) entry++;
      return this.#noted(chunk, within, entries.slice(from, entry));
    });
  }

  /** A late chunk of samples that have start timestamps or entries of histograms (0 for none). */
  lateChunk(
    chunk: ChunkView,
    times: Int32Array,
    from: number,
    to: number,
    starts: Float64Array,
    histograms: Uint32Array,
  ): ChunkView {
    const changes: StartChange[] = [];
    const entries: number[] = [];
    let startMs = 0;
    for (let i = from; i < to; i++) {
      if (starts[i] !== startMs) {
        startMs = starts[i];
        changes.push({ time: times[i], startMs });
      }
      if (histograms[i] !== 0) entries.push(histograms[i]);
    }
    return this.#noted(chunk, changes, entries);
  }

  release(): void {
    this.histograms.release();
  }

  #noted(chunk: ChunkView, changes: readonly StartChange[], entries: readonly number[]): ChunkView {
    const flags = (changes.length > 0 ? NOTED_STARTS : 0) | (entries.length > 0 ? NOTED_ROWS : 0);
    if (flags === 0) return chunk;
    const writer = this.#writer;
    writer.reset();
    writeNotedBase(writer, flags, chunk.encoding, chunk);
    if (changes.length > 0) {
      this.#changes.begin(writer, chunk.minTimeMs, changes.length);
      for (const { time, startMs } of changes) this.#changes.add(writer, this.#windowStartMs + time, startMs);
    }
    if (entries.length > 0) {
      this.#rows.begin(writer, chunk.minTimeMs, entries.length);
      for (const entry of entries) {
        this.histograms.read(entry, this.#counts, this.#layout);
        const timeMs = this.#windowStartMs + this.histograms.timeOf(entry);
        this.#rows.add(writer, timeMs, this.histograms.layoutOf(entry), this.#layout, this.#counts);
      }
    }
    const bytes = writer.take();
    return { ...chunk, encoding: ENCODING_NOTED, bytes, start: 0, end: bytes.length };
  }
}
