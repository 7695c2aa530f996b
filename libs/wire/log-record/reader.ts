import { crc32 } from 'node:zlib';
import { ByteReader, DecodeError } from '@xscaler/encoding';
import { Labels, METRIC_TYPES, type MetricMetadata } from '@xscaler/model';
import { type Deletion, readDeletion } from './deletion.ts';
import {
  CRC_BYTES,
  FLAG_COUNTS,
  KIND_CUT,
  KIND_DELETION,
  KIND_SAMPLES,
  MAX_TIMESTAMP_MS,
  RECORD_VERSION,
  RECORD_VERSION_2,
  RECORD_VERSION_3,
  type RecordExemplar,
  type RecordHistogram,
  type RecordKind,
  TAG_ALL_EXEMPLARS,
  TAG_EXEMPLARS,
  TAG_HISTOGRAMS,
  TAG_METADATA,
  TAG_START_TIMES,
  UnknownRecordError,
} from './format.ts';
import { HistogramPlaces } from './histogram-section.ts';
import { LabelMemo } from './label-memo.ts';
import { expandLabels, readStoredLabels, type StoredLabels } from './label-section.ts';
import { readStartTimes } from './start-time-section.ts';

/** The last tag that a record may have, by its version. */
const LAST_TAGS: Readonly<Record<number, number>> = {
  [RECORD_VERSION]: TAG_METADATA,
  [RECORD_VERSION_2]: TAG_START_TIMES,
  [RECORD_VERSION_3]: TAG_ALL_EXEMPLARS,
};

const NO_BYTES = new Uint8Array(0);
const NO_LABELS: StoredLabels = { codec: 0, rawLength: 0, stored: NO_BYTES };

/**
 * Reads records (see `format.ts`) into columns that the next `decode` overwrites: a caller copies what it keeps.
 *
 * The columns may be longer than the record: `seriesCount` and `sampleCount` bound them. Labels, exemplars
 * and metadata are read from the record's own bytes when asked for, so those must live until the next `decode`.
 */
export class LogRecordReader {
  kind: RecordKind = 'samples';
  tenant = '';
  /** Length of the head windows that the record belongs to, in ms; of a cut: length of the window to close. */
  windowMs = 0;
  /** Cuts only. */
  windowStartMs = 0;
  /** Cuts only. */
  seq = 0;
  /** Cuts only. */
  zone = '';
  /** Deletions only. */
  deletion: Deletion | undefined;

  seriesCount = 0;
  sampleCount = 0;
  /** Four words a series. */
  ids = new Uint32Array(4 * 64);
  /** Samples of series i are those from `sampleEnds[i - 1]` (or 0) up to, not including, `sampleEnds[i]`. */
  sampleEnds = new Uint32Array(64);
  timestamps = new Float64Array(256);
  /** Two words a sample: low, high. */
  valueWords = new Uint32Array(2 * 256);
  /** Which samples are native histograms, and their bytes; the value of such a sample is its sum. */
  readonly histogramPlaces = new HistogramPlaces();
  /** Whether heads keep all of its exemplars: those of records below version 3 displace each other. */
  keepsAllExemplars = false;
  /** The start timestamp of each sample in ms, 0 if it has none; undefined if none has one. */
  startTimes: Float64Array | undefined;

  #startTimes = new Float64Array(0);
  #version = RECORD_VERSION;
  #stored: StoredLabels = NO_LABELS;
  #labels: Uint8Array | undefined;
  /** Start and end of each series' label set in `#labels`. */
  #labelRanges = new Uint32Array(2 * 64);
  #exemplars = NO_BYTES as Uint8Array;
  #metadata = NO_BYTES as Uint8Array;
  #memo = new LabelMemo();

