import {
  type BitBuffer,
  type ByteReader,
  type ByteWriter,
  DecodeError,
  type HistogramFields,
} from '@xscaler/encoding';
import { PackedReader, ROUND, UNSCALED } from './packed-integers.ts';
import { PackedWriter } from './packed-writer.ts';

/*
 * The counts of histograms of one layout, one after the other in time, column by column: that of all observations,
 * of the zero bucket, of each positive and each negative bucket.
 *
 *   columns := flags u8, column …
 *              flags & 1: what the first column has is less all the others, mostly 0
 *   column  := mode u8, …
 *            | value varint                   COLUMN_EQUAL: an integer, all the same
 *            | packed                         COLUMN_PLAIN: integers (packed-integers.ts)
 *            | first varint, packed           COLUMN_DELTA: integers by their differences
 *            | (shape u8, byte …) …           COLUMN_XOR: doubles, each XORed with the one before (from 0)
 *   shape   := bytes left out below × 16 + bytes that follow, the lowest first, those above being 0
 */
const SUM_LEFT_OUT = 1;
const COLUMN_EQUAL = 0;
const COLUMN_PLAIN = 1;
const COLUMN_DELTA = 2;
const COLUMN_XOR = 3;

/** Encodes columns; its buffers are reused. */
export class HistogramColumnWriter {
  #values = new Float64Array(256);
  #words = new Uint32Array(this.#values.buffer);
  #deltas = new Float64Array(256);
  readonly #plain = new PackedWriter();
  readonly #differences = new PackedWriter();

  /** Appends the counts of histograms of one layout. */
  write(dst: ByteWriter, histograms: readonly HistogramFields[]): void {
    const count = histograms.length;
    if (count > this.#values.length) {
      this.#values = new Float64Array(count);
      this.#words = new Uint32Array(this.#values.buffer);
      this.#deltas = new Float64Array(count);
    }
    const values = this.#values;
    const leftOut = histograms.every(isSumExact);
    dst.u8(leftOut ? SUM_LEFT_OUT : 0);
    for (let i = 0; i < count; i++) {
      const histogram = histograms[i];
      values[i] = leftOut ? histogram.count - sumOf(histogram) : histogram.count;
    }
    this.#writeColumn(dst, count);
    for (let i = 0; i < count; i++) values[i] = histograms[i].zeroCount;
    this.#writeColumn(dst, count);
    const { positiveBuckets, negativeBuckets } = histograms[0];
    for (let bucket = 0; bucket < positiveBuckets.length; bucket++) {
      for (let i = 0; i < count; i++) values[i] = histograms[i].positiveBuckets[bucket];
      this.#writeColumn(dst, count);
    }
    for (let bucket = 0; bucket < negativeBuckets.length; bucket++) {
      for (let i = 0; i < count; i++) values[i] = histograms[i].negativeBuckets[bucket];
      this.#writeColumn(dst, count);
    }
  }

  #writeColumn(dst: ByteWriter, count: number): void {
    const values = this.#values;
    if (!areIntegers(values, count)) {
      this.#writeXor(dst, count);
      return;
    }
    let isEqual = true;
    for (let i = 1; i < count && isEqual; i++) isEqual = values[i] === values[0];
    if (isEqual) {
      dst.u8(COLUMN_EQUAL);
      dst.varint(values[0]);
      return;
    }
    const deltas = this.#deltas;
    for (let i = 1; i < count; i++) deltas[i - 1] = values[i] - values[i - 1];
    this.#plain.measure(values, count);
    this.#differences.measure(deltas, count - 1);
    const plainSize = this.#plain.size(0, 1);
    const deltaSize = areIntegers(deltas, count - 1) ? this.#differences.size(0, 1) + 4 : Infinity;
    if (plainSize === Infinity && deltaSize === Infinity) this.#writeXor(dst, count);
    else if (plainSize <= deltaSize) {
      dst.u8(COLUMN_PLAIN);
      this.#plain.write(dst, values, 0, 1);
    } else {
      dst.u8(COLUMN_DELTA);
      dst.varint(values[0]);
      this.#differences.write(dst, deltas, 0, 1);
    }
  }

  #writeXor(dst: ByteWriter, count: number): void {
    const words = this.#words;
    dst.u8(COLUMN_XOR);
    let low = 0;
    let high = 0;
    for (let i = 0; i < count; i++) {
      const xorLow = words[2 * i] ^ low;
      const xorHigh = words[2 * i + 1] ^ high;
      low = words[2 * i];
      high = words[2 * i + 1];
      let below = 0;
      while (below < 8 && byteOf(xorLow, xorHigh, below) === 0) below++;
      let end = 8;
      while (end > below && byteOf(xorLow, xorHigh, end - 1) === 0) end--;
      dst.u8(below * 16 + (end - below));
      for (let byte = below; byte < end; byte++) dst.u8(byteOf(xorLow, xorHigh, byte));
    }
  }
}

