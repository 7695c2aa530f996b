import { ByteWriter } from '@xscaler/encoding';
import type { BucketSpan, CounterResetHint, FloatHistogram } from '@xscaler/model';
import { writeInt64, writeMessage, writeSint64 } from '../protobuf/protobuf-writer.ts';
import { countsAddUp } from './native-histogram-fault.ts';

/** A native histogram of a request that is to be encoded. */
export interface HistogramSample {
  readonly timestampMs: number;
  readonly histogram: FloatHistogram;
  /** Start timestamp in ms, for remote write 2.0. */
  readonly startMs?: number;
  /** Write float counts even if they are whole; false: integers even if they don't add up. */
  readonly asFloats?: boolean;
}

const RESET_HINT_NUMBERS: Readonly<Record<CounterResetHint, number>> = {
  unknown: 0,
  reset: 1,
  not_reset: 2,
  gauge: 3,
};

/**
 * The fields of a `Histogram` message of remote write 1.0 or 2.0, with integer counts if all of them are whole and
 * add up: a float histogram may have other ones, which would be a fault in integers.
 */
export function writeHistogram(sample: HistogramSample, to: ByteWriter): void {
  const { histogram, timestampMs, startMs, asFloats } = sample;
  const { positiveBuckets, negativeBuckets, count, zeroCount } = histogram;
  const isFloat =
    asFloats === true ||
    ![count, zeroCount, ...positiveBuckets, ...negativeBuckets].every(Number.isSafeInteger) ||
    (asFloats === undefined && !countsAddUp(histogram));
  writeCount(to, isFloat ? 0x11 : 0x08, count);
  to.u8(0x19);
  to.f64(histogram.sum);
  to.u8(0x20);
  writeSint64(to, histogram.schema);
  to.u8(0x29);
  to.f64(histogram.zeroThreshold);
  writeCount(to, isFloat ? 0x39 : 0x30, zeroCount);
  for (const span of histogram.negativeSpans) writeSpan(to, 0x42, span);
  writeBuckets(to, isFloat ? 0x52 : 0x4a, negativeBuckets, isFloat);
  for (const span of histogram.positiveSpans) writeSpan(to, 0x5a, span);
  writeBuckets(to, isFloat ? 0x6a : 0x62, positiveBuckets, isFloat);
  to.u8(0x70);
  to.uvarint(RESET_HINT_NUMBERS[histogram.counterResetHint]);
  to.u8(0x78);
  writeInt64(to, timestampMs);
  writeBuckets(to, 0x82, histogram.customValues, true);
  if (startMs !== undefined) {
    to.uvarint(0x88);
    writeInt64(to, startMs);
  }
}

function writeCount(to: ByteWriter, tag: number, count: number): void {
  to.u8(tag);
  if ((tag & 7) === 1) to.f64(count);
  else writeInt64(to, count);
}

function writeSpan(to: ByteWriter, tag: number, { offset, length }: BucketSpan): void {
  const span = new ByteWriter(16);
  span.u8(0x08);
  writeSint64(span, offset);
  span.u8(0x10);
  span.uvarint(length);
  writeMessage(to, tag, span);
}

/** Packed: floats unchanged, integers as differences. */
function writeBuckets(to: ByteWriter, tag: number, buckets: readonly number[], isFloat: boolean): void {
  if (buckets.length === 0) return;
  const packed = new ByteWriter(8 * buckets.length);
  let previous = 0;
  for (const count of buckets) {
    if (isFloat) packed.f64(count);
    else writeSint64(packed, count - previous);
    previous = count;
  }
  writeMessage(to, tag, packed);
}