  /**
   * @throws DecodeError if the bytes are damaged
   * @throws UnknownRecordError if they are of a version, kind, codec or section this program doesn't know
   */
  decode(bytes: Uint8Array): RecordKind {
    this.#forget();
    if (bytes.length < 2 + CRC_BYTES) throw new DecodeError(`a record of ${bytes.length} bytes`);
    this.#version = bytes[0];
    if (LAST_TAGS[this.#version] === undefined)
      throw new UnknownRecordError(`record version ${this.#version}`);
    const end = bytes.length - CRC_BYTES;
    const from = new ByteReader(bytes, end);
    if (from.u32() !== crc32(bytes.subarray(0, end))) throw new DecodeError('the checksum differs');
    from.position = 1;
    from.end = end;
    const kind = from.u8();
    if (kind === KIND_SAMPLES) this.#decodeSamples(from);
    else if (kind === KIND_CUT) this.#decodeCut(from);
    else if (kind === KIND_DELETION) this.#decodeDeletion(from);
    else throw new UnknownRecordError(`record kind ${kind}`);
    if (from.remaining !== 0) throw new DecodeError(`${from.remaining} bytes too many`);
    return this.kind;
  }

  /**
   * The labels of series `i`; the first call expands the label section of the record.
   * @throws DecodeError
   */
  labelsOf(i: number): Labels {
    if (i < 0 || i >= this.seriesCount) throw new RangeError(`series ${i} of ${this.seriesCount}`);
    this.#labels ??= this.#expandLabels();
    return Labels.fromSorted(this.#memo.read(this.#labelRanges[2 * i], this.#labelRanges[2 * i + 1]));
  }

  exemplars(): RecordExemplar[] {
    const from = new ByteReader(this.#exemplars);
    const exemplars: RecordExemplar[] = [];
    for (let left = from.remaining && from.uvarint(); left > 0; left--) {
      const series = from.uvarint();
      if (series >= this.seriesCount) throw new DecodeError(`an exemplar of series ${series}`);
      const timestampMs = from.varint();
      const value = from.f64();
      const pairs: [string, string][] = [];
      for (let more = from.uvarint(); more > 0; more--) pairs.push([from.string(), from.string()]);
      exemplars.push({ series, exemplar: { labels: Labels.from(pairs), value, timestampMs } });
    }
    return exemplars;
  }

  /** Decoded, for who doesn't take bytes. */
  histograms(): RecordHistogram[] {
    const { count, samples } = this.histogramPlaces;
    return Array.from({ length: count }, (_, i) => {
      const sample = samples[i];
      const sum = new Float64Array(this.valueWords.slice(2 * sample, 2 * sample + 2).buffer)[0];
      return { sample, histogram: this.histogramPlaces.histogram(i, sum) };
    });
  }

  metadata(): MetricMetadata[] {
    const from = new ByteReader(this.#metadata);
    const metadata: MetricMetadata[] = [];
    for (let left = from.remaining && from.uvarint(); left > 0; left--) {
      const metric = from.string();
      const type = METRIC_TYPES[from.u8()];
      if (type === undefined) throw new DecodeError(`metric ${JSON.stringify(metric)} is of an unknown type`);
      metadata.push({ metric, type, help: from.string(), unit: from.string() });
    }
    return metadata;
  }

  #forget(): void {
    this.seriesCount = 0;
    this.sampleCount = 0;
    this.windowStartMs = 0;
    this.seq = 0;
    this.zone = '';
    this.deletion = undefined;
    this.#stored = NO_LABELS;
    this.#labels = undefined;
    this.#exemplars = NO_BYTES;
    this.keepsAllExemplars = false;
    this.#metadata = NO_BYTES;
    this.histogramPlaces.reset();
    this.startTimes = undefined;
  }

  #expandLabels(): Uint8Array {
    const labels = expandLabels(this.#stored);
    if (this.#labelRanges.length < 2 * this.seriesCount) {
      this.#labelRanges = new Uint32Array(2 * this.sampleEnds.length);
    }
    const from = new ByteReader(labels);
    for (let i = 0; i < this.seriesCount; i++) {
      const length = from.uvarint();
      this.#labelRanges[2 * i] = from.position;
      from.skip(length);
      this.#labelRanges[2 * i + 1] = from.position;
    }
    if (from.remaining !== 0) throw new DecodeError(`${from.remaining} bytes of labels too many`);
    this.#memo.reset(labels);
    return labels;
  }

  #decodeDeletion(from: ByteReader): void {
    this.kind = 'deletion';
    this.deletion = readDeletion(from);
    this.tenant = this.deletion.tenant;
  }

  #decodeCut(from: ByteReader): void {
    this.kind = 'cut';
    this.tenant = from.string();
    this.windowStartMs = from.varint();
    this.windowMs = from.uvarint();
    this.seq = from.uvarint();
    this.zone = from.string();
  }

  #decodeSamples(from: ByteReader): void {
    this.kind = 'samples';
    this.tenant = from.string();
    this.windowMs = from.uvarint();
    const flags = from.u8();
    if (flags > FLAG_COUNTS) throw new UnknownRecordError(`record flags ${flags}`);
    const series = from.uvarint();
    const samples = from.uvarint();
    if (16 * series > from.remaining) throw new DecodeError(`${series} series in ${from.remaining} bytes`);
    if (9 * samples > from.remaining) throw new DecodeError(`${samples} samples in ${from.remaining} bytes`);
    this.#reserve(series, samples);
    new Uint8Array(this.ids.buffer).set(from.raw(16 * series));
    this.#readCounts(from, flags, series, samples);
    this.#readTimestamps(from, samples);
    new Uint8Array(this.valueWords.buffer).set(from.raw(8 * samples));
    this.#stored = readStoredLabels(from);
    if (this.#stored.rawLength < series) throw new DecodeError(`no labels for ${series} series`);
    this.#readSections(from, samples);
    this.seriesCount = series;
    this.sampleCount = samples;
  }

  #readCounts(from: ByteReader, flags: number, series: number, samples: number): void {
    const ends = this.sampleEnds;
    let end = 0;
    for (let i = 0; i < series; i++) {
      end += flags & FLAG_COUNTS ? from.uvarint() : 1;
      if (end > samples) throw new DecodeError(`more than ${samples} samples counted`);
      ends[i] = end;
    }
    if (end !== samples) throw new DecodeError(`${end} samples counted of ${samples}`);
  }

  #readTimestamps(from: ByteReader, samples: number): void {
    const timestamps = this.timestamps;
    const bytes = from.bytes;
    let timestampMs = 0;
    for (let i = 0; i < samples; i++) {
      // Most samples of a request share a time: one byte, 0.
      if (from.position < from.end && bytes[from.position] === 0) from.position++;
      else timestampMs += from.varint();
      if (timestampMs > MAX_TIMESTAMP_MS || timestampMs < -MAX_TIMESTAMP_MS) {
        throw new DecodeError(`a sample at ${timestampMs} ms`);
      }
      timestamps[i] = timestampMs;
    }
  }

