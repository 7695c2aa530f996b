import {
  BitBuffer,
  ByteReader,
  DecodeError,
  type HistogramFields,
  type HistogramLayout,
  histogramOf,
  readHistogramCounts,
  readHistogramLayout,
} from '@xscaler/encoding';
import { SampleColumns } from '@xscaler/model';
import { CHUNK_MAX_SAMPLES, type ChunkView, newChunkView } from './chunk.ts';
import { HistogramColumnReader } from './histogram-columns.ts';
import { NOTED_COLUMNS, NOTED_MAX_CELLS, NOTED_MAX_FLAGS, NOTED_ROWS, NOTED_STARTS } from './noted-chunk.ts';

/** Decodes what a noted chunk is on. */
export type BaseDecoder = (base: ChunkView, dst: SampleColumns, startMs: number, endMs: number) => void;

/** A start timestamp and the time of the first sample that has it; 0 is none. */
interface Change {
  readonly timeMs: number;
  readonly startMs: number;
}

/** Decodes chunks with histograms or start timestamps (noted-chunk.ts); its buffers are reused. */
export class NotedDecoder {
  readonly #decodeBase: BaseDecoder;
  readonly #base = newChunkView();
  readonly #samples = new SampleColumns();
  readonly #buffer = new BitBuffer();
  readonly #columns = new HistogramColumnReader();

  constructor(decodeBase: BaseDecoder) {
    this.#decodeBase = decodeBase;
  }

  /**
   * Appends the samples with startMs ≤ t ≤ endMs to `dst`.
   * @throws DecodeError if the bytes don't hold what the chunk says it has; `dst` is then as before
   */
  decode(chunk: ChunkView, dst: SampleColumns, startMs: number, endMs: number): void {
    if (chunk.count > CHUNK_MAX_SAMPLES) throw new DecodeError('a noted chunk of impossible size');
    const from = new ByteReader(chunk.bytes, chunk.start, chunk.end);
    const flags = from.u8();
    if (flags === 0 || flags > NOTED_MAX_FLAGS) throw new DecodeError(`flags ${flags} of a noted chunk`);
    const base = this.#readBase(from, chunk);
    const changes = flags & NOTED_STARTS ? readChanges(from, chunk) : [];
    if (flags === NOTED_STARTS && changes.length === 1 && changes[0].timeMs === chunk.minTimeMs) {
      mustEnd(from);
      this.#decodeUnderOneStart(base, changes[0].startMs, dst, startMs, endMs);
      return;
    }
    const samples = this.#samples;
    samples.reset();
    this.#decodeBase(base, samples, -Infinity, Infinity);
    const histograms = new Array<HistogramFields | undefined>(flags === NOTED_STARTS ? 0 : samples.length);
    if (flags & NOTED_ROWS) readRows(from, chunk.minTimeMs, samples, histograms);
    if (flags & NOTED_COLUMNS) this.#readColumns(from, chunk, samples, histograms);
    mustEnd(from);
    copyWithin(samples, histograms, changes, dst, startMs, endMs);
  }

  #readBase(from: ByteReader, chunk: ChunkView): ChunkView {
    const base = this.#base;
    base.encoding = from.u8();
    const length = from.uvarint();
    base.bytes = chunk.bytes;
    base.start = from.position;
    from.skip(length);
    base.end = from.position;
    base.minTimeMs = chunk.minTimeMs;
    base.maxTimeMs = chunk.maxTimeMs;
    base.count = chunk.count;
    return base;
  }

  /** The usual case of start timestamps: all samples of the chunk have one and the same. */
  #decodeUnderOneStart(
    base: ChunkView,
    start: number,
    dst: SampleColumns,
    startMs: number,
    endMs: number,
  ): void {
    const at = dst.length;
    this.#decodeBase(base, dst, startMs, endMs);
    if (dst.length === at) return;
    dst.setStartTime(at, start);
    dst.startTimes?.fill(start, at, dst.length);
  }

  #readColumns(
    from: ByteReader,
    chunk: ChunkView,
    samples: SampleColumns,
    histograms: (HistogramFields | undefined)[],
  ): void {
    this.#buffer.load(chunk.bytes, chunk.start, chunk.end);
    let layout: HistogramLayout | undefined;
    let cells = 0;
    let at = 0;
    for (let left = from.uvarint(); left > 0; left--) {
      at += from.uvarint();
      const count = from.uvarint();
      if (count < 1 || count > samples.length - at)
        throw new DecodeError('a noted chunk has histograms of no sample');
      layout = readLayout(from, layout);
      const { positiveCount, negativeCount } = layout;
      cells += count * (2 + positiveCount + negativeCount);
      if (cells > NOTED_MAX_CELLS && samples.length > 1)
        throw new DecodeError('a noted chunk has too many buckets');
      if (2 * (2 + positiveCount + negativeCount) > from.remaining)
        throw new DecodeError('the histograms of a noted chunk are cut short');
      const columns = this.#columns.read(
        from,
        this.#buffer,
        chunk.start,
        count,
        positiveCount,
        negativeCount,
      );
      for (let i = 0; i < count; i++)
        histograms[at + i] = histogramOf(
          layout,
          samples.values[at + i],
          columns.counts[i],
          columns.zeroCounts[i],
          columns.positive[i],
          columns.negative[i],
        );
      at += count;
    }
  }
}

