import { ByteWriter, type ContentHash, DecodeError } from '@xscaler/encoding';
import { type Exemplar, Labels, METRIC_NAME, type MetricMetadata } from '@xscaler/model';
import { LabelSetParser } from '../label-set.ts';
import { NativeHistogramReader } from '../native-histogram-reader.ts';
import { ProtobufReader, WIRE_BYTES, WIRE_VARINT } from '../protobuf-reader.ts';
import { WIRE_METRIC_TYPES } from '../remote-write-v1/request-reader.ts';
import {
  AT_END,
  AT_METADATA,
  AT_REFUSAL,
  AT_SERIES,
  type SeriesSource,
  type SourceFault,
  type SourceHistogram,
  type SourceRefusal,
} from '../series-source.ts';
import { TooLargeError } from '../snappy-block.ts';
import { familyName } from './family-name.ts';
import { SymbolTable } from './symbol-table.ts';

const SYMBOLS_FIELD = 0x22;
const SERIES_FIELD = 0x2a;

const LABEL_REFS = 1;
const SAMPLES_FIELD = 0x12;
const HISTOGRAMS_FIELD = 0x1a;
const EXEMPLARS_FIELD = 0x22;
const METADATA_FIELD = 0x2a;
const CREATED_FIELD = 0x30;

const SAMPLE_VALUE = 0x09;
const SAMPLE_TIMESTAMP = 0x10;
const SAMPLE_START = 0x18;

