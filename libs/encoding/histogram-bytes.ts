import { type ByteReader, DecodeError } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';

/*
 * A native histogram as bytes: how the log record carries it and a head keeps it. Its sum travels beside it, as
 * the value of its sample. The layout, which seldom changes from one histogram of a series to the next, is apart.
 *
 *   layout := flags u8, schema varint, zeroThreshold f64 if flags say so,
 *             spans (positive), spans (negative), customCount uvarint, customValue f64 …
 *   flags  := float (1 bit) + hint × 2 (2 bits) + threshold × 8 (2 bits)
 *             threshold: 0 none (0), 1 2^-128 (Prometheus' default), 2 1e-128 (what OTLP's means there), 3 told
 *   spans  := count uvarint, (offset varint, length uvarint) …
 *   counts := count, zeroCount, bucket … (positive, then negative)
 *             each a uvarint if the histogram came with integers, an f64 if it came with floats
 *
 * There is one way to write a histogram, so equal histograms have equal bytes.
 */

/** A native histogram with absolute bucket counts, and whether it came with integer counts. */
export interface HistogramFields {
  readonly isInteger: boolean;
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly count: number;
  readonly sum: number;
  readonly positiveSpans: readonly HistogramSpan[];
  readonly positiveBuckets: readonly number[];
  readonly negativeSpans: readonly HistogramSpan[];
  readonly negativeBuckets: readonly number[];
  readonly customValues: readonly number[];
  readonly counterResetHint: 'unknown' | 'reset' | 'not_reset' | 'gauge';
}

export interface HistogramSpan {
  readonly offset: number;
  readonly length: number;
}

/** All of a histogram but its counts and its sum. */
export interface HistogramLayout {
  readonly isInteger: boolean;
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly positiveSpans: readonly HistogramSpan[];
  readonly negativeSpans: readonly HistogramSpan[];
  readonly customValues: readonly number[];
  readonly counterResetHint: HistogramFields['counterResetHint'];
  /** Buckets that the spans speak of. */
  readonly positiveCount: number;
  readonly negativeCount: number;
}

/**
 * Most buckets of a histogram, both sides together; as many spans a side and custom bounds. No sender has more than
 * some hundreds, and layout and counts together stay below 768 KiB.
 */
export const HISTOGRAM_MAX_BUCKETS = 16_384;

const HINTS = ['unknown', 'reset', 'not_reset', 'gauge'] as const;
const FLOAT = 1;
const HINT_SHIFT = 1;
const THRESHOLD_SHIFT = 3;
const THRESHOLDS = [0, 2 ** -128, 1e-128] as const;
const THRESHOLD_TOLD = 3;
const MAX_FLAGS = 0x1f;
const CUSTOM_BUCKETS = -53;
const MIN_SCHEMA = -4;
const MAX_SCHEMA = 8;

type HistogramShape = Omit<HistogramFields, 'isInteger'>;

/** Whether all counts are whole numbers that a double holds exactly, as integer counts must be. */
export function hasIntegerCounts(histogram: HistogramShape): boolean {
  const { count, zeroCount, positiveBuckets, negativeBuckets } = histogram;
  return (
    isCount(count) && isCount(zeroCount) && positiveBuckets.every(isCount) && negativeBuckets.every(isCount)
  );
}

function isCount(count: number): boolean {
  return Number.isSafeInteger(count) && count >= 0 && !Object.is(count, -0);
}

/** @throws RangeError if schema, spans and buckets don't go together */
export function writeHistogramLayout(to: ByteWriter, histogram: HistogramShape, isInteger: boolean): void {
  const { schema, zeroThreshold, positiveSpans, negativeSpans, customValues } = histogram;
  if (!isSchema(schema)) throw new RangeError(`a histogram of schema ${schema}`);
  const buckets = histogram.positiveBuckets.length + histogram.negativeBuckets.length;
  if (buckets > HISTOGRAM_MAX_BUCKETS) throw new RangeError(`a histogram of ${buckets} buckets`);
  if (customValues.length > HISTOGRAM_MAX_BUCKETS)
    throw new RangeError(`a histogram of ${customValues.length} custom bounds`);
  const known = THRESHOLDS.findIndex((threshold) => Object.is(threshold, zeroThreshold));
  const threshold = known < 0 ? THRESHOLD_TOLD : known;
  const hint = HINTS.indexOf(histogram.counterResetHint);
  to.u8((isInteger ? 0 : FLOAT) | (hint << HINT_SHIFT) | (threshold << THRESHOLD_SHIFT));
  to.varint(schema);
  if (threshold === THRESHOLD_TOLD) to.f64(zeroThreshold);
  writeSpans(to, positiveSpans, histogram.positiveBuckets.length);
  writeSpans(to, negativeSpans, histogram.negativeBuckets.length);
  to.uvarint(customValues.length);
  for (const bound of customValues) to.f64(bound);
}

/** `isInteger` only if `hasIntegerCounts`. */
export function writeHistogramCounts(to: ByteWriter, histogram: HistogramShape, isInteger: boolean): void {
  const { count, zeroCount, positiveBuckets, negativeBuckets } = histogram;
  writeCount(to, count, isInteger);
  writeCount(to, zeroCount, isInteger);
  for (const bucket of positiveBuckets) writeCount(to, bucket, isInteger);
  for (const bucket of negativeBuckets) writeCount(to, bucket, isInteger);
}

