import { type BucketSpan, type CounterResetHint, type FloatHistogram, isStaleWords } from '@xscaler/model';
import type { SourceHistogram } from '../labels/series-source.ts';
import { type ProtobufReader, WIRE_BYTES, WIRE_FIXED64, WIRE_VARINT } from '../protobuf/protobuf-reader.ts';
import { BucketLayout } from './bucket-layout.ts';
import { nativeHistogramFault, spansFit } from './native-histogram-fault.ts';

/** However large a request may be: a histogram has to fit a record of the log. */
export const HISTOGRAM_MAX_BUCKETS = 16_384;

/** The finest exponential schema that is stored; finer ones are made coarser. */
export const FINEST_SCHEMA = 8;
const FINEST_KNOWN_SCHEMA = 52;

const RESET_HINTS: readonly CounterResetHint[] = ['unknown', 'reset', 'not_reset', 'gauge'];

const COUNT_INT = 0x08;
const COUNT_FLOAT = 0x11;
const SUM = 0x19;
const SCHEMA = 0x20;
const ZERO_THRESHOLD = 0x29;
const ZERO_COUNT_INT = 0x30;
const ZERO_COUNT_FLOAT = 0x39;
const NEGATIVE_SPANS = 8;
const NEGATIVE_DELTAS = 9;
const NEGATIVE_COUNTS = 10;
const POSITIVE_SPANS = 11;
const POSITIVE_DELTAS = 12;
const POSITIVE_COUNTS = 13;
const RESET_HINT = 0x70;
const TIMESTAMP = 0x78;
const CUSTOM_VALUES = 16;
const START_TIMESTAMP = 0x88;

/**
 * Reads native histograms as remote write has them on the wire: `prometheus.Histogram` of 1.0 and
 * `io.prometheus.write.v2.Histogram` of 2.0 have the same fields, 2.0 the start timestamp besides.
 * Integer counts, which travel as differences, become absolute floats.
 */
export class NativeHistogramReader implements SourceHistogram {
  histogram: FloatHistogram | undefined;
  fault: string | undefined;
  isInteger = true;
  sumLow = 0;
  sumHigh = 0;
  timestampMs = 0;
  startMs = 0;

  #schema = 0;
  #zeroThreshold = 0;
  #zeroCount = 0;
  #count = 0;
  #sum = 0;
  #resetHint = 0;
  #positive = new SignBuckets();
  #negative = new SignBuckets();
  #customValues: number[] = [];
  #parts = 0;

  /**
   * Reads the message at the reader's `[start, end)`; the reader then stands where it stood before.
   * @throws DecodeError if the bytes aren't such a message
   */
  read(body: ProtobufReader, start: number, end: number): this {
    const { position, end: outerEnd } = body;
    body.position = start;
    body.end = end;
    this.#forget();
    while (body.position < end) this.#readField(body);
    body.position = position;
    body.end = outerEnd;
    const histogram = this.#assemble();
    if (isStaleWords(this.sumLow, this.sumHigh)) {
      this.fault = undefined;
      this.histogram = histogram;
      return this;
    }
    this.fault =
      this.#parts > HISTOGRAM_MAX_BUCKETS
        ? `more than ${HISTOGRAM_MAX_BUCKETS} buckets`
        : nativeHistogramFault(histogram, this.isInteger);
    this.histogram = this.fault === undefined ? histogram : undefined;
    return this;
  }

