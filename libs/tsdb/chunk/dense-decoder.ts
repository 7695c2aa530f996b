import { BitBuffer, ByteReader, DecodeError } from '@xscaler/encoding';
import type { SampleColumns } from '@xscaler/model';
import { CHUNK_MAX_DURATION_MS, CHUNK_MAX_SAMPLES, type ChunkView } from './chunk.ts';
import {
  MAX_EXPONENT,
  POWERS_OF_TEN,
  TIMES_GRID,
  TIMES_MASK,
  TIMES_PACKED,
  TIMES_RUNS,
  VALUES_DELTA_SCALED,
  VALUES_EQUAL,
  VALUES_PLAIN,
  VALUES_PLAIN_SCALED,
} from './dense-chunk.ts';
import { PackedReader, ROUND, UNSCALED } from './packed-integers.ts';

/** Decodes dense chunks into columns; keeps one buffer for all of them. */
export class DenseDecoder {
  readonly #buffer = new BitBuffer();
  readonly #packed = new PackedReader();

  /**
   * Appends the samples with startMs ≤ t ≤ endMs to `dst`.
   * @throws DecodeError if the bytes don't hold the samples that the chunk says it has
   */
  decode(chunk: ChunkView, dst: SampleColumns, startMs: number, endMs: number): void {
    const { count, minTimeMs, maxTimeMs } = chunk;
    const duration = maxTimeMs - minTimeMs;
    if (count < 1 || count > CHUNK_MAX_SAMPLES || duration > CHUNK_MAX_DURATION_MS)
      throw new DecodeError('a dense chunk of impossible size');
    this.#buffer.load(chunk.bytes, chunk.start, chunk.end);
    const reader = new ByteReader(chunk.bytes, chunk.start, chunk.end);
    dst.reserve(count + ROUND - 1);
    const modes = reader.u8();
    this.#decodeTimes(modes & TIMES_MASK, reader, chunk, dst.timestamps, dst.length);
    this.#decodeValues(modes & ~TIMES_MASK, reader, chunk, dst);
    if (reader.remaining > 0) throw new DecodeError('a dense chunk has bytes left over');
    keepWithin(dst, count, startMs, endMs);
  }

  #decodeTimes(mode: number, reader: ByteReader, chunk: ChunkView, times: Float64Array, at: number): void {
    const { count, minTimeMs, maxTimeMs } = chunk;
    times[at] = minTimeMs;
    switch (mode) {
      case TIMES_GRID:
        fillGrid(times, at, count, minTimeMs, maxTimeMs);
        break;
      case TIMES_RUNS:
        readRuns(reader, times, at, count);
        break;
      case TIMES_PACKED:
        this.#readTimes(reader, chunk, times, at);
        break;
      default:
        throw new DecodeError(`unknown time mode ${mode} of a dense chunk`);
    }
    if (times[at + count - 1] !== maxTimeMs) throw new DecodeError('a dense chunk ends at another time');
  }

  #readTimes(
    reader: ByteReader,
    { start, count, minTimeMs }: ChunkView,
    times: Float64Array,
    at: number,
  ): void {
    const bits = this.#buffer;
    const least = this.#packed.readSums(reader, bits, start, times, at + 1, count - 1, minTimeMs, UNSCALED);
    if (least < 1) throw new DecodeError('times in a dense chunk do not increase');
  }

  #decodeValues(mode: number, reader: ByteReader, chunk: ChunkView, dst: SampleColumns): void {
    const { count } = chunk;
    const at = dst.length;
    const { values } = dst;
    if (mode === VALUES_EQUAL) {
      fillEqual(dst, count, reader.u32(), reader.u32());
      return;
    }
    if (mode > VALUES_DELTA_SCALED) throw new DecodeError(`unknown value mode ${mode} of a dense chunk`);
    const exponent = reader.u8();
    if (exponent > MAX_EXPONENT) throw new DecodeError('a dense chunk has an impossible exponent');
    const isScaled = mode === VALUES_PLAIN_SCALED || mode === VALUES_DELTA_SCALED;
    const factor = isScaled ? reader.uvarint() : 1;
    const first = mode === VALUES_PLAIN ? 0 : reader.varint();
    const divisor = POWERS_OF_TEN[exponent];
    const bits = this.#buffer;
    if (mode === VALUES_PLAIN || mode === VALUES_PLAIN_SCALED) {
      this.#packed.read(reader, bits, chunk.start, values, at, count, { offset: first, factor, divisor });
      return;
    }
    const offset = isScaled ? reader.varint() : 0;
    values[at] = first / divisor;
    const scale = { offset, factor, divisor };
    this.#packed.readSums(reader, bits, chunk.start, values, at + 1, count - 1, first, scale);
  }
}

/** Four a round, none of which waits for the one before it. */
function fillGrid(
  times: Float64Array,
  at: number,
  count: number,
  minTimeMs: number,
  maxTimeMs: number,
): void {
  if (count === 1) return;
  const step = (maxTimeMs - minTimeMs) / (count - 1);
  if (!Number.isInteger(step) || step < 1) throw new DecodeError('a dense chunk on no grid');
  const end = at + count;
  const step2 = 2 * step;
  const step3 = 3 * step;
  let time = minTimeMs;
  for (let i = at; i < end; i += ROUND) {
    times[i] = time;
    times[i + 1] = time + step;
    times[i + 2] = time + step2;
    times[i + 3] = time + step3;
    time += ROUND * step;
  }
}

function readRuns(reader: ByteReader, times: Float64Array, at: number, count: number): void {
  for (let i = 1; i < count; ) {
    const delta = reader.uvarint();
    const run = reader.uvarint();
    if (delta < 1 || run < 1 || run > count - i)
      throw new DecodeError('times in a dense chunk do not increase');
    for (const end = i + run; i < end; i++) times[at + i] = times[at + i - 1] + delta;
  }
}

function fillEqual(dst: SampleColumns, count: number, low: number, high: number): void {
  const { values, valueWords, length: at } = dst;
  valueWords[2 * at] = low;
  valueWords[2 * at + 1] = high;
  if (!Number.isNaN(values[at])) {
    values.fill(values[at], at, at + count);
    return;
  }
  // As words: a NaN may lose its payload on the way through a number.
  for (let i = at + 1; i < at + count; i++) {
    valueWords[2 * i] = low;
    valueWords[2 * i + 1] = high;
  }
}

/** Makes those of the `count` samples behind the columns' end part of them that are within the bounds. */
function keepWithin(dst: SampleColumns, count: number, startMs: number, endMs: number): void {
  const at = dst.length;
  const { timestamps } = dst;
  let from = at;
  let to = at + count;
  if (timestamps[from] < startMs) while (from < to && timestamps[from] < startMs) from++;
  if (timestamps[to - 1] > endMs) while (to > from && timestamps[to - 1] > endMs) to--;
  if (from > at) {
    timestamps.copyWithin(at, from, to);
    dst.valueWords.copyWithin(2 * at, 2 * from, 2 * to);
  }
  dst.length = at + (to - from);
}
