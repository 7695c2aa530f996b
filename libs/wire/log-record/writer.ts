import { crc32 } from 'node:zlib';
import { ByteWriter } from '@xscaler/encoding';
import { type Exemplar, type FloatHistogram, METRIC_TYPES, type MetricMetadata } from '@xscaler/model';
import { type Deletion, writeDeletion } from './deletion.ts';
import {
  CRC_BYTES,
  type Cut,
  FLAG_COUNTS,
  KIND_CUT,
  KIND_DELETION,
  KIND_SAMPLES,
  MAX_TIMESTAMP_MS,
  RECORD_VERSION,
  RECORD_VERSION_2,
  RECORD_VERSION_3,
  TAG_ALL_EXEMPLARS,
  TAG_EXEMPLARS,
  TAG_HISTOGRAMS,
  TAG_METADATA,
  TAG_START_TIMES,
} from './format.ts';
import { HistogramSection } from './histogram-section.ts';
import { storeLabels, writeLabelHeader } from './label-section.ts';
import { writeSection } from './section.ts';
import { StartTimeSection } from './start-time-section.ts';

/** Of all ways to copy 260 bytes this is the cheapest: `set(subarray())` takes twice as long. */
const copyBytes = Buffer.prototype.copy;

/** How far a record was. */
interface RecordMark {
  seriesCount: number;
  sampleCount: number;
  previousMs: number;
  timestampBytes: number;
  labelBytes: number;
  exemplarCount: number;
  exemplarBytes: number;
}

/**
 * Builds samples records (see `format.ts`), one after another in the same buffers.
 *
 * Call `reset`, then for each series `addSeries` followed by its samples (`addSample` for a float, `addHistogram` for a
 * native histogram, each perhaps with `setStartTime`) and exemplars, then `finish`.
 * Nothing is allocated per series or sample once the columns have grown.
 */