  #forget(): void {
    this.timestampMs = 0;
    this.startMs = 0;
    this.#schema = 0;
    this.#zeroThreshold = 0;
    this.#zeroCount = 0;
    this.#count = 0;
    this.#sum = 0;
    this.sumLow = 0;
    this.sumHigh = 0;
    this.isInteger = true;
    this.#resetHint = 0;
    this.#positive = new SignBuckets();
    this.#negative = new SignBuckets();
    this.#customValues = [];
    this.#parts = 0;
  }

  #readField(body: ProtobufReader): void {
    const tag = body.tag();
    switch (tag) {
      case COUNT_INT:
        this.#count = body.uint64();
        this.isInteger = true;
        return;
      case COUNT_FLOAT:
        this.#count = body.double();
        this.isInteger = false;
        return;
      case SUM:
        this.#readSum(body);
        return;
      case SCHEMA:
        this.#schema = body.sint64();
        return;
      case ZERO_THRESHOLD:
        this.#zeroThreshold = body.double();
        return;
      case ZERO_COUNT_INT:
        this.#zeroCount = body.uint64();
        return;
      case ZERO_COUNT_FLOAT:
        this.#zeroCount = body.double();
        return;
      case RESET_HINT:
        this.#resetHint = body.uint64();
        return;
      case TIMESTAMP:
        this.timestampMs = body.int64();
        return;
      case START_TIMESTAMP:
        this.startMs = body.int64();
        return;
      default:
        this.#readRepeated(body, tag);
    }
  }

  #readSum(body: ProtobufReader): void {
    const at = body.fixed64();
    this.#sum = body.view.getFloat64(at, true);
    this.sumLow = body.view.getUint32(at, true);
    this.sumHigh = body.view.getUint32(at + 4, true);
  }

  #readRepeated(body: ProtobufReader, tag: number): void {
    const field = tag >>> 3;
    if (field === NEGATIVE_SPANS) this.#readSpan(body, tag, this.#negative.spans);
    else if (field === POSITIVE_SPANS) this.#readSpan(body, tag, this.#positive.spans);
    else if (field === NEGATIVE_DELTAS) this.#readNumbers(body, tag, this.#negative.deltas, false);
    else if (field === POSITIVE_DELTAS) this.#readNumbers(body, tag, this.#positive.deltas, false);
    else if (field === NEGATIVE_COUNTS) this.#readNumbers(body, tag, this.#negative.counts, true);
    else if (field === POSITIVE_COUNTS) this.#readNumbers(body, tag, this.#positive.counts, true);
    else if (field === CUSTOM_VALUES) this.#readNumbers(body, tag, this.#customValues, true);
    else body.skip(tag);
  }

  #readSpan(body: ProtobufReader, tag: number, spans: BucketSpan[]): void {
    if ((tag & 7) !== WIRE_BYTES) {
      body.skip(tag);
      return;
    }
    const outerEnd = body.end;
    const length = body.length();
    body.end = body.position + length;
    let offset = 0;
    let count = 0;
    while (body.position < body.end) {
      const field = body.tag();
      if (field === 0x08) offset = body.sint64();
      else if (field === 0x10) count = body.uint32();
      else body.skip(field);
    }
    body.end = outerEnd;
    if (this.#parts++ < HISTOGRAM_MAX_BUCKETS) spans.push({ offset, length: count });
  }

  /** Numbers packed into one field, or one of them in a field of its own, as protobuf allows of either. */
  #readNumbers(body: ProtobufReader, tag: number, numbers: number[], areDoubles: boolean): void {
    const wireType = tag & 7;
    if (wireType === WIRE_BYTES) {
      const outerEnd = body.end;
      const length = body.length();
      body.end = body.position + length;
      while (body.position < body.end) this.#readNumber(body, numbers, areDoubles);
      body.end = outerEnd;
    } else if (wireType === (areDoubles ? WIRE_FIXED64 : WIRE_VARINT)) {
      this.#readNumber(body, numbers, areDoubles);
    } else {
      body.skip(tag);
    }
  }

  #readNumber(body: ProtobufReader, numbers: number[], isDouble: boolean): void {
    const number = isDouble ? body.double() : body.sint64();
    if (this.#parts++ < HISTOGRAM_MAX_BUCKETS) numbers.push(number);
  }

  #assemble(): FloatHistogram {
    const schema = this.#schema;
    const shift = schema > FINEST_SCHEMA && schema <= FINEST_KNOWN_SCHEMA ? schema - FINEST_SCHEMA : 0;
    const positive = this.#positive.absolute(!this.isInteger, shift);
    const negative = this.#negative.absolute(!this.isInteger, shift);
    return {
      schema: schema - shift,
      zeroThreshold: this.#zeroThreshold,
      zeroCount: this.#zeroCount,
      count: this.#count,
      sum: this.#sum,
      positiveSpans: positive.spans,
      positiveBuckets: positive.counts,
      negativeSpans: negative.spans,
      negativeBuckets: negative.counts,
      customValues: this.#customValues,
      counterResetHint: RESET_HINTS[this.#resetHint] ?? 'unknown',
    };
  }
}

/** The buckets of one sign, as they came. */
class SignBuckets {
  readonly spans: BucketSpan[] = [];
  /** Of integer histograms: each bucket's difference from the one before it. */
  readonly deltas: number[] = [];
  /** Of float histograms. */
  readonly counts: number[] = [];

  /** With absolute counts, `shift` schemas coarser. */
  absolute(isFloat: boolean, shift: number): { spans: readonly BucketSpan[]; counts: readonly number[] } {
    const counts = isFloat ? this.counts : runningSums(this.deltas);
    if (shift === 0 || !spansFit(this.spans, counts.length)) return { spans: this.spans, counts };
    const layout = new BucketLayout();
    let index = 0;
    let next = 0;
    for (const span of this.spans) {
      index += span.offset;
      for (let i = 0; i < span.length; i++, index++) {
        // A bucket's upper bound is inclusive: index 1 of schema s and of s - 1 begin at the same bound.
        layout.add(Math.floor((index - 1) / 2 ** shift) + 1, counts[next++]);
      }
    }
    return layout.finish();
  }
}

function runningSums(deltas: readonly number[]): number[] {
  let count = 0;
  return deltas.map((delta) => {
    count += delta;
    return count;
  });
}
