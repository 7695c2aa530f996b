import { ByteWriter } from '@xscaler/encoding';
import { type ProtobufReader, WIRE_BYTES, WIRE_FIXED64, WIRE_VARINT } from '../protobuf/protobuf-reader.ts';
import { EXPONENTIAL_HISTOGRAM, GAUGE, HISTOGRAM, SUM, SUMMARY } from './metrics-walk.ts';

/** Bit of a point's flags: it stands for no value at all. */
const NO_RECORDED_VALUE = 1;

/** Fields of a point whose numbers differ from kind to kind. */
interface PointFields {
  readonly attributes: number;
  readonly exemplars: number;
  readonly flags: number;
}

const FIELDS: Readonly<Record<number, PointFields>> = {
  [GAUGE]: { attributes: 7, exemplars: 5, flags: 8 },
  [SUM]: { attributes: 7, exemplars: 5, flags: 8 },
  [HISTOGRAM]: { attributes: 9, exemplars: 8, flags: 10 },
  [EXPONENTIAL_HISTOGRAM]: { attributes: 1, exemplars: 11, flags: 10 },
  [SUMMARY]: { attributes: 7, exemplars: -1, flags: 8 },
};

const START = 0x11;
const TIME = 0x19;

/** Numbers in an array that is kept from point to point. */
export class NumberList {
  values = new Float64Array(64);
  length = 0;

  push(value: number): void {
    if (this.length === this.values.length) {
      const values = new Float64Array(2 * this.values.length);
      values.set(this.values);
      this.values = values;
    }
    this.values[this.length++] = value;
  }
}

/** Buckets of one sign of an exponential histogram: of index `offset`, `offset` + 1, … */
export class ExponentialBuckets {
  offset = 0;
  readonly counts = new NumberList();
}

/**
 * One data point of an OTLP metric, of any kind (`NumberDataPoint`, `HistogramDataPoint`, `ExponentialHistogramDataPoint`,
 * `SummaryDataPoint` of OpenTelemetry's `metrics.proto`). Used again for the next one: nothing is allocated for a point.
 */
export class DataPoint {
  /** The attribute fields: the request, or a copy if they don't lie side by side in it. */
  attributeBytes: Uint8Array = new Uint8Array(0);
  attributeView: DataView = new DataView(new ArrayBuffer(0));
  attributesStart = 0;
  attributesEnd = 0;
  /** Number of the attributes' field. */
  attributesField = 0;

  timeMs = 0;
  /** 0 if it isn't told. */
  startMs = 0;
  hasNoRecordedValue = false;

  /** Of a number. */
  hasValue = false;
  valueLow = 0;
  valueHigh = 0;

  /** Of histograms and summaries. */
  count = 0;
  hasSum = false;
  sum = 0;
  /** Of a histogram. */
  readonly bucketCounts = new NumberList();
  readonly bounds = new NumberList();
  /** Of an exponential histogram. */
  scale = 0;
  zeroCount = 0;
  zeroThreshold = 0;
  readonly positive = new ExponentialBuckets();
  readonly negative = new ExponentialBuckets();
  /** Of a summary: quantile i has value i. */
  readonly quantiles = new NumberList();
  readonly quantileValues = new NumberList();

  /** Two a piece: start and end in the request. */
  readonly exemplarRanges = new NumberList();

  #looseAttributes = new ByteWriter(256);
  #number = new Float64Array(1);
  #numberWords = new Uint32Array(this.#number.buffer);

  /**
   * Reads the point of that kind at the reader's `[start, end)`.
   * @throws DecodeError
   */
  read(body: ProtobufReader, start: number, end: number, kind: number): void {
    const fields = FIELDS[kind];
    this.#forget(body, fields);
    body.position = start;
    body.end = end;
    while (body.position < end) {
      const tagAt = body.position;
      const tag = body.tag();
      const field = tag >>> 3;
      if (tag === TIME) this.timeMs = body.milliseconds();
      else if (tag === START) this.startMs = body.milliseconds();
      else if (field === fields.attributes) this.#readAttribute(body, tag, tagAt);
      else if (field === fields.exemplars) this.#readExemplar(body, tag);
      else if (field === fields.flags && (tag & 7) === WIRE_VARINT) {
        this.hasNoRecordedValue = body.uint64() % 2 === NO_RECORDED_VALUE;
      } else if (kind === HISTOGRAM) this.#readHistogramField(body, tag);
      else if (kind === EXPONENTIAL_HISTOGRAM) this.#readExponentialField(body, tag);
      else if (kind === SUMMARY) this.#readSummaryField(body, tag);
      else this.#readNumberField(body, tag);
    }
  }