/** An upper bound of what layout and counts take together, in bytes. */
export function histogramByteBound(histogram: HistogramShape): number {
  const { positiveBuckets, negativeBuckets, positiveSpans, negativeSpans, customValues } = histogram;
  const numbers = 2 + positiveBuckets.length + negativeBuckets.length + customValues.length;
  return 32 + 8 * numbers + 10 * (positiveSpans.length + negativeSpans.length);
}

/** @throws DecodeError */
export function readHistogramLayout(from: ByteReader): HistogramLayout {
  const flags = from.u8();
  if (flags > MAX_FLAGS) throw new DecodeError(`histogram flags ${flags}`);
  const schema = from.varint();
  if (!isSchema(schema)) throw new DecodeError(`a histogram of schema ${schema}`);
  const threshold = flags >> THRESHOLD_SHIFT;
  const zeroThreshold = threshold === THRESHOLD_TOLD ? from.f64() : THRESHOLDS[threshold];
  const positive = readSpans(from, HISTOGRAM_MAX_BUCKETS);
  const negative = readSpans(from, HISTOGRAM_MAX_BUCKETS - positive.count);
  const customCount = from.uvarint();
  if (customCount * 8 > from.remaining)
    throw new DecodeError('the custom bounds of a histogram are cut short');
  return {
    isInteger: (flags & FLOAT) === 0,
    schema,
    zeroThreshold,
    positiveSpans: positive.spans,
    negativeSpans: negative.spans,
    customValues: Array.from({ length: customCount }, () => from.f64()),
    counterResetHint: HINTS[(flags >> HINT_SHIFT) & 3],
    positiveCount: positive.count,
    negativeCount: negative.count,
  };
}

/** The histogram of a layout whose counts are next; it shares the layout's arrays. @throws DecodeError */
export function readHistogramCounts(from: ByteReader, layout: HistogramLayout, sum: number): HistogramFields {
  const { isInteger, positiveCount, negativeCount } = layout;
  const least = (2 + positiveCount + negativeCount) * (isInteger ? 1 : 8);
  if (least > from.remaining) throw new DecodeError('the counts of a histogram are cut short');
  const count = isInteger ? from.uvarint() : from.f64();
  const zeroCount = isInteger ? from.uvarint() : from.f64();
  const positiveBuckets = readBuckets(from, positiveCount, isInteger);
  const negativeBuckets = readBuckets(from, negativeCount, isInteger);
  return histogramOf(layout, sum, count, zeroCount, positiveBuckets, negativeBuckets);
}

/** Goes over the counts of a histogram of a layout, without making anything of them. @throws DecodeError */
export function skipHistogramCounts(from: ByteReader, layout: HistogramLayout): void {
  const { isInteger, positiveCount, negativeCount } = layout;
  const count = 2 + positiveCount + negativeCount;
  if (isInteger) for (let i = 0; i < count; i++) from.uvarint();
  else from.skip(8 * count);
}

/** A layout with its counts. */
export function histogramOf(
  layout: HistogramLayout,
  sum: number,
  count: number,
  zeroCount: number,
  positiveBuckets: readonly number[],
  negativeBuckets: readonly number[],
): HistogramFields {
  return {
    isInteger: layout.isInteger,
    schema: layout.schema,
    zeroThreshold: layout.zeroThreshold,
    zeroCount,
    count,
    sum,
    positiveSpans: layout.positiveSpans,
    positiveBuckets,
    negativeSpans: layout.negativeSpans,
    negativeBuckets,
    customValues: layout.customValues,
    counterResetHint: layout.counterResetHint,
  };
}

function isSchema(schema: number): boolean {
  return (
    schema === CUSTOM_BUCKETS || (schema >= MIN_SCHEMA && schema <= MAX_SCHEMA && Number.isInteger(schema))
  );
}

function writeCount(to: ByteWriter, count: number, isInteger: boolean): void {
  if (isInteger) to.uvarint(count);
  else to.f64(count);
}

function readBuckets(from: ByteReader, length: number, isInteger: boolean): number[] {
  const buckets = new Array<number>(length);
  for (let i = 0; i < length; i++) buckets[i] = isInteger ? from.uvarint() : from.f64();
  return buckets;
}

function writeSpans(to: ByteWriter, spans: readonly HistogramSpan[], bucketCount: number): void {
  let count = 0;
  if (spans.length > HISTOGRAM_MAX_BUCKETS) throw new RangeError(`a histogram of ${spans.length} spans`);
  to.uvarint(spans.length);
  for (const { offset, length } of spans) {
    if (!isInt32(offset) || !(isInt32(length) && length >= 0)) throw new RangeError('a span of a histogram');
    to.varint(offset);
    to.uvarint(length);
    count += length;
  }
  if (count !== bucketCount) throw new RangeError(`${bucketCount} buckets in spans of ${count}`);
}

function readSpans(from: ByteReader, maxBuckets: number): { spans: HistogramSpan[]; count: number } {
  const spans: HistogramSpan[] = [];
  let count = 0;
  const length = from.uvarint();
  if (length > HISTOGRAM_MAX_BUCKETS || length * 2 > from.remaining)
    throw new DecodeError('the spans of a histogram are cut short');
  for (let left = length; left > 0; left--) {
    const offset = from.varint();
    const span = { offset, length: from.uvarint() };
    if (!isInt32(offset)) throw new DecodeError('a span of a histogram is out of range');
    count += span.length;
    if (count > maxBuckets)
      throw new DecodeError(`a histogram of more than ${HISTOGRAM_MAX_BUCKETS} buckets`);
    spans.push(span);
  }
  return { spans, count };
}

function isInt32(number: number): boolean {
  return (number | 0) === number;
}
