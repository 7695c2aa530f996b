import { type ContentHash, DecodeError } from '@xscaler/encoding';
import type { Exemplar, MetricMetadata } from '@xscaler/model';
import { NativeHistogramReader } from '../histogram/native-histogram-reader.ts';
import {
  AT_END,
  AT_METADATA,
  AT_REFUSAL,
  AT_SERIES,
  type SeriesSource,
  type SourceFault,
  type SourceHistogram,
  type SourceRefusal,
} from '../labels/series-source.ts';
import { ProtobufReader } from '../protobuf/protobuf-reader.ts';
import { exemplarBytes, readExemplar } from './exemplar-reader.ts';
import { refuseKnown } from './known-fields.ts';
import { LABEL_REFS, LabelReferences } from './label-references.ts';
import { SeriesMetadata } from './series-metadata.ts';
import { SymbolTable } from './symbol-table.ts';

const SYMBOLS_FIELD = 0x22;
const SERIES_FIELD = 0x2a;

/** The specification reserves 1 to 3, so that a request of 1.0 is told from one of 2.0. */
const LAST_V1_FIELD = 3;
const IS_V1 = 'not an io.prometheus.write.v2.Request but a prometheus.WriteRequest';

const SAMPLES_FIELD = 0x12;
const HISTOGRAMS_FIELD = 0x1a;
const EXEMPLARS_FIELD = 0x22;
const METADATA_FIELD = 0x2a;
const CREATED_FIELD = 0x30;

const SAMPLE_VALUE = 0x09;
const SAMPLE_TIMESTAMP = 0x10;
const SAMPLE_START = 0x18;

/**
 * Walks over a remote write 2.0 request (`io.prometheus.write.v2.Request`, once expanded) without making objects: see
 * `SeriesSource`. Labels, which are references into the request's symbols, are written out for each series; their
 * content hash is put together from hashes of the symbols' contents, each made once a request.
 *
 * Samples have their start timestamp in themselves (field 3, as the specification has it from 2.0-rc.4 on) or, from
 * older senders, in the series' `created_timestamp` (field 6).
 */
export class WriteRequestV2Reader implements SeriesSource {
  labelBytes: Uint8Array = new Uint8Array(0);
  readonly labelsStart = 0;
  labelsEnd = 0;

  sampleCount = 0;
  timestamps = new Float64Array(64);
  valueWords = new Uint32Array(128);
  hasStartTimes = false;
  startTimes = new Float64Array(64);

  histogramCount = 0;
  exemplarCount = 0;
  readonly point = -1;
  readonly pointSeriesCount = 1;
  readonly pointExemplarCount = 0;
  readonly repeatsMetadata = true;
  refusal: SourceRefusal = {
    reason: 'bad_symbol_reference',
    count: 0,
    exemplars: 0,
    metadata: 0,
    subject: '',
    detail: '',
  };

  #body = new ProtobufReader();
  #bodyEnd = 0;
  #mostPerSeries = Number.POSITIVE_INFINITY;
  #symbols = new SymbolTable();
  #labels = new LabelReferences(this.#symbols);
  #metadata = new SeriesMetadata(this.#symbols, this.#labels);
  #atMetadata = false;
  #exemplarRanges: number[] = [];
  #histogramRanges: number[] = [];
  #histograms = new NativeHistogramReader();
  #createdMs = 0;

  /**
   * Takes a request; the reader refers to it until the next `reset` or `release`. Of a series with more than
   * `mostPerSeries` samples, histograms or exemplars those are counted, but can't be relied on to be kept.
   * Labels of the whole request may take `maxLabelBytes` once they are written out.
   * @throws DecodeError if the body isn't a sequence of fields
   */
  reset(body: Uint8Array, mostPerSeries = Number.POSITIVE_INFINITY, maxLabelBytes = 64 * 1024 * 1024): void {
    this.#mostPerSeries = mostPerSeries;
    this.#labels.reset(maxLabelBytes);
    this.#atMetadata = false;
    this.#body.reset(body);
    this.#bodyEnd = body.length;
    this.#symbols.reset(this.#body);
    this.#findSymbols();
  }

