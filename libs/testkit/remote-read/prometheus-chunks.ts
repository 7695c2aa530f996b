import { BitReader } from './bit-reader.ts';
import { zigzag } from './protobuf-fields.ts';

/*
 * Reads Prometheus' chunks by their documentation (tsdb/docs/format/chunks.md), with 64-bit numbers throughout: for tests.
 */

export interface ChunkHistogram {
  readonly isFloat: boolean;
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly count: number;
  readonly zeroCount: number;
  readonly positiveSpans: readonly { offset: number; length: number }[];
  readonly negativeSpans: readonly { offset: number; length: number }[];
  /** Absolute counts. */
  readonly positiveBuckets: readonly number[];
  readonly negativeBuckets: readonly number[];
  readonly customValues: readonly number[];
}

export interface ChunkSample {
  readonly timestampMs: number;
  /** The bits of the value, or of a histogram's sum. */
  readonly bits: bigint;
  readonly histogram?: ChunkHistogram;
}

export interface DecodedChunk {
  /** Of histograms. */
  readonly flags: number;
  readonly samples: readonly ChunkSample[];
}

export const STALE_BITS = 0x7ff0000000000002n;
const WIDTHS = [3, 6, 9, 12, 18, 25, 56, 64];
const DOD_WIDTHS = [14, 17, 20, 64];

/** `encoding` as `Chunk.Encoding` of Prometheus' types.proto has it: 1 floats, 2 histograms, 3 float histograms. */
export function decodePrometheusChunk(encoding: number, bytes: Uint8Array): DecodedChunk {
  const reader = new BitReader(bytes, 0);
  const count = Number(reader.bits(16));
  const chunk =
    encoding === 1
      ? { flags: 0, samples: decodeFloats(reader, count) }
      : decodeHistograms(reader, count, encoding === 3);
  // Prometheus' writer begins the next byte before it knows of a next bit.
  const rest = reader.rest();
  if (rest.length > 1 || (rest[0] ?? 0) !== 0) throw new Error('bytes behind the last sample');
  return chunk;
}

function decodeFloats(reader: BitReader, count: number): ChunkSample[] {
  const samples: ChunkSample[] = [];
  const values = new XorReader(reader);
  let time = 0n;
  let delta = 0n;
  for (let i = 0; i < count; i++) {
    if (i === 0) time = zigzag(reader.uvarint());
    else {
      if (i === 1) delta = reader.uvarint();
      else delta += dodOf(reader);
      time += delta;
    }
    samples.push({ timestampMs: Number(time), bits: values.next() });
  }
  return samples;
}

function dodOf(reader: BitReader): bigint {
  const ones = reader.ones(4);
  return ones === 0 ? 0n : reader.signed(DOD_WIDTHS[ones - 1]);
}

class XorReader {
  readonly #reader: BitReader;
  #bits: bigint | undefined;
  #leading = 0;
  #trailing = 0;

  constructor(reader: BitReader) {
    this.#reader = reader;
  }