/** A series' labels are at most so long, written out; a series has to fit a record of the log. */
const LABELS_MAX_BYTES = 1024 * 1024;
/** Beyond this the references of a series are counted, not kept: twice of any sensible limit on labels. */
const MAX_KEPT_REFS = 4 * 1024;
const SERIES_SUBJECT_LABELS = 20;

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
    subject: '',
    detail: '',
  };

  #body = new ProtobufReader();
  #bodyEnd = 0;
  #mostPerSeries = Number.POSITIVE_INFINITY;
  /** Bytes that labels may still take once written out, over the whole request. */
  #maxLabelBytes = 0;
  #labelBytesLeft = 0;
  #symbols = new SymbolTable();
  #refs = new Uint32Array(64);
  #refCount = 0;
  #labels = new ByteWriter(4096);
  #hashWords = new Int32Array(128);
  #hashView = new DataView(this.#hashWords.buffer);
  #exemplarRanges: number[] = [];
  #histogramRanges: number[] = [];
  #histograms = new NativeHistogramReader();
  #createdMs = 0;
  #parser = new LabelSetParser();
  #atMetadata = false;
  #metadataStart = 0;
  #metadataEnd = 0;
  #metadataType = 0;
  #helpRef = 0;
  #unitRef = 0;

  /**
   * Takes a request; the reader refers to it until the next `reset` or `release`. Of a series with more than
   * `mostPerSeries` samples, histograms or exemplars those are counted, but can't be relied on to be kept.
   * Labels of the whole request may take `maxLabelBytes` once they are written out.
   * @throws DecodeError where the body isn't a sequence of fields
   */
  reset(body: Uint8Array, mostPerSeries = Number.POSITIVE_INFINITY, maxLabelBytes = 64 * 1024 * 1024): void {
    this.#mostPerSeries = mostPerSeries;
    this.#maxLabelBytes = maxLabelBytes;
    this.#labelBytesLeft = maxLabelBytes;
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
   * @throws DecodeError where the body isn't a Request
   * @throws TooLargeError where its labels, written out, take more than they may
   */
  next(): number {
    const body = this.#body;
    if (this.#atMetadata) {
      this.#atMetadata = false;
      if (this.#readMetadata()) return AT_METADATA;
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
      const fault = this.#writeLabels();
      if (fault === undefined) {
        this.#atMetadata = this.#metadataEnd > 0;
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
    const refs = this.#refs;
    const words = this.#hashWords;
    for (let i = 0; i < this.#refCount; i++) this.#symbols.hashInto(refs[i], hash, words, 2 * i);
    hash.hash(this.#hashView, 0, 8 * this.#refCount);
  }

  histogram(i: number): SourceHistogram {
    const histograms = this.#histograms;
    histograms.read(this.#body, this.#histogramRanges[2 * i], this.#histogramRanges[2 * i + 1]);
    if (histograms.startMs === 0) histograms.startMs = this.#createdMs;
    return histograms;
  }

  exemplarBytes(i: number): number {
    const start = this.#exemplarRanges[2 * i];
    const end = this.#exemplarRanges[2 * i + 1];
    let bytes = end - start;
    if (bytes > MAX_KEPT_REFS) return bytes;
    this.#eachExemplarField(i, (refs) => {
      for (const ref of refs) if (ref < this.#symbols.count) bytes += this.#symbols.byteLength(ref);
    });
    return bytes;
  }

  exemplar(i: number): Exemplar | undefined {
    let value = 0;
    let timestampMs = 0;
    const pairs: string[] = [];
    let faulty = false;
    const { count } = this.#symbols;
    this.#eachExemplarField(
      i,
      (refs) => {
        for (const ref of refs) {
          if (ref >= count) faulty = true;
          else pairs.push(this.#symbols.text(ref));
        }
      },
      (read) => {
        value = read;
      },
      (read) => {
        timestampMs = read;
      },
    );
    if (faulty || pairs.length % 2 !== 0) return undefined;
    const labels: [string, string][] = [];
    for (let at = 0; at < pairs.length; at += 2) labels.push([pairs[at], pairs[at + 1]]);
    if (labels.some(([name]) => name === '')) return undefined;
    if (new Set(labels.map(([name]) => name)).size < labels.length) return undefined;
    return { labels: Labels.from(labels), value, timestampMs };
  }

  metadata(): MetricMetadata {
    const type = WIRE_METRIC_TYPES[this.#metadataType] ?? 'unknown';
    const symbols = this.#symbols;
    this.#parser.parse(this.labelBytes, 0, this.labelsEnd);
    const name = Labels.fromSorted(this.#parser.pairs).get(METRIC_NAME);
    return {
      metric: familyName(name, type),
      type,
      help: this.#helpRef === 0 ? '' : symbols.text(this.#helpRef),
      unit: this.#unitRef === 0 ? '' : symbols.text(this.#unitRef),
    };
  }

  metadataHash(hash: ContentHash): void {
    const words = this.#hashWords;
    const symbols = this.#symbols;
    words.fill(0, 0, 8);
    const nameRef = this.#metricNameRef();
    if (nameRef >= 0) symbols.hashInto(nameRef, hash, words, 0);
    if (this.#helpRef > 0) symbols.hashInto(this.#helpRef, hash, words, 2);
    if (this.#unitRef > 0) symbols.hashInto(this.#unitRef, hash, words, 4);
    words[6] = this.#metadataType;
    hash.hash(this.#hashView, 0, 32);
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
        if (tag !== SERIES_FIELD && (field === 4 || field === 5)) refuseKnown(tag, field, 'Request');
        body.skip(tag);
      }
    }
    body.position = 0;
  }

  /** Reads the message that `body.position … body.end` is. */
  #readSeries(): void {
    const body = this.#body;
    this.#refCount = 0;
    this.sampleCount = 0;
    this.hasStartTimes = false;
    this.histogramCount = 0;
    this.exemplarCount = 0;
    this.#createdMs = 0;
    this.#metadataStart = 0;
    this.#metadataEnd = 0;
    while (body.position < body.end) {
      const tag = body.tag();
      if (tag >>> 3 === LABEL_REFS) {
        this.#refCount = this.#readRefs(tag, this.#refCount);
      } else if (tag === SAMPLES_FIELD) {
        this.#readSample();
      } else if (tag === HISTOGRAMS_FIELD) {
        this.#noteRange(this.#histogramRanges, this.histogramCount++);
      } else if (tag === EXEMPLARS_FIELD) {
        this.#noteRange(this.#exemplarRanges, this.exemplarCount++);
      } else if (tag === METADATA_FIELD) {
        const length = body.length();
        this.#metadataStart = body.position;
        this.#metadataEnd = body.position + length;
        body.position += length;
      } else if (tag === CREATED_FIELD) {
        this.#createdMs = body.int64();
      } else {
        refuseKnown(tag, 6, 'TimeSeries');
        body.skip(tag);
      }
    }
    if (this.#createdMs !== 0) this.#applyCreated();
  }

  /** References packed into one field, or one of them alone; returns their count with those before. */
  #readRefs(tag: number, count: number): number {
    const body = this.#body;
    if ((tag & 7) !== WIRE_BYTES) {
      if ((tag & 7) !== WIRE_VARINT) refuseKnown(tag, LABEL_REFS, 'TimeSeries');
      return this.#addRef(body.uint32(), count);
    }
    const length = body.length();
    const end = body.position + length;
    const { bytes, end: outerEnd } = body;
    body.end = end;
    while (body.position < end) {
      const byte = bytes[body.position];
      if (byte < 0x80) {
        body.position++;
        count = this.#addRef(byte, count);
      } else {
        count = this.#addRef(body.uint32(), count);
      }
    }
    body.end = outerEnd;
    return count;
  }

  #addRef(ref: number, count: number): number {
    if (count === this.#refs.length && count < MAX_KEPT_REFS) this.#growRefs();
    this.#refs[count] = ref; // beyond the array nothing is written
    return count + 1;
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

  /** Writes the labels out as the log record has them; a fault where they can't be. */
  #writeLabels(): SourceFault | undefined {
    const refs = this.#refs;
    const symbols = this.#symbols;
    const count = this.#refCount;
    this.labelsEnd = 0;
    if (count % 2 !== 0) return 'odd_label_references';
    if (count > refs.length) return 'labels_too_long';
    let length = 6 * count;
    for (let i = 0; i < count; i++) {
      if (refs[i] >= symbols.count) return 'bad_symbol_reference';
      length += symbols.byteLength(refs[i]);
    }
    if (length > LABELS_MAX_BYTES) return 'labels_too_long';
    this.#labelBytesLeft -= length;
    if (this.#labelBytesLeft < 0) throw new TooLargeError(this.#maxLabelBytes + 1, this.#maxLabelBytes);
    const to = this.#labels;
    to.reset();
    to.reserve(length + 8);
    this.labelBytes = to.bytes;
    let at = 0;
    for (let i = 0; i < count; i += 2) at = writeLabel(symbols, refs[i], refs[i + 1], to.bytes, at);
    this.labelsEnd = at;
    if (8 * count > this.#hashWords.byteLength) this.#growHashWords();
    return undefined;
  }

  #refuse(reason: SourceFault): void {
    const texts: string[] = [];
    for (let i = 0; i < Math.min(this.#refCount, 2 * SERIES_SUBJECT_LABELS, this.#refs.length); i++) {
      const ref = this.#refs[i];
      texts.push(ref < this.#symbols.count ? this.#symbols.text(ref).slice(0, 100) : `symbol ${ref}`);
    }
    this.refusal = {
      reason,
      count: this.sampleCount + this.histogramCount,
      exemplars: this.exemplarCount,
      subject: `series of [${texts.map((text) => JSON.stringify(text)).join(', ')}]`,
      detail: `${this.#refCount} references, ${this.#symbols.count} symbols`,
    };
  }

  /** Whether the series' metadata says anything. */
  #readMetadata(): boolean {
    const body = this.#body;
    const { position, end } = body;
    body.position = this.#metadataStart;
    body.end = this.#metadataEnd;
    this.#metadataType = 0;
    this.#helpRef = 0;
    this.#unitRef = 0;
    while (body.position < body.end) {
      const tag = body.tag();
      if (tag === 0x08) this.#metadataType = body.uint64();
      else if (tag === 0x18) this.#helpRef = body.uint32();
      else if (tag === 0x20) this.#unitRef = body.uint32();
      else body.skip(tag);
    }
    body.position = position;
    body.end = end;
    const { count } = this.#symbols;
    if (this.#helpRef >= count) this.#helpRef = 0;
    if (this.#unitRef >= count) this.#unitRef = 0;
    return this.#metadataType !== 0 || this.#helpRef !== 0 || this.#unitRef !== 0;
  }

  /** The reference of the value of `__name__`, or −1. */
  #metricNameRef(): number {
    const refs = this.#refs;
    for (let i = 0; i < this.#refCount; i += 2) {
      if (
        this.#symbols.byteLength(refs[i]) === METRIC_NAME.length &&
        this.#symbols.text(refs[i]) === METRIC_NAME
      )
        return refs[i + 1];
    }
    return -1;
  }

  /** Walks over exemplar `i`: its references as far as they are of any use, its value and its time. */
  #eachExemplarField(
    i: number,
    references: (refs: readonly number[]) => void,
    value: (read: number) => void = () => {},
    time: (read: number) => void = () => {},
  ): void {
    const body = this.#body;
    const { position, end } = body;
    body.position = this.#exemplarRanges[2 * i];
    body.end = this.#exemplarRanges[2 * i + 1];
    const refs: number[] = [];
    while (body.position < body.end) {
      const tag = body.tag();
      if (tag === 0x0a) {
        const length = body.length();
        const { end: outerEnd } = body;
        body.end = body.position + length;
        while (body.position < body.end) refs.push(body.uint32());
        body.end = outerEnd;
      } else if (tag === 0x08) {
        refs.push(body.uint32());
      } else if (tag === 0x11) {
        value(body.double());
      } else if (tag === 0x18) {
        time(body.int64());
      } else {
        refuseKnown(tag, 3, 'Exemplar');
        body.skip(tag);
      }
    }
    body.position = position;
    body.end = end;
    references(refs);
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

  #growRefs(): void {
    const refs = new Uint32Array(2 * this.#refs.length);
    refs.set(this.#refs);
    this.#refs = refs;
  }

  #growHashWords(): void {
    this.#hashWords = new Int32Array(2 * this.#refs.length);
    this.#hashView = new DataView(this.#hashWords.buffer);
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

/** Refuses a field up to `lastKnown`, which the caller knows, but under another wire type. */
function refuseKnown(tag: number, lastKnown: number, message: string): void {
  const field = tag >>> 3;
  if (field > lastKnown) return;
  throw new DecodeError(`field ${field} of a ${message} has wire type ${tag & 7}`);
}

/** Writes `0x0a length 0x0a length name 0x12 length value`; there is room. Returns where it ends. */
function writeLabel(symbols: SymbolTable, name: number, value: number, to: Uint8Array, at: number): number {
  const nameBytes = symbols.byteLength(name);
  const valueBytes = symbols.byteLength(value);
  to[at++] = 0x0a;
  at = writeLength(
    2 + lengthOfLength(nameBytes) + nameBytes + lengthOfLength(valueBytes) + valueBytes,
    to,
    at,
  );
  to[at++] = 0x0a;
  at = writeLength(nameBytes, to, at);
  at = symbols.copy(name, to, at);
  to[at++] = 0x12;
  at = writeLength(valueBytes, to, at);
  return symbols.copy(value, to, at);
}

function writeLength(length: number, to: Uint8Array, at: number): number {
  for (; length >= 0x80; length >>>= 7) to[at++] = (length & 0x7f) | 0x80;
  to[at++] = length;
  return at;
}

function lengthOfLength(length: number): number {
  return length < 0x80 ? 1 : length < 0x4000 ? 2 : 3;
}
