import { type BucketSpan, type FloatHistogram, isStaleWords, type SampleColumns } from '@xscaler/model';
import { doubleWords } from '../protobuf/protobuf-writer.ts';
import type { BitWriter } from './bit-writer.ts';
import { writeVarbitInt, writeVarbitUint } from './varbit.ts';
import { XorValues } from './xor-values.ts';

/*
 * Prometheus' chunks of native histograms, all of one layout (tsdb/docs/format/chunks.md, "Histogram chunk data"):
 *
 *   chunk     := samples u16 big-endian, flags u8, threshold, schema varbitInt, spans (positive), spans (negative),
 *                bounds (schema -53 only), sample …, zeros up to a whole byte
 *   flags     := 0x80 the counter was reset before the chunk, 0x40 it was not, 0xc0 gauges, 0 unknown
 *   threshold := 0 none | exponent + 243 of a power of two (as a fraction from 0.5 on) | 255, f64
 *   spans     := count varbitUint, (length varbitUint, offset varbitInt) …
 *   bounds    := count varbitUint, bound …
 *   bound     := bound × 1000 + 1 varbitUint, if that is whole and from 1 to 2^25 - 1 | 0 (a bit), f64
 *
 * Samples of integer histograms, buckets being differences from the bucket before:
 *
 *   sample 0  := time varbitInt, count varbitUint, zero count varbitUint, sum f64, bucket varbitInt …
 *   sample n  := the change of the difference from the sample before of each of them, varbitInt; but the sum, xor
 *
 * Samples of float histograms:
 *
 *   sample 0  := time varbitInt, count f64, zero count f64, sum f64, bucket f64 …
 *   sample n  := change of the time's difference varbitInt, count xor, zero count xor, sum xor, bucket xor …
 *
 * Of a staleness marker there are no buckets, and count and zero count change as they did before.
 */

/** What is known of a counter between the sample before a chunk and its first. */
export const RESET_UNKNOWN = 0;
export const RESET_NONE = 0x40;
export const RESET = 0x80;
export const GAUGES = 0xc0;

export type ResetFlags = typeof RESET_UNKNOWN | typeof RESET_NONE | typeof RESET | typeof GAUGES;

const CUSTOM_SCHEMA = -53;

/** What a staleness marker has beside its sum. */
const NOTHING: FloatHistogram = {
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 0,
  count: 0,
  sum: 0,
  positiveSpans: [],
  positiveBuckets: [],
  negativeSpans: [],
  negativeBuckets: [],
  customValues: [],
  counterResetHint: 'unknown',
};

/**
 * Writes the histograms from `from` to `to` (exclusive) as one chunk. They have one layout and, unless `asFloats`, whole
 * counts below 2^50; staleness markers come last. Sums are taken from the columns' values, bit for bit.
 */
export function writeHistogramChunk(
  bits: BitWriter,
  samples: SampleColumns,
  from: number,
  to: number,
  flags: ResetFlags,
  asFloats: boolean,
): void {
  bits.reset();
  bits.bits(to - from, 16);
  bits.bits(flags, 8);
  writeLayout(bits, histogramAt(samples, from));
  const counts = asFloats ? new FloatCounts() : new IntegerCounts();
  const times = new Changes();
  const sums = new XorValues();
  for (let i = from; i < to; i++) {
    const isFirst = i === from;
    const histogram = histogramAt(samples, i);
    const high = samples.valueWords[2 * i + 1];
    const low = samples.valueWords[2 * i];
    writeVarbitInt(bits, times.next(samples.timestamps[i]));
    counts.writeTotals(bits, histogram, isFirst, histogram === NOTHING);
    if (isFirst) {
      sums.begin(high, low);
      bits.words(high, low, 64);
    } else sums.write(bits, high, low);
    counts.writeBuckets(bits, histogram, isFirst);
  }
}

function histogramAt(samples: SampleColumns, i: number): FloatHistogram {
  const { valueWords } = samples;
  const isStale = isStaleWords(valueWords[2 * i], valueWords[2 * i + 1]);
  return isStale ? NOTHING : (samples.histograms?.[i] ?? NOTHING);
}

