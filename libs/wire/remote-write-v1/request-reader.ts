import { ByteWriter, type ContentHash, DecodeError } from '@xscaler/encoding';
import { type Exemplar, Labels, type MetricMetadata, type MetricType } from '@xscaler/model';
import { NativeHistogramReader } from '../histogram/native-histogram-reader.ts';
import { LabelSetParser } from '../labels/label-set.ts';
import {
  AT_END,
  AT_METADATA,
  AT_SERIES,
  type SeriesSource,
  type SourceHistogram,
  type SourceRefusal,
} from '../labels/series-source.ts';
import { ProtobufReader } from '../protobuf/protobuf-reader.ts';

const SERIES_FIELD = 0x0a;
const METADATA_FIELD = 0x1a;

/** No 1.0 has them: to skip them as unknown fields would be to lose all that the request has. */
const V2_SYMBOLS_FIELD = 0x22;
const V2_SERIES_FIELD = 0x2a;
const IS_V2 = 'not a prometheus.WriteRequest but an io.prometheus.write.v2.Request';

const LABELS_FIELD = 0x0a;
const SAMPLES_FIELD = 0x12;
const EXEMPLARS_FIELD = 0x1a;
const HISTOGRAMS_FIELD = 0x22;

const SAMPLE_VALUE = 0x09;
const SAMPLE_TIMESTAMP = 0x10;

/** Types by their number in `MetricMetadata.MetricType` of Prometheus' `types.proto`, which remote write 2.0 kept. */
export const WIRE_METRIC_TYPES: readonly MetricType[] = [
  'unknown',
  'counter',
  'gauge',
  'histogram',
  'gaugehistogram',
  'summary',
  'info',
  'stateset',
];

const NO_START_TIMES = new Float64Array(0);

/**
 * Walks over a remote write 1.0 request (`prometheus.WriteRequest`, once expanded) without making objects: see
 * `SeriesSource`. A series' label set is as it came on the wire. Fields may come in any order and unknown ones are
 * skipped, like protobuf, but for those of remote write 2.0.
 */
export class WriteRequestReader implements SeriesSource {
  /** The body, or a scratch buffer if the series' labels don't lie side by side in it. */
  labelBytes: Uint8Array = new Uint8Array(0);
  labelView: DataView = new DataView(new ArrayBuffer(0));
  labelsStart = 0;
  labelsEnd = 0;

  sampleCount = 0;
  /** In ms; ±Infinity if the 64-bit number lies beyond ±2^53. */
  timestamps = new Float64Array(64);
  /** Two words a sample: low, high. */
  valueWords = new Uint32Array(128);

  readonly hasStartTimes = false;
  readonly startTimes = NO_START_TIMES;

  exemplarCount = 0;
  histogramCount = 0;
  readonly point = -1;
  readonly pointSeriesCount = 1;
  readonly pointExemplarCount = 0;
  readonly repeatsMetadata = false;

  #body = new ProtobufReader();
  #bodyEnd = 0;
  #mostPerSeries = Number.POSITIVE_INFINITY;
  #looseLabels = new ByteWriter(1024);
  #exemplarRanges: number[] = [];
  #histogramRanges: number[] = [];
  #histograms = new NativeHistogramReader();
  #exemplarLabels = new LabelSetParser();
  #metadataStart = 0;
  #metadataEnd = 0;

  get refusal(): SourceRefusal {
    throw new Error('a remote write 1.0 request refuses nothing by itself');
  }

  /**
   * Takes a request; the reader refers to it until the next `reset` or `release`. Of a series with more than
   * `mostPerSeries` samples, histograms or exemplars those are counted, but can't be relied on to be kept.
   */
  reset(body: Uint8Array, mostPerSeries = Number.POSITIVE_INFINITY): void {
    this.#mostPerSeries = mostPerSeries;
    this.#body.reset(body);
    this.#bodyEnd = body.length;
  }

  release(): void {
    this.#body.release();
    this.#bodyEnd = 0;
    this.labelBytes = this.#body.bytes;
    this.labelView = this.#body.view;
  }

