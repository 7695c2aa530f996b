import type { ByteWriter } from '@xscaler/encoding';
import type { ChunkView } from './chunk.ts';
import type { HistogramBytes } from './histogram-bytes.ts';

/*
 * A chunk some of whose samples are native histograms or have start timestamps. Chunks of neither, nearly all, are of
 * another encoding and pay nothing.
 *
 *   chunk   := flags u8, encoding u8, length uvarint, base, starts if flags & 1, rows or columns
 *   base    := a chunk of that encoding: the times, and the values of floats, and the sums of histograms
 *   starts  := changeCount uvarint, change …
 *   change  := head uvarint, start varint if head is odd
 *              From the sample at head / 2 (rounded down) ms on, counted from the change before and first from the chunk's
 *              first sample, samples have a start timestamp: what `start` is above the one before, the first
 *              above the time of the chunk's first sample. Where head is even they have none.
 *   rows    := rowCount uvarint, row …                   flags & 2: as heads have them
 *   row     := gapMs uvarint, layoutLength uvarint, layout, countsLength uvarint, counts
 *              `gapMs` counts as in `change`; layoutLength 0 means the layout of the row before. Layout and counts are as
 *              `histogram-bytes.ts` of `@xscaler/encoding` has them.
 *   columns := segmentCount uvarint, segment …           flags & 4: as blocks have them
 *   segment := gap uvarint, count uvarint, layoutLength uvarint, layout, columns (histogram-columns.ts)
 *              `count` samples in a row are histograms of this layout, the first of them `gap` samples behind the
 *              segment before; layoutLength 0 means the layout of the segment before.
 */
export const NOTED_STARTS = 1;
export const NOTED_ROWS = 2;
export const NOTED_COLUMNS = 4;
export const NOTED_MAX_FLAGS = 7;

/** Most counts and buckets of all histograms of a chunk, unless it has one sample only: 2 MB once decoded. */
export const NOTED_MAX_CELLS = 262_144;

/** Appends the beginning of a chunk: its flags and the chunk of times and values that it is on. */
export function writeNotedBase(
  dst: ByteWriter,
  flags: number,
  encoding: number,
  { bytes, start, end }: Pick<ChunkView, 'bytes' | 'start' | 'end'>,
): void {
  dst.u8(flags);
  dst.u8(encoding);
  dst.uvarint(end - start);
  dst.raw(bytes, start, end);
}

/** Writes start timestamps by their changes. */
export class StartChangeWriter {
  #beforeMs = 0;
  #startMs = 0;

  /** `minTimeMs` is the chunk's. */
  begin(dst: ByteWriter, minTimeMs: number, changeCount: number): void {
    dst.uvarint(changeCount);
    this.#beforeMs = minTimeMs;
    this.#startMs = minTimeMs;
  }

  /** From `timeMs` on samples have a start timestamp, or with 0 none; times ascend. */
  add(dst: ByteWriter, timeMs: number, startMs: number): void {
    dst.uvarint((timeMs - this.#beforeMs) * 2 + (startMs === 0 ? 0 : 1));
    this.#beforeMs = timeMs;
    if (startMs === 0) return;
    dst.varint(startMs - this.#startMs);
    this.#startMs = startMs;
  }
}

/** Writes histograms as rows, the bytes they came in. */
export class HistogramRowWriter {
  #beforeMs = 0;
  #layout = 0;

  begin(dst: ByteWriter, minTimeMs: number, rowCount: number): void {
    dst.uvarint(rowCount);
    this.#beforeMs = minTimeMs;
    this.#layout = 0;
  }

  /** `layoutAddress`, never 0, is the same if the layout is; `layout` and `counts` tell where either's bytes are. */
  add(
    dst: ByteWriter,
    timeMs: number,
    layoutAddress: number,
    layout: HistogramBytes,
    counts: HistogramBytes,
  ): void {
    dst.uvarint(timeMs - this.#beforeMs);
    this.#beforeMs = timeMs;
    if (layoutAddress === this.#layout) dst.uvarint(0);
    else {
      this.#layout = layoutAddress;
      dst.uvarint(layout.layoutEnd - layout.layoutStart);
      dst.raw(layout.bytes, layout.layoutStart, layout.layoutEnd);
    }
    dst.uvarint(counts.countsEnd - counts.countsStart);
    dst.raw(counts.bytes, counts.countsStart, counts.countsEnd);
  }
}