  #forget(body: ProtobufReader, fields: PointFields): void {
    this.attributeBytes = body.bytes;
    this.attributeView = body.view;
    this.attributesStart = 0;
    this.attributesEnd = 0;
    this.attributesField = fields.attributes;
    this.timeMs = 0;
    this.startMs = 0;
    this.hasNoRecordedValue = false;
    this.hasValue = false;
    this.count = 0;
    this.hasSum = false;
    this.sum = 0;
    this.bucketCounts.length = 0;
    this.bounds.length = 0;
    this.scale = 0;
    this.zeroCount = 0;
    this.zeroThreshold = 0;
    this.positive.offset = 0;
    this.positive.counts.length = 0;
    this.negative.offset = 0;
    this.negative.counts.length = 0;
    this.quantiles.length = 0;
    this.quantileValues.length = 0;
    this.exemplarRanges.length = 0;
  }

  #readAttribute(body: ProtobufReader, tag: number, tagAt: number): void {
    body.skip(tag);
    if ((tag & 7) !== WIRE_BYTES) return;
    if (this.attributesStart === this.attributesEnd) {
      this.attributesStart = tagAt;
      this.attributesEnd = body.position;
      return;
    }
    const loose = this.#looseAttributes;
    if (this.attributeBytes === body.bytes) {
      if (tagAt === this.attributesEnd) {
        this.attributesEnd = body.position;
        return;
      }
      loose.reset();
      loose.raw(body.bytes, this.attributesStart, this.attributesEnd);
    }
    loose.raw(body.bytes, tagAt, body.position);
    this.attributeBytes = loose.bytes;
    this.attributeView = new DataView(loose.bytes.buffer);
    this.attributesStart = 0;
    this.attributesEnd = loose.length;
  }

  #readExemplar(body: ProtobufReader, tag: number): void {
    if ((tag & 7) !== WIRE_BYTES) {
      body.skip(tag);
      return;
    }
    const length = body.length();
    this.exemplarRanges.push(body.position);
    this.exemplarRanges.push(body.position + length);
    body.position += length;
  }

  #readNumberField(body: ProtobufReader, tag: number): void {
    if (tag === 0x21) {
      const at = body.fixed64();
      this.valueLow = body.view.getUint32(at, true);
      this.valueHigh = body.view.getUint32(at + 4, true);
    } else if (tag === 0x31) {
      this.#number[0] = body.signedFixed64();
      this.valueLow = this.#numberWords[0];
      this.valueHigh = this.#numberWords[1];
    } else {
      body.skip(tag);
      return;
    }
    this.hasValue = true;
  }

  #readHistogramField(body: ProtobufReader, tag: number): void {
    if (tag === 0x21) this.count = body.unsignedFixed64();
    else if (tag === 0x29) this.#readSum(body);
    else if (tag >>> 3 === 6) readNumbers(body, tag, this.bucketCounts, FIXED_INTEGERS);
    else if (tag >>> 3 === 7) readNumbers(body, tag, this.bounds, DOUBLES);
    else body.skip(tag);
  }

  #readExponentialField(body: ProtobufReader, tag: number): void {
    if (tag === 0x21) this.count = body.unsignedFixed64();
    else if (tag === 0x29) this.#readSum(body);
    else if (tag === 0x30) this.scale = body.sint64();
    else if (tag === 0x39) this.zeroCount = body.unsignedFixed64();
    else if (tag === 0x42) readBuckets(body, this.positive);
    else if (tag === 0x4a) readBuckets(body, this.negative);
    else if (tag === 0x71) this.zeroThreshold = body.double();
    else body.skip(tag);
  }

  #readSummaryField(body: ProtobufReader, tag: number): void {
    if (tag === 0x21) this.count = body.unsignedFixed64();
    else if (tag === 0x29) this.#readSum(body);
    else if (tag === 0x32) this.#readQuantile(body);
    else body.skip(tag);
  }

  #readSum(body: ProtobufReader): void {
    this.sum = body.double();
    this.hasSum = true;
  }

  #readQuantile(body: ProtobufReader): void {
    const { end } = body;
    const length = body.length();
    body.end = body.position + length;
    let quantile = 0;
    let value = 0;
    while (body.position < body.end) {
      const tag = body.tag();
      if (tag === 0x09) quantile = body.double();
      else if (tag === 0x11) value = body.double();
      else body.skip(tag);
    }
    body.end = end;
    this.quantiles.push(quantile);
    this.quantileValues.push(value);
  }
}

const DOUBLES = 0;
const FIXED_INTEGERS = 1;
const VARINTS = 2;

/** Numbers packed into one field, or one of them in a field of its own. */
function readNumbers(body: ProtobufReader, tag: number, to: NumberList, as: number): void {
  const wireType = tag & 7;
  if (wireType === WIRE_BYTES) {
    const { end } = body;
    const length = body.length();
    body.end = body.position + length;
    while (body.position < body.end) to.push(readNumber(body, as));
    body.end = end;
  } else if (wireType === (as === VARINTS ? WIRE_VARINT : WIRE_FIXED64)) {
    to.push(readNumber(body, as));
  } else {
    body.skip(tag);
  }
}

function readNumber(body: ProtobufReader, as: number): number {
  if (as === DOUBLES) return body.double();
  return as === VARINTS ? body.uint64() : body.unsignedFixed64();
}

function readBuckets(body: ProtobufReader, to: ExponentialBuckets): void {
  const { end } = body;
  const length = body.length();
  body.end = body.position + length;
  while (body.position < body.end) {
    const tag = body.tag();
    if (tag === 0x08) to.offset = body.sint64();
    else if (tag >>> 3 === 2) readNumbers(body, tag, to.counts, VARINTS);
    else body.skip(tag);
  }
  body.end = end;
}