/** Reads columns; its buffers are reused. */
export class HistogramColumnReader {
  readonly #packed = new PackedReader();
  #values = new Float64Array(256);
  #valueWords = new Uint32Array(this.#values.buffer);

  /**
   * Reads the counts of `count` histograms of `positiveCount` and `negativeCount` buckets into arrays of their own, in
   * the order `count`, `zeroCount`, positive buckets, negative buckets. `bits` has the reader's bytes from its
   * byte `origin` on.
   * @throws DecodeError
   */
  read(
    from: ByteReader,
    bits: BitBuffer,
    origin: number,
    count: number,
    positiveCount: number,
    negativeCount: number,
  ): CountColumns {
    if (count + ROUND - 1 > this.#values.length) {
      this.#values = new Float64Array(count + ROUND - 1);
      this.#valueWords = new Uint32Array(this.#values.buffer);
    }
    const flags = from.u8();
    if (flags > SUM_LEFT_OUT) throw new DecodeError(`flags ${flags} of histogram columns`);
    const columns: CountColumns = {
      counts: new Array<number>(count),
      zeroCounts: new Array<number>(count),
      positive: Array.from({ length: count }, () => new Array<number>(positiveCount)),
      negative: Array.from({ length: count }, () => new Array<number>(negativeCount)),
    };
    const values = this.#values;
    this.#readColumn(from, bits, origin, count);
    for (let i = 0; i < count; i++) columns.counts[i] = values[i];
    this.#readColumn(from, bits, origin, count);
    for (let i = 0; i < count; i++) columns.zeroCounts[i] = values[i];
    for (let bucket = 0; bucket < positiveCount; bucket++) {
      this.#readColumn(from, bits, origin, count);
      for (let i = 0; i < count; i++) columns.positive[i][bucket] = values[i];
    }
    for (let bucket = 0; bucket < negativeCount; bucket++) {
      this.#readColumn(from, bits, origin, count);
      for (let i = 0; i < count; i++) columns.negative[i][bucket] = values[i];
    }
    if (flags === SUM_LEFT_OUT) addSums(columns);
    return columns;
  }

  #readColumn(from: ByteReader, bits: BitBuffer, origin: number, count: number): void {
    const values = this.#values;
    const mode = from.u8();
    switch (mode) {
      case COLUMN_EQUAL:
        values.fill(from.varint(), 0, count);
        break;
      case COLUMN_PLAIN:
        this.#packed.read(from, bits, origin, values, 0, count, UNSCALED);
        break;
      case COLUMN_DELTA:
        values[0] = from.varint();
        this.#packed.readSums(from, bits, origin, values, 1, count - 1, values[0], UNSCALED);
        break;
      case COLUMN_XOR:
        this.#readXor(from, count);
        break;
      default:
        throw new DecodeError(`unknown mode ${mode} of a histogram column`);
    }
  }

  #readXor(from: ByteReader, count: number): void {
    const words = this.#valueWords;
    let low = 0;
    let high = 0;
    for (let i = 0; i < count; i++) {
      const shape = from.u8();
      const below = shape >>> 4;
      const end = below + (shape & 15);
      if (end > 8) throw new DecodeError('a histogram column of doubles longer than doubles');
      for (let byte = below; byte < end; byte++) {
        const bits = from.u8();
        if (byte < 4) low ^= bits << (8 * byte);
        else high ^= bits << (8 * byte - 32);
      }
      words[2 * i] = low;
      words[2 * i + 1] = high;
    }
  }
}

/** The counts of some histograms; the buckets are arrays of each one's own. */
export interface CountColumns {
  readonly counts: number[];
  readonly zeroCounts: number[];
  readonly positive: number[][];
  readonly negative: number[][];
}

function addSums({ counts, zeroCounts, positive, negative }: CountColumns): void {
  for (let i = 0; i < counts.length; i++) {
    let sum = zeroCounts[i];
    for (const bucket of positive[i]) sum += bucket;
    for (const bucket of negative[i]) sum += bucket;
    counts[i] += sum;
  }
}

function sumOf({ zeroCount, positiveBuckets, negativeBuckets }: HistogramFields): number {
  let sum = zeroCount;
  for (const bucket of positiveBuckets) sum += bucket;
  for (const bucket of negativeBuckets) sum += bucket;
  return sum;
}

/** Whether count and the sum of all buckets are integers that no addition rounds. */
function isSumExact(histogram: HistogramFields): boolean {
  if (!histogram.isInteger) return false;
  const sum = sumOf(histogram);
  return Number.isSafeInteger(sum) && Number.isSafeInteger(histogram.count);
}

/** Whether varints and differences hold the values exactly: -0 and NaN are not integers here. */
function areIntegers(values: Float64Array, count: number): boolean {
  for (let i = 0; i < count; i++) {
    const value = values[i];
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) return false;
  }
  return true;
}

/** Byte `byte` of 64 bits, the lowest being 0. */
function byteOf(low: number, high: number, byte: number): number {
  return byte < 4 ? (low >>> (8 * byte)) & 0xff : (high >>> (8 * byte - 32)) & 0xff;
}