function readRows(
  from: ByteReader,
  minTimeMs: number,
  { timestamps, values, length }: SampleColumns,
  histograms: (HistogramFields | undefined)[],
): void {
  let layout: HistogramLayout | undefined;
  let timeMs = minTimeMs;
  let sample = 0;
  for (let left = from.uvarint(); left > 0; left--) {
    timeMs += from.uvarint();
    while (sample < length && timestamps[sample] < timeMs) sample++;
    if (sample === length || timestamps[sample] !== timeMs)
      throw new DecodeError('a noted chunk has a histogram of no sample');
    layout = readLayout(from, layout);
    const end = from.uvarint() + from.position;
    histograms[sample] = readHistogramCounts(from, layout, values[sample]);
    if (from.position !== end) throw new DecodeError('a histogram of a noted chunk has another length');
    sample++;
  }
}

/** The layout told, or the one before. */
function readLayout(from: ByteReader, before: HistogramLayout | undefined): HistogramLayout {
  const length = from.uvarint();
  if (length === 0) {
    if (before === undefined) throw new DecodeError('a noted chunk has a histogram without a layout');
    return before;
  }
  const end = from.position + length;
  const layout = readHistogramLayout(from);
  if (from.position !== end) throw new DecodeError('a layout of a noted chunk has another length');
  return layout;
}

function readChanges(from: ByteReader, { minTimeMs, maxTimeMs, count }: ChunkView): Change[] {
  const changes: Change[] = [];
  const length = from.uvarint();
  if (length > count) throw new DecodeError('a noted chunk has too many start timestamps');
  let timeMs = minTimeMs;
  let startMs = minTimeMs;
  for (let i = 0; i < length; i++) {
    const head = from.uvarint();
    timeMs += Math.floor(head / 2);
    if (timeMs > maxTimeMs) throw new DecodeError('a noted chunk has a start timestamp of no sample');
    if (head % 2 === 1) startMs += from.varint();
    changes.push({ timeMs, startMs: head % 2 === 1 ? startMs : 0 });
  }
  return changes;
}

function mustEnd(from: ByteReader): void {
  if (from.remaining > 0) throw new DecodeError('a noted chunk has bytes left over');
}

/** Appends the samples within the bounds, with their histograms and start timestamps. */
function copyWithin(
  samples: SampleColumns,
  histograms: readonly (HistogramFields | undefined)[],
  changes: readonly Change[],
  dst: SampleColumns,
  startMs: number,
  endMs: number,
): void {
  const { timestamps, valueWords, length } = samples;
  let change = 0;
  let start = 0;
  for (let i = 0; i < length; i++) {
    const timestampMs = timestamps[i];
    while (change < changes.length && changes[change].timeMs <= timestampMs)
      start = changes[change++].startMs;
    if (timestampMs < startMs || timestampMs > endMs) continue;
    dst.appendWords(timestampMs, valueWords[2 * i], valueWords[2 * i + 1]);
    const histogram = histograms[i];
    if (histogram !== undefined) {
      dst.histograms ??= [];
      dst.histograms[dst.length - 1] = histogram;
    }
    if (start !== 0) dst.setStartTime(dst.length - 1, start);
  }
}
