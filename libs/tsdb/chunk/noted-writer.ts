import {
  ByteWriter,
  type HistogramFields,
  writeHistogramCounts,
  writeHistogramLayout,
} from '@xscaler/encoding';
import type { SampleColumns } from '@xscaler/model';
import type { ChunkView } from './chunk.ts';
import { HistogramColumnWriter } from './histogram-columns.ts';
import {
  NOTED_COLUMNS,
  NOTED_MAX_CELLS,
  NOTED_STARTS,
  StartChangeWriter,
  writeNotedBase,
} from './noted-chunk.ts';

/** Histograms of one layout in a row: those of the samples `from` … `to` (exclusive). */
interface Segment {
  readonly from: number;
  to: number;
  readonly layout: Buffer;
}

/** Writes noted chunks (noted-chunk.ts) as blocks have them; its buffers are reused. */
export class NotedWriter {
  readonly #layout = new ByteWriter(64);
  readonly #columns = new HistogramColumnWriter();
  readonly #changes = new StartChangeWriter();

  /** Whether any of the samples `from` … `to` (exclusive) has something to be noted. */
  isWanted({ histograms, startTimes }: SampleColumns, from: number, to: number): boolean {
    if (histograms !== undefined)
      for (let i = from; i < to; i++) if (histograms[i] !== undefined) return true;
    if (startTimes !== undefined) for (let i = from; i < to; i++) if (startTimes[i] !== 0) return true;
    return false;
  }

  /** How far samples from `from` on, `to` at most, fit a chunk with their histograms: one of them at least. */
  fit({ histograms }: SampleColumns, from: number, to: number): number {
    if (histograms === undefined) return to;
    let cells = 0;
    for (let i = from; i < to; i++) {
      const histogram = histograms[i];
      if (histogram === undefined) continue;
      cells += 2 + histogram.positiveBuckets.length + histogram.negativeBuckets.length;
      if (cells > NOTED_MAX_CELLS) return Math.max(i, from + 1);
    }
    return to;
  }

  /** Appends the chunk of the samples `from` … `to` (exclusive), of which `base` has times and values. */
  write(
    dst: ByteWriter,
    columns: SampleColumns,
    from: number,
    to: number,
    encoding: number,
    base: Pick<ChunkView, 'bytes' | 'start' | 'end'>,
  ): void {
    const changes = startChanges(columns, from, to);
    const segments = this.#segments(columns, from, to);
    const flags = (changes.length > 0 ? NOTED_STARTS : 0) | (segments.length > 0 ? NOTED_COLUMNS : 0);
    writeNotedBase(dst, flags, encoding, base);
    if (changes.length > 0) {
      const { timestamps, startTimes } = columns;
      this.#changes.begin(dst, timestamps[from], changes.length);
      for (const i of changes) this.#changes.add(dst, timestamps[i], (startTimes as Float64Array)[i]);
    }
    if (segments.length > 0) this.#writeSegments(dst, columns, from, segments);
  }

  #segments({ histograms }: SampleColumns, from: number, to: number): Segment[] {
    const segments: Segment[] = [];
    if (histograms === undefined) return segments;
    const layout = this.#layout;
    let last: Segment | undefined;
    for (let i = from; i < to; i++) {
      const histogram = histograms[i];
      if (histogram === undefined) continue;
      layout.reset();
      writeHistogramLayout(layout, histogram, isInteger(histogram));
      if (last !== undefined && last.to === i && last.layout.equals(layout.written())) last.to++;
      else {
        last = { from: i, to: i + 1, layout: Buffer.from(layout.written()) };
        segments.push(last);
      }
    }
    return segments;
  }

  #writeSegments(
    dst: ByteWriter,
    { histograms }: SampleColumns,
    from: number,
    segments: readonly Segment[],
  ): void {
    let before: Buffer | undefined;
    let at = from;
    dst.uvarint(segments.length);
    for (const segment of segments) {
      const { layout } = segment;
      dst.uvarint(segment.from - at);
      dst.uvarint(segment.to - segment.from);
      at = segment.to;
      if (before?.equals(layout)) dst.uvarint(0);
      else {
        dst.uvarint(layout.length);
        dst.raw(layout);
      }
      before = layout;
      this.#columns.write(dst, (histograms as HistogramFields[]).slice(segment.from, segment.to));
    }
  }
}

/** Histograms that heads and blocks hand out say how they came; those of anybody else came as floats. */
function isInteger(histogram: object): boolean {
  return 'isInteger' in histogram && histogram.isInteger === true;
}

/** Appends one canonical form of all histograms and start timestamps: nothing if there are none. */
export function writeNotes(dst: ByteWriter, columns: SampleColumns): void {
  const { histograms, startTimes, length } = columns;
  for (let i = 0; histograms !== undefined && i < length; i++) {
    const histogram = histograms[i];
    if (histogram === undefined) continue;
    dst.uvarint(i * 2);
    writeHistogramLayout(dst, histogram, isInteger(histogram));
    writeHistogramCounts(dst, histogram, isInteger(histogram));
  }
  for (const i of startChanges(columns, 0, length)) {
    dst.uvarint(i * 2 + 1);
    dst.varint((startTimes as Float64Array)[i]);
  }
}

/** The samples whose start timestamp is not that of the sample before, the first counting from none. */
function startChanges({ startTimes }: SampleColumns, from: number, to: number): number[] {
  const changes: number[] = [];
  if (startTimes === undefined) return changes;
  let startMs = 0;
  for (let i = from; i < to; i++) {
    if (startTimes[i] === startMs) continue;
    startMs = startTimes[i];
    changes.push(i);
  }
  return changes;
}