export class LogRecordWriter {
  #tenant = '';
  #windowMs = 0;
  #keepsAllExemplars = true;
  #seriesCount = 0;
  #sampleCount = 0;
  #previousMs = 0;
  #ids = new Uint32Array(4 * 64);
  #counts = new Uint32Array(64);
  #values = new Uint32Array(2 * 256);
  #timestamps = new ByteWriter(1024);
  #labels = new ByteWriter(16 * 1024);
  #exemplarCount = 0;
  #exemplars = new ByteWriter(256);
  #metadataCount = 0;
  #metadata = new ByteWriter(256);
  readonly #histograms = new HistogramSection();
  readonly #startTimes = new StartTimeSection();
  #frame = new ByteWriter(1024);
  readonly #mark: RecordMark = {
    seriesCount: 0,
    sampleCount: 0,
    previousMs: 0,
    timestampBytes: 0,
    labelBytes: 0,
    exemplarCount: 0,
    exemplarBytes: 0,
  };

  /**
   * Begins a record; what was added before and not finished is dropped.
   * @param keepsAllExemplars whether heads are to keep all of its exemplars: then it is of version 3 if it has any
   */
  reset(tenant: string, windowMs: number, keepsAllExemplars = true): void {
    this.#tenant = tenant;
    this.#windowMs = windowMs;
    this.#keepsAllExemplars = keepsAllExemplars;
    this.#seriesCount = 0;
    this.#sampleCount = 0;
    this.#previousMs = 0;
    this.#timestamps.reset();
    this.#labels.reset();
    this.#exemplarCount = 0;
    this.#exemplars.reset();
    this.#metadataCount = 0;
    this.#metadata.reset();
    this.#histograms.reset();
    this.#startTimes.reset();
    this.mark();
  }

  /** Notes how far the record is, for `rewind`; between the two nothing but series and what belongs to them is added. */
  mark(): void {
    const mark = this.#mark;
    mark.seriesCount = this.#seriesCount;
    mark.sampleCount = this.#sampleCount;
    mark.previousMs = this.#previousMs;
    mark.timestampBytes = this.#timestamps.length;
    mark.labelBytes = this.#labels.length;
    mark.exemplarCount = this.#exemplarCount;
    mark.exemplarBytes = this.#exemplars.length;
    this.#histograms.mark();
    this.#startTimes.mark();
  }

  /** Takes back what was added since the last `mark`, or `reset`. */
  rewind(): void {
    const mark = this.#mark;
    this.#seriesCount = mark.seriesCount;
    this.#sampleCount = mark.sampleCount;
    this.#previousMs = mark.previousMs;
    this.#timestamps.length = mark.timestampBytes;
    this.#labels.length = mark.labelBytes;
    this.#exemplarCount = mark.exemplarCount;
    this.#exemplars.length = mark.exemplarBytes;
    this.#histograms.rewind();
    this.#startTimes.rewind();
  }

  get seriesCount(): number {
    return this.#seriesCount;
  }

  get sampleCount(): number {
    return this.#sampleCount;
  }

  get isEmpty(): boolean {
    return this.#seriesCount === 0 && this.#metadataCount === 0;
  }

  /** An upper bound of the record's length so far, in bytes: labels count before compression. */
  get byteLength(): number {
    return (
      256 +
      21 * this.#seriesCount +
      8 * this.#sampleCount +
      this.#timestamps.length +
      this.#labels.length +
      this.#exemplars.length +
      this.#metadata.length +
      this.#histograms.byteLength +
      this.#startTimes.byteLength
    );
  }

  /**
   * Begins a series: its id as four words (little-endian, in the order of the id's bytes) and its labels,
   * `source[labelsStart, labelsEnd)`, normalised as the grammar says; they are copied.
   */
  addSeries(
    id0: number,
    id1: number,
    id2: number,
    id3: number,
    source: Uint8Array,
    labelsStart: number,
    labelsEnd: number,
  ): void {
    const series = this.#seriesCount++;
    if (series === this.#counts.length) this.#growSeries();
    const ids = this.#ids;
    ids[4 * series] = id0;
    ids[4 * series + 1] = id1;
    ids[4 * series + 2] = id2;
    ids[4 * series + 3] = id3;
    this.#counts[series] = 0;
    const labels = this.#labels;
    const length = labelsEnd - labelsStart;
    labels.uvarint(length);
    labels.reserve(length);
    copyBytes.call(source as Buffer, labels.bytes, labels.length, labelsStart, labelsEnd);
    labels.length += length;
  }

  /** A sample of the series begun last: time in ms, an integer within ±`MAX_TIMESTAMP_MS`, value as 64 bits. */
  addSample(timestampMs: number, low: number, high: number): void {
    this.#addValue(low, high);
    this.#timestamps.varint(timestampMs - this.#previousMs);
    this.#previousMs = timestampMs;
  }

  /**
   * The `i`th of samples that stand in arrays, as a source has them. A time that is an argument would be an object: V8 boxes
   * doubles that it hands over.
   */
  addSampleOf(timestamps: Float64Array, valueWords: Uint32Array, i: number): void {
    this.#addValue(valueWords[2 * i] | 0, valueWords[2 * i + 1] | 0);
    const timestampMs = timestamps[i];
    this.#timestamps.varint(timestampMs - this.#previousMs);
    this.#previousMs = timestampMs;
  }

  #addValue(low: number, high: number): void {
    const sample = this.#sampleCount++;
    if (2 * sample === this.#values.length) this.#growSamples();
    this.#values[2 * sample] = low;
    this.#values[2 * sample + 1] = high;
    this.#counts[this.#seriesCount - 1]++;
  }

  /**
   * A native histogram as the next sample of the series begun last. Its sum is told as 64 bits, so that a staleness
   * marker stays one; `histogram.sum` is not looked at. It comes back with integer counts if `isInteger` and all
   * counts are whole and below 2^53, and else with float counts. It takes at most `histogramByteBound` bytes more than
   * a float, and lies in one record: who splits records asks for that room before.
   * @throws RangeError if its schema, spans and buckets don't go together; the writer is as before
   */
  addHistogram(
    timestampMs: number,
    sumLow: number,
    sumHigh: number,
    histogram: FloatHistogram,
    isInteger: boolean,
  ): void {
    this.#histograms.add(this.#sampleCount, histogram, isInteger);
    this.addSample(timestampMs, sumLow, sumHigh);
  }

  /** The start timestamp, in ms, of the sample added last: an integer within ±`MAX_TIMESTAMP_MS`; 0 is none. */
  setStartTime(startMs: number): void {
    if (startMs !== 0) this.#startTimes.set(this.#sampleCount - 1, startMs);
  }

  /** An exemplar of the series begun last. */
  addExemplar(exemplar: Exemplar): void {
    const { labels, value, timestampMs } = exemplar;
    if (!Number.isInteger(timestampMs) || Math.abs(timestampMs) > MAX_TIMESTAMP_MS) {
      throw new RangeError(`an exemplar at ${timestampMs} ms`);
    }
    const to = this.#exemplars;
    this.#exemplarCount++;
    to.uvarint(this.#seriesCount - 1);
    to.varint(timestampMs);
    to.f64(value);
    to.uvarint(labels.size);
    for (const text of labels.pairs) to.string(text);
  }

  addMetadata(metadata: MetricMetadata): void {
    const to = this.#metadata;
    this.#metadataCount++;
    to.string(metadata.metric);
    to.u8(METRIC_TYPES.indexOf(metadata.type));
    to.string(metadata.help);
    to.string(metadata.unit);
  }

  /** The record, alone in its buffer: the caller owns it and may transfer it. The writer then wants a `reset`. */
  finish(): Uint8Array<ArrayBuffer> {
    const series = this.#seriesCount;
    const frame = this.#frame;
    frame.reset();
    frame.u8(this.#lowestVersion());
    frame.u8(KIND_SAMPLES);
    frame.string(this.#tenant);
    frame.uvarint(this.#windowMs);
    const withCounts = !this.#oneSampleEach();
    frame.u8(withCounts ? FLAG_COUNTS : 0);
    frame.uvarint(series);
    frame.uvarint(this.#sampleCount);
    const headEnd = frame.length;
    if (withCounts) for (let i = 0; i < series; i++) frame.uvarint(this.#counts[i]);
    const countsEnd = frame.length;
    const labels = storeLabels(this.#labels.written());
    writeLabelHeader(labels, frame);
    const labelHeaderEnd = frame.length;
    this.#writeSections();

    const pieces = [
      frame.bytes.subarray(0, headEnd),
      new Uint8Array(this.#ids.buffer, 0, 16 * series),
      frame.bytes.subarray(headEnd, countsEnd),
      this.#timestamps.written(),
      new Uint8Array(this.#values.buffer, 0, 8 * this.#sampleCount),
      frame.bytes.subarray(countsEnd, labelHeaderEnd),
      labels.stored,
      frame.bytes.subarray(labelHeaderEnd, frame.length),
    ];
    return sealed(pieces);
  }

  #lowestVersion(): number {
    if (this.#exemplarCount > 0 && this.#keepsAllExemplars) return RECORD_VERSION_3;
    return this.#histograms.isEmpty && this.#startTimes.isEmpty ? RECORD_VERSION : RECORD_VERSION_2;
  }

  #writeSections(): void {
    const frame = this.#frame;
    const keepsAll = this.#keepsAllExemplars;
    if (!keepsAll) this.#writeExemplars(TAG_EXEMPLARS);
    if (this.#metadataCount > 0) writeSection(frame, TAG_METADATA, this.#metadataCount, this.#metadata);
    if (!this.#histograms.isEmpty) this.#histograms.writeTo(frame, TAG_HISTOGRAMS);
    if (!this.#startTimes.isEmpty) this.#startTimes.writeTo(frame, TAG_START_TIMES);
    if (keepsAll) this.#writeExemplars(TAG_ALL_EXEMPLARS);
  }

  #writeExemplars(tag: number): void {
    if (this.#exemplarCount > 0) writeSection(this.#frame, tag, this.#exemplarCount, this.#exemplars);
  }

  #oneSampleEach(): boolean {
    const counts = this.#counts;
    for (let i = 0; i < this.#seriesCount; i++) if (counts[i] !== 1) return false;
    return true;
  }

  #growSeries(): void {
    const ids = new Uint32Array(this.#ids.length * 2);
    ids.set(this.#ids);
    this.#ids = ids;
    const counts = new Uint32Array(this.#counts.length * 2);
    counts.set(this.#counts);
    this.#counts = counts;
  }

  #growSamples(): void {
    const values = new Uint32Array(this.#values.length * 2);
    values.set(this.#values);
    this.#values = values;
  }
}

export function encodeCut(cut: Cut): Uint8Array<ArrayBuffer> {
  const frame = new ByteWriter(64);
  frame.u8(RECORD_VERSION);
  frame.u8(KIND_CUT);
  frame.string(cut.tenant);
  frame.varint(cut.windowStartMs);
  frame.uvarint(cut.windowMs);
  frame.uvarint(cut.seq);
  frame.string(cut.zone);
  return sealed([frame.written()]);
}

export function encodeDeletion(deletion: Deletion): Uint8Array<ArrayBuffer> {
  const frame = new ByteWriter(256);
  frame.u8(RECORD_VERSION);
  frame.u8(KIND_DELETION);
  writeDeletion(frame, deletion);
  return sealed([frame.written()]);
}

/** Joins the pieces and adds the checksum. */
function sealed(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = CRC_BYTES;
  for (const piece of pieces) length += piece.length;
  const record = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    record.set(piece, at);
    at += piece.length;
  }
  new DataView(record.buffer).setUint32(at, crc32(record.subarray(0, at)), true);
  return record;
}