  /** The first is there unchanged. */
  next(): bigint {
    if (this.#bits === undefined) this.#bits = this.#reader.bits(64);
    else if (this.#reader.bits(1) === 1n) {
      if (this.#reader.bits(1) === 1n) {
        this.#leading = Number(this.#reader.bits(5));
        const length = Number(this.#reader.bits(6)) || 64;
        this.#trailing = 64 - this.#leading - length;
      }
      this.#bits ^= this.#reader.bits(64 - this.#leading - this.#trailing) << BigInt(this.#trailing);
    }
    return this.#bits;
  }
}

function varbitInt(reader: BitReader): bigint {
  const ones = reader.ones(8);
  return ones === 0 ? 0n : BigInt.asIntN(64, reader.signed(WIDTHS[ones - 1]));
}

function varbitUint(reader: BitReader): bigint {
  const ones = reader.ones(8);
  return ones === 0 ? 0n : reader.bits(WIDTHS[ones - 1]);
}

/** A number of which the change of its difference exists. */
class DodReader {
  #value = 0n;
  #delta = 0n;
  #isFirst = true;

  next(change: bigint): bigint {
    if (this.#isFirst) this.#value = change;
    else {
      this.#delta += change;
      this.#value += this.#delta;
    }
    this.#isFirst = false;
    return this.#value;
  }
}

function decodeHistograms(reader: BitReader, count: number, isFloat: boolean): DecodedChunk {
  const flags = Number(reader.bits(8));
  const zeroThreshold = thresholdOf(reader);
  const schema = Number(varbitInt(reader));
  const positiveSpans = spansOf(reader);
  const negativeSpans = spansOf(reader);
  const customValues = schema === -53 ? boundsOf(reader) : [];
  const layout = { isFloat, schema, zeroThreshold, positiveSpans, negativeSpans, customValues };
  const counts = isFloat ? new FloatCounts(reader) : new IntegerCounts(reader);
  const sums = new XorReader(reader);
  const times = new DodReader();
  const samples: ChunkSample[] = [];
  for (let i = 0; i < count; i++) {
    const timestampMs = Number(times.next(varbitInt(reader)));
    const [observations, zeroCount] = counts.totals(i === 0);
    const bits = sums.next();
    if (bits === STALE_BITS) {
      samples.push({ timestampMs, bits, histogram: STALE_HISTOGRAM });
      continue;
    }
    const [positiveBuckets, negativeBuckets] = counts.buckets(
      lengthOf(positiveSpans),
      lengthOf(negativeSpans),
    );
    const histogram = { ...layout, count: observations, zeroCount, positiveBuckets, negativeBuckets };
    samples.push({ timestampMs, bits, histogram });
  }
  return { flags, samples };
}

/** The fields of a staleness marker. */
export const STALE_HISTOGRAM: ChunkHistogram = {
  isFloat: false,
  schema: 0,
  zeroThreshold: 0,
  count: 0,
  zeroCount: 0,
  positiveSpans: [],
  negativeSpans: [],
  positiveBuckets: [],
  negativeBuckets: [],
  customValues: [],
};

class IntegerCounts {
  readonly #reader: BitReader;
  readonly #totals = [new DodReader(), new DodReader()];
  readonly #buckets: DodReader[] = [];

  constructor(reader: BitReader) {
    this.#reader = reader;
  }

  totals(isFirst: boolean): number[] {
    const read = isFirst ? varbitUint : varbitInt;
    return this.#totals.map((total) => Number(total.next(read(this.#reader))));
  }

  buckets(...lengths: number[]): number[][] {
    let at = 0;
    return lengths.map((length) => {
      let bucket = 0n;
      return Array.from({ length }, () => {
        this.#buckets[at] ??= new DodReader();
        bucket += this.#buckets[at++].next(varbitInt(this.#reader));
        return Number(bucket);
      });
    });
  }
}

class FloatCounts {
  readonly #reader: BitReader;
  readonly #totals: XorReader[];
  readonly #buckets: XorReader[] = [];

  constructor(reader: BitReader) {
    this.#reader = reader;
    this.#totals = [new XorReader(reader), new XorReader(reader)];
  }

  totals(): number[] {
    return this.#totals.map((total) => doubleOf(total.next()));
  }

  buckets(...lengths: number[]): number[][] {
    let at = 0;
    return lengths.map((length) =>
      Array.from({ length }, () => {
        this.#buckets[at] ??= new XorReader(this.#reader);
        return doubleOf(this.#buckets[at++].next());
      }),
    );
  }
}

function thresholdOf(reader: BitReader): number {
  const code = Number(reader.bits(8));
  if (code === 0) return 0;
  return code === 255 ? doubleOf(reader.bits(64)) : 0.5 * 2 ** (code - 243);
}

function spansOf(reader: BitReader): { offset: number; length: number }[] {
  return Array.from({ length: Number(varbitUint(reader)) }, () => {
    const length = Number(varbitUint(reader));
    return { offset: Number(varbitInt(reader)), length };
  });
}

function boundsOf(reader: BitReader): number[] {
  return Array.from({ length: Number(varbitUint(reader)) }, () => {
    const thousandths = varbitUint(reader);
    return thousandths === 0n ? doubleOf(reader.bits(64)) : Number(thousandths - 1n) / 1000;
  });
}

function lengthOf(spans: readonly { length: number }[]): number {
  return spans.reduce((sum, { length }) => sum + length, 0);
}

export function doubleOf(bits: bigint): number {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(bits);
  return bytes.readDoubleBE();
}