/** A number as the change of its difference: the first is itself. */
class Changes {
  #last = 0;
  #delta = 0;
  #isFirst = true;

  next(value: number): number {
    const delta = value - this.#last;
    const change = delta - this.#delta;
    this.#last = value;
    // The first value counts as no difference.
    this.#delta = this.#isFirst ? 0 : delta;
    this.#isFirst = false;
    return change;
  }
}

class IntegerCounts {
  readonly #count = new Changes();
  readonly #zeroCount = new Changes();
  readonly #buckets: Changes[] = [];

  writeTotals(
    bits: BitWriter,
    { count, zeroCount }: FloatHistogram,
    isFirst: boolean,
    isStale: boolean,
  ): void {
    const changes = [this.#count.next(count), this.#zeroCount.next(zeroCount)];
    for (const change of changes) {
      if (isFirst) writeVarbitUint(bits, change);
      else writeVarbitInt(bits, isStale ? 0 : change);
    }
  }

  writeBuckets(bits: BitWriter, { positiveBuckets, negativeBuckets }: FloatHistogram): void {
    let at = 0;
    for (const buckets of [positiveBuckets, negativeBuckets]) {
      let before = 0;
      for (const bucket of buckets) {
        this.#buckets[at] ??= new Changes();
        writeVarbitInt(bits, this.#buckets[at++].next(bucket - before));
        before = bucket;
      }
    }
  }
}

class FloatCounts {
  readonly #totals = [new XorValues(), new XorValues()];
  readonly #buckets: XorValues[] = [];

  writeTotals(bits: BitWriter, { count, zeroCount }: FloatHistogram, isFirst: boolean): void {
    writeDouble(bits, this.#totals[0], count, isFirst);
    writeDouble(bits, this.#totals[1], zeroCount, isFirst);
  }

  writeBuckets(
    bits: BitWriter,
    { positiveBuckets, negativeBuckets }: FloatHistogram,
    isFirst: boolean,
  ): void {
    let at = 0;
    for (const buckets of [positiveBuckets, negativeBuckets]) {
      for (const bucket of buckets) {
        this.#buckets[at] ??= new XorValues();
        writeDouble(bits, this.#buckets[at++], bucket, isFirst);
      }
    }
  }
}

function writeDouble(bits: BitWriter, values: XorValues, value: number, isFirst: boolean): void {
  const [low, high] = doubleWords([value]);
  if (isFirst) {
    values.begin(high, low);
    bits.words(high, low, 64);
  } else values.write(bits, high, low);
}

function writeLayout(bits: BitWriter, histogram: FloatHistogram): void {
  const { schema, zeroThreshold, positiveSpans, negativeSpans, customValues } = histogram;
  writeZeroThreshold(bits, zeroThreshold);
  writeVarbitInt(bits, schema);
  writeSpans(bits, positiveSpans);
  writeSpans(bits, negativeSpans);
  if (schema !== CUSTOM_SCHEMA) return;
  writeVarbitUint(bits, customValues.length);
  for (const bound of customValues) writeBound(bits, bound);
}

function writeZeroThreshold(bits: BitWriter, threshold: number): void {
  if (threshold === 0) {
    bits.bits(0, 8);
    return;
  }
  const exponent = Math.round(Math.log2(threshold)) + 1;
  if (2 ** (exponent - 1) === threshold && exponent >= -242 && exponent <= 11) bits.bits(exponent + 243, 8);
  else {
    bits.bits(255, 8);
    bits.double(threshold);
  }
}

function writeSpans(bits: BitWriter, spans: readonly BucketSpan[]): void {
  writeVarbitUint(bits, spans.length);
  for (const { length, offset } of spans) {
    writeVarbitUint(bits, length);
    writeVarbitInt(bits, offset);
  }
}

const MOST_THOUSANDTHS = 33_554_430;

function writeBound(bits: BitWriter, bound: number): void {
  const thousandths = Math.round(bound * 1000);
  const isShort = bound * 1000 >= 0 && bound * 1000 <= MOST_THOUSANDTHS && thousandths / 1000 === bound;
  if (isShort) writeVarbitUint(bits, thousandths + 1);
  else {
    bits.bits(0, 1);
    bits.double(bound);
  }
}