  release(): void {
    this.#body.release();
    this.#bodyEnd = 0;
    this.#symbols.release();
  }

  /**
   * @throws DecodeError if the body isn't a Request
   * @throws TooLargeError if its labels, written out, take more than they may
   */
  next(): number {
    const body = this.#body;
    if (this.#atMetadata) {
      this.#atMetadata = false;
      if (!this.#metadata.read(body)) {
        this.#refuseMetadata();
        return AT_REFUSAL;
      }
      if (this.#metadata.saysAnything) return AT_METADATA;
    }
    while (body.position < this.#bodyEnd) {
      const tag = body.tag();
      if (tag !== SERIES_FIELD) {
        body.skip(tag);
        continue;
      }
      const length = body.length();
      body.end = body.position + length;
      this.#readSeries();
      body.end = this.#bodyEnd;
      const labels = this.#labels;
      const fault = labels.write();
      this.labelBytes = labels.bytes;
      this.labelsEnd = labels.end;
      if (fault === undefined) {
        this.#atMetadata = this.#metadata.isThere;
        return AT_SERIES;
      }
      this.#refuse(fault);
      return AT_REFUSAL;
    }
    return AT_END;
  }

  /** There are none. */
  skipPoint(): void {}

  contentHash(hash: ContentHash): void {
    this.#labels.contentHash(hash);
  }

  histogram(i: number): SourceHistogram {
    const histograms = this.#histograms;
    histograms.read(this.#body, this.#histogramRanges[2 * i], this.#histogramRanges[2 * i + 1]);
    if (histograms.startMs === 0) histograms.startMs = this.#createdMs;
    return histograms;
  }

  exemplarBytes(i: number): number {
    const ranges = this.#exemplarRanges;
    return exemplarBytes(this.#body, ranges[2 * i], ranges[2 * i + 1], this.#symbols);
  }

  exemplar(i: number): Exemplar | undefined {
    const ranges = this.#exemplarRanges;
    return readExemplar(this.#body, ranges[2 * i], ranges[2 * i + 1], this.#symbols);
  }

  metadata(): MetricMetadata {
    return this.#metadata.entry();
  }

  metadataHash(hash: ContentHash): void {
    this.#metadata.hashInto(hash);
  }

  /** Symbols may stand anywhere in the body; they are found before the first series is read. */
  #findSymbols(): void {
    const body = this.#body;
    while (body.position < this.#bodyEnd) {
      const tag = body.tag();
      if (tag === SYMBOLS_FIELD) {
        const length = body.length();
        this.#symbols.add(body.position, body.position + length);
        body.position += length;
      } else {
        const field = tag >>> 3;
        if (field <= LAST_V1_FIELD) throw new DecodeError(IS_V1);
        if (tag !== SERIES_FIELD && (field === 4 || field === 5)) refuseKnown(tag, field, 'Request');
        body.skip(tag);
      }
    }
    body.position = 0;
  }

  /** Reads the message that `body.position … body.end` is. */
  #readSeries(): void {
    const body = this.#body;
    this.#labels.count = 0;
    this.#metadata.reset();
    this.sampleCount = 0;
    this.hasStartTimes = false;
    this.histogramCount = 0;
    this.exemplarCount = 0;
    this.#createdMs = 0;
    while (body.position < body.end) {
      const tag = body.tag();
      if (tag >>> 3 === LABEL_REFS) {
        this.#labels.read(body, tag);
      } else if (tag === SAMPLES_FIELD) {
        this.#readSample();
      } else if (tag === HISTOGRAMS_FIELD) {
        this.#noteRange(this.#histogramRanges, this.histogramCount++);
      } else if (tag === EXEMPLARS_FIELD) {
        this.#noteRange(this.#exemplarRanges, this.exemplarCount++);
      } else if (tag === METADATA_FIELD) {
        this.#metadata.note(body);
      } else if (tag === CREATED_FIELD) {
        this.#createdMs = body.int64();
      } else {
        refuseKnown(tag, 6, 'TimeSeries');
        body.skip(tag);
      }
    }
    if (this.#createdMs !== 0) this.#applyCreated();
  }

  #readSample(): void {
    const body = this.#body;
    const { bytes, view, end: outerEnd } = body;
    const length = body.length();
    const end = body.position + length;
    const sample = this.sampleCount++;
    if (sample === this.timestamps.length) this.#growSamples();
    let low = 0;
    let high = 0;
    let timestampMs = 0;
    let startMs = 0;
    body.end = end;
    while (body.position < end) {
      const at = body.position;
      const tag = bytes[at];
      if (tag === SAMPLE_VALUE && end - at >= 9) {
        low = view.getUint32(at + 1, true);
        high = view.getUint32(at + 5, true);
        body.position = at + 9;
      } else if (tag === SAMPLE_TIMESTAMP) {
        body.position = at + 1;
        timestampMs = sixByteVarint(bytes, at + 1, end);
        if (timestampMs >= 0) body.position = at + 7;
        else timestampMs = body.int64();
      } else if (tag === SAMPLE_START) {
        body.position = at + 1;
        startMs = body.int64();
      } else {
        const other = body.tag();
        refuseKnown(other, 3, 'Sample');
        body.skip(other);
      }
    }
    body.end = outerEnd;
    this.timestamps[sample] = timestampMs;
    this.valueWords[2 * sample] = low;
    this.valueWords[2 * sample + 1] = high;
    if (startMs !== 0 || this.hasStartTimes) this.#noteStart(sample, startMs);
  }

  #noteStart(sample: number, startMs: number): void {
    if (!this.hasStartTimes) {
      this.hasStartTimes = true;
      this.startTimes.fill(0, 0, sample);
    }
    this.startTimes[sample] = startMs;
  }

  #applyCreated(): void {
    for (let i = 0; i < this.sampleCount; i++) {
      if (!this.hasStartTimes || this.startTimes[i] === 0) this.#noteStart(i, this.#createdMs);
    }
  }