  #readSections(from: ByteReader, samples: number): void {
    const lastTag = LAST_TAGS[this.#version];
    let previousTag = 0;
    while (from.remaining > 0) {
      const tag = from.u8();
      if (tag <= previousTag) throw new DecodeError(`section ${tag} after section ${previousTag}`);
      previousTag = tag;
      const content = from.raw(from.uvarint());
      if (tag > lastTag)
        throw new UnknownRecordError(`section ${tag} in a record of version ${this.#version}`);
      if (tag === TAG_EXEMPLARS) this.#exemplars = content;
      else if (tag === TAG_METADATA) this.#metadata = content;
      else if (tag === TAG_HISTOGRAMS) this.histogramPlaces.read(content, samples);
      else if (tag === TAG_START_TIMES) this.#readStartTimes(content, samples);
      else this.#noteAllExemplars(content);
    }
  }

  #noteAllExemplars(content: Uint8Array): void {
    if (this.#exemplars.length > 0) throw new DecodeError('two sections of exemplars');
    this.#exemplars = content;
    this.keepsAllExemplars = true;
  }

  #readStartTimes(content: Uint8Array, samples: number): void {
    if (this.#startTimes.length < samples) this.#startTimes = new Float64Array(this.timestamps.length);
    readStartTimes(content, this.#startTimes, samples);
    this.startTimes = this.#startTimes;
  }

  #reserve(series: number, samples: number): void {
    if (series > this.sampleEnds.length) {
      const capacity = Math.max(series, 2 * this.sampleEnds.length);
      this.ids = new Uint32Array(4 * capacity);
      this.sampleEnds = new Uint32Array(capacity);
    }
    if (samples > this.timestamps.length) {
      const capacity = Math.max(samples, 2 * this.timestamps.length);
      this.timestamps = new Float64Array(capacity);
      this.valueWords = new Uint32Array(2 * capacity);
    }
  }
}