  /** @throws DecodeError if the body isn't a WriteRequest */
  next(): number {
    const body = this.#body;
    while (body.position < this.#bodyEnd) {
      const tag = body.tag();
      if (tag === SERIES_FIELD) {
        const length = body.length();
        body.end = body.position + length;
        this.#readSeries();
        body.end = this.#bodyEnd;
        return AT_SERIES;
      }
      if (tag === METADATA_FIELD) {
        const length = body.length();
        this.#metadataStart = body.position;
        this.#metadataEnd = body.position + length;
        body.position = this.#metadataEnd;
        return AT_METADATA;
      }
      refuseKnown(tag, 3, 'WriteRequest');
      if (tag === V2_SYMBOLS_FIELD || tag === V2_SERIES_FIELD) throw new DecodeError(IS_V2);
      body.skip(tag);
    }
    return AT_END;
  }

  /** Reads the message that `body.position … body.end` is. */
  #readSeries(): void {
    const body = this.#body;
    const { bytes, end } = body;
    const start = body.position;
    this.sampleCount = 0;
    this.exemplarCount = 0;
    this.histogramCount = 0;
    // The common case: labels first, side by side.
    let at = start;
    while (at + 1 < end && bytes[at] === LABELS_FIELD && bytes[at + 1] < 0x80) at += 2 + bytes[at + 1];
    if (at > end) throw new DecodeError('a label reaches beyond its series');
    this.labelBytes = bytes;
    this.labelView = body.view;
    this.labelsStart = start;
    this.labelsEnd = at;
    body.position = at;
    while (body.position < end) {
      const tag = body.tag();
      if (tag === SAMPLES_FIELD) {
        this.#readSample();
      } else if (tag === LABELS_FIELD) {
        this.#readFurtherLabel();
      } else if (tag === EXEMPLARS_FIELD) {
        this.#noteRange(this.#exemplarRanges, this.exemplarCount++);
      } else if (tag === HISTOGRAMS_FIELD) {
        this.#noteRange(this.#histogramRanges, this.histogramCount++);
      } else {
        refuseKnown(tag, 4, 'TimeSeries');
        body.skip(tag);
      }
    }
  }

  #readSample(): void {
    const body = this.#body;
    const { bytes, view } = body;
    const length = body.length();
    const start = body.position;
    const end = start + length;
    const sample = this.sampleCount++;
    if (sample === this.timestamps.length) this.#growSamples();
    const words = this.valueWords;
    if (length > 10 && bytes[start] === SAMPLE_VALUE && bytes[start + 9] === SAMPLE_TIMESTAMP) {
      words[2 * sample] = view.getUint32(start + 1, true);
      words[2 * sample + 1] = view.getUint32(start + 5, true);
      if (length === 16 && bytes[start + 15] < 0x80) {
        // Six bytes of varint: every time between 1971 and 2109.
        const low =
          (bytes[start + 10] & 0x7f) |
          ((bytes[start + 11] & 0x7f) << 7) |
          ((bytes[start + 12] & 0x7f) << 14) |
          ((bytes[start + 13] & 0x7f) << 21);
        const high = (bytes[start + 14] & 0x7f) | (bytes[start + 15] << 7);
        if (
          bytes[start + 10] &
          bytes[start + 11] &
          bytes[start + 12] &
          bytes[start + 13] &
          bytes[start + 14] &
          0x80
        ) {
          this.timestamps[sample] = low + high * 0x10000000;
          body.position = end;
          return;
        }
      }
    }
    this.#readAnySample(sample, end);
  }

  /** Fields absent (a value or time of 0), repeated, out of order or unknown. */
  #readAnySample(sample: number, end: number): void {
    const body = this.#body;
    const outerEnd = body.end;
    body.end = end;
    let low = 0;
    let high = 0;
    let timestampMs = 0;
    while (body.position < end) {
      const tag = body.tag();
      if (tag === SAMPLE_VALUE) {
        const at = body.fixed64();
        low = body.view.getUint32(at, true);
        high = body.view.getUint32(at + 4, true);
      } else if (tag === SAMPLE_TIMESTAMP) {
        timestampMs = body.int64();
      } else {
        refuseKnown(tag, 2, 'Sample');
        body.skip(tag);
      }
    }
    body.end = outerEnd;
    this.timestamps[sample] = timestampMs;
    this.valueWords[2 * sample] = low;
    this.valueWords[2 * sample + 1] = high;
  }

  /** A label whose length takes two bytes, or one that stands apart from those before. Its tag has been read. */
  #readFurtherLabel(): void {
    const body = this.#body;
    const tagAt = body.position - 1;
    const length = body.length();
    const start = body.position;
    body.position = start + length;
    if (this.labelBytes === body.bytes) {
      if (this.labelsStart === this.labelsEnd && body.bytes[tagAt] === LABELS_FIELD) {
        this.labelsStart = tagAt;
        this.labelsEnd = tagAt;
      }
      if (tagAt === this.labelsEnd && body.bytes[tagAt] === LABELS_FIELD) {
        this.labelsEnd = body.position;
        return;
      }
      this.#looseLabels.reset();
      this.#looseLabels.raw(body.bytes, this.labelsStart, this.labelsEnd);
    }
    const loose = this.#looseLabels;
    loose.u8(LABELS_FIELD);
    loose.uvarint(length);
    loose.raw(body.bytes, start, start + length);
    this.labelBytes = loose.bytes;
    this.labelView = new DataView(loose.bytes.buffer);
    this.labelsStart = 0;
    this.labelsEnd = loose.length;
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

  /** There are none. */
  skipPoint(): void {}

  contentHash(hash: ContentHash): void {
    hash.hash(this.labelView, this.labelsStart, this.labelsEnd);
  }

  histogram(i: number): SourceHistogram {
    return this.#histograms.read(this.#body, this.#histogramRanges[2 * i], this.#histogramRanges[2 * i + 1]);
  }

  /** Length of exemplar `i` of the series on the wire, in bytes. */
  exemplarBytes(i: number): number {
    return this.#exemplarRanges[2 * i + 1] - this.#exemplarRanges[2 * i];
  }

  /**
   * Exemplar `i` of the series; its time is ±Infinity if it lies beyond ±2^53. Undefined if its
   * labels can't be a label set (no labels at all are fine).
   */
  exemplar(i: number): Exemplar | undefined {
    const body = this.#body;
    const { position, end } = body;
    body.position = this.#exemplarRanges[2 * i];
    body.end = this.#exemplarRanges[2 * i + 1];
    const labels = new ByteWriter(128);
    let value = 0;
    let timestampMs = 0;
    while (body.position < body.end) {
      const tag = body.tag();
      if (tag === 0x0a) {
        const length = body.length();
        labels.u8(LABELS_FIELD);
        labels.uvarint(length);
        labels.raw(body.bytes, body.position, body.position + length);
        body.position += length;
      } else if (tag === 0x11) {
        value = body.view.getFloat64(body.fixed64(), true);
      } else if (tag === 0x18) {
        timestampMs = body.int64();
      } else {
        refuseKnown(tag, 3, 'Exemplar');
        body.skip(tag);
      }
    }
    body.position = position;
    body.end = end;
    const parser = this.#exemplarLabels;
    parser.parse(labels.bytes, 0, labels.length);
    if (parser.fault !== undefined && parser.fault !== 'no_labels') return undefined;
    return { labels: Labels.fromSorted(parser.takePairs()), value, timestampMs };
  }

  /** The metadata that `next` stands on; an unknown type number is 'unknown'. */
  metadata(): MetricMetadata {
    const body = this.#body;
    const { position, end } = body;
    body.position = this.#metadataStart;
    body.end = this.#metadataEnd;
    let type: MetricType = 'unknown';
    let metric = '';
    let help = '';
    let unit = '';
    while (body.position < body.end) {
      const tag = body.tag();
      if (tag === 0x08) type = WIRE_METRIC_TYPES[body.int64()] ?? 'unknown';
      else if (tag === 0x12) metric = body.text();
      else if (tag === 0x22) help = body.text();
      else if (tag === 0x2a) unit = body.text();
      else body.skip(tag);
    }
    body.position = position;
    body.end = end;
    return { metric, type, help, unit };
  }

  metadataHash(hash: ContentHash): void {
    hash.hash(this.#body.view, this.#metadataStart, this.#metadataEnd);
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
  }
}

/** A known field with another wire type than its own. */
function refuseKnown(tag: number, lastKnown: number, message: string): void {
  // Field 2 of WriteRequest is reserved (Cortex once used it), so it counts as unknown.
  const field = tag >>> 3;
  if (field <= lastKnown && !(message === 'WriteRequest' && field === 2)) {
    throw new DecodeError(`field ${field} of a ${message} has wire type ${tag & 7}`);
  }
}