  #refuse(reason: SourceFault): void {
    this.refusal = {
      reason,
      count: this.sampleCount + this.histogramCount,
      exemplars: this.exemplarCount,
      metadata: 0,
      subject: this.#labels.subject(),
      detail: `${this.#labels.count} references, ${this.#symbols.count} symbols`,
    };
  }

  #refuseMetadata(): void {
    this.refusal = {
      reason: 'bad_symbol_reference',
      count: 0,
      exemplars: 0,
      metadata: 1,
      subject: this.#labels.subject(),
      detail: `help or unit of the metadata, ${this.#symbols.count} symbols`,
    };
  }

  /** Notes where the message is that comes next, the series' `i`th of its kind. */
  #noteRange(ranges: number[], i: number): void {
    const body = this.#body;
    const length = body.length();
    if (i < this.#mostPerSeries) {
      ranges[2 * i] = body.position;
      ranges[2 * i + 1] = body.position + length;
    }
    body.position += length;
  }

  #growSamples(): void {
    // Beyond the columns nothing is written.
    if (this.sampleCount > this.#mostPerSeries) return;
    const timestamps = new Float64Array(this.timestamps.length * 2);
    timestamps.set(this.timestamps);
    this.timestamps = timestamps;
    const words = new Uint32Array(this.valueWords.length * 2);
    words.set(this.valueWords);
    this.valueWords = words;
    const startTimes = new Float64Array(this.startTimes.length * 2);
    startTimes.set(this.startTimes);
    this.startTimes = startTimes;
  }
}

/** A varint of exactly six bytes (every time between 1971 and 2109), or −1. */
function sixByteVarint(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < 6 || bytes[at + 5] >= 0x80) return -1;
  if ((bytes[at] & bytes[at + 1] & bytes[at + 2] & bytes[at + 3] & bytes[at + 4] & 0x80) === 0) return -1;
  const low =
    (bytes[at] & 0x7f) |
    ((bytes[at + 1] & 0x7f) << 7) |
    ((bytes[at + 2] & 0x7f) << 14) |
    ((bytes[at + 3] & 0x7f) << 21);
  return low + ((bytes[at + 4] & 0x7f) | (bytes[at + 5] << 7)) * 0x10000000;
}
