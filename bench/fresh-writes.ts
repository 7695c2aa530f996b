import { uncompressSync } from 'snappy';
import { type WorkloadShape, workloadBodies } from './workload.ts';

/** Steps whose values are the workload's; later ones go on from there in the same way. */
const KNOWN_STEPS = 20;
/** At the end of every series: tag, length, tag, value, tag, timestamp. */
const SAMPLE_BYTES = 18;
const VALUE_AT = 3;
const TIMESTAMP_AT = 12;
const TIMESTAMP_BYTES = 6;

/**
 * Remote writes without an end, each with newer samples of its series than the last: a server that gets the same samples again
 * does other work. They are compressed once, in such a way that samples stay unchanged and can be overwritten, so that a
 * sender on the machine that is measured has next to nothing to do for one.
 */
export class FreshWrites {
  readonly #shape: WorkloadShape;
  readonly #bodies: readonly PatchableBody[];
  #next = 0;

  /** @throws RangeError if `series` isn't a multiple of `samplesPerRequest`; `connections` and `steps` aren't looked at. */
  constructor(shape: WorkloadShape) {
    const { series, samplesPerRequest } = shape;
    if (series % samplesPerRequest !== 0) throw new RangeError('requests have parts of two steps');
    this.#shape = shape;
    const [known] = workloadBodies({ ...shape, connections: 1, steps: KNOWN_STEPS });
    const perStep = series / samplesPerRequest;
    this.#bodies = Array.from({ length: perStep }, (_, i) => {
      const steps = known.filter((_body, at) => at % perStep === i);
      return new PatchableBody(steps.map((body) => uncompressSync(body, { copyOutputData: true }) as Buffer));
    });
  }

  /** A body of its own, compressed. */
  next(): Buffer {
    const step = Math.floor(this.#next / this.#bodies.length);
    return this.#bodies[this.#next++ % this.#bodies.length].at(step, step * this.#shape.stepMs);
  }
}

class PatchableBody {
  readonly #compressed: Buffer;
  /** Where samples are in it. */
  readonly #samplesAt: Int32Array;
  /** Series by series. */
  readonly #values: Float64Array;
  readonly #firstTimestampsMs: Float64Array;

  /** The message at each of the steps that are known. */
  constructor(messages: readonly Buffer[]) {
    const [first] = messages;
    const ends = seriesEnds(first);
    this.#values = new Float64Array(ends.length * KNOWN_STEPS);
    this.#firstTimestampsMs = new Float64Array(ends.length);
    for (let i = 0; i < ends.length; i++) {
      const at = ends[i] - SAMPLE_BYTES;
      this.#firstTimestampsMs[i] = timestampAt(first, at + TIMESTAMP_AT);
      for (let step = 0; step < KNOWN_STEPS; step++) {
        this.#values[i * KNOWN_STEPS + step] = messages[step].readDoubleLE(at + VALUE_AT);
      }
    }
    [this.#compressed, this.#samplesAt] = compressAround(first, ends);
  }

  at(step: number, laterMs: number): Buffer {
    const bytes = Buffer.from(this.#compressed);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const known = step % KNOWN_STEPS;
    const rounds = (step - known) / KNOWN_STEPS;
    const values = this.#values;
    const timestamp = new DataView(new ArrayBuffer(TIMESTAMP_BYTES));
    let lastMs = Number.NaN;
    for (let i = 0; i < this.#samplesAt.length; i++) {
      const at = this.#samplesAt[i];
      const of = i * KNOWN_STEPS;
      const perRound = values[of + KNOWN_STEPS - 1] - values[of];
      view.setFloat64(at + VALUE_AT, values[of + known] + rounds * perRound, true);
      const timestampMs = this.#firstTimestampsMs[i] + laterMs;
      if (timestampMs !== lastMs) writeTimestamp(timestamp, timestampMs);
      lastMs = timestampMs;
      view.setUint32(at + TIMESTAMP_AT, timestamp.getUint32(0));
      view.setUint16(at + TIMESTAMP_AT + 4, timestamp.getUint16(4));
    }
    return bytes;
  }
}

/** Where the series of a `WriteRequest` end, each with its one sample. */
function seriesEnds(message: Buffer): number[] {
  const ends: number[] = [];
  for (let at = 0; at < message.length; ) {
    // The tag of field 1, and a length of one or two bytes.
    const length = message[at + 1] < 128 ? message[at + 1] : (message[at + 1] & 127) + 128 * message[at + 2];
    at += length + (length < 128 ? 2 : 3);
    ends.push(at);
  }
  return ends;
}

function timestampAt(message: Buffer, at: number): number {
  let value = 0;
  for (let i = TIMESTAMP_BYTES - 1; i >= 0; i--) value = value * 128 + (message[at + i] & 127);
  return value;
}

function writeTimestamp(varint: DataView, timestampMs: number): void {
  let rest = timestampMs;
  for (let i = 0; i < TIMESTAMP_BYTES; i++) {
    varint.setUint8(i, (rest % 128) + (i < TIMESTAMP_BYTES - 1 ? 128 : 0));
    rest = Math.floor(rest / 128);
  }
}

const MIN_MATCH = 4;
const MAX_COPY = 64;
const MAX_OFFSET = 65_535;
const TABLE_BITS = 15;

/**
 * Snappy (github.com/google/snappy, format_description.txt) in which no sample is part of a copy, nor copied from.
 * @returns the compressed message, and where its samples begin
 */
function compressAround(message: Buffer, ends: readonly number[]): [Buffer, Int32Array] {
  const out = new SnappyWriter(message);
  const table = new Int32Array(1 << TABLE_BITS).fill(-1);
  const samplesAt = new Int32Array(ends.length);
  let begin = 0;
  for (let i = 0; i < ends.length; i++) {
    const labelsEnd = ends[i] - SAMPLE_BYTES;
    for (let at = begin; at + MIN_MATCH <= labelsEnd; ) {
      const slot = Math.imul(message.readUInt32LE(at), 0x1e35a7bd) >>> (32 - TABLE_BITS);
      const candidate = table[slot];
      table[slot] = at;
      const length = candidate === -1 ? 0 : matchLength(message, candidate, at, labelsEnd, ends);
      if (length < MIN_MATCH || at - candidate > MAX_OFFSET) {
        at++;
        continue;
      }
      out.literalTo(at);
      out.copy(at - candidate, length);
      at += length;
    }
    samplesAt[i] = out.literalTo(ends[i]) - SAMPLE_BYTES;
    begin = ends[i];
  }
  return [out.bytes(), samplesAt];
}

/** How long the bytes at `from` and `to` are the same, up to `end`, and to the sample behind `from`. */
function matchLength(
  message: Buffer,
  from: number,
  to: number,
  end: number,
  ends: readonly number[],
): number {
  let low = 0;
  for (let high = ends.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (ends[middle] > from) high = middle;
    else low = middle + 1;
  }
  const max = Math.min(end - to, ends[low] - SAMPLE_BYTES - from);
  let length = 0;
  while (length < max && message[from + length] === message[to + length]) length++;
  return length;
}

class SnappyWriter {
  readonly #message: Buffer;
  readonly #bytes: Buffer;
  #length = 0;
  /** Of the message, what was written. */
  #done = 0;

  constructor(message: Buffer) {
    this.#message = message;
    this.#bytes = Buffer.alloc(message.length * 2);
    let rest = message.length;
    for (; rest > 127; rest >>>= 7) this.#byte((rest & 127) | 128);
    this.#byte(rest);
  }

  /** Returns where it ends in the compressed bytes. */
  literalTo(end: number): number {
    const length = end - this.#done;
    if (length === 0) return this.#length;
    if (length <= 60) {
      this.#byte((length - 1) << 2);
    } else {
      this.#byte(61 << 2);
      this.#length = this.#bytes.writeUInt16LE(length - 1, this.#length);
    }
    this.#length += this.#message.copy(this.#bytes, this.#length, this.#done, end);
    this.#done = end;
    return this.#length;
  }

  copy(offset: number, length: number): void {
    for (let left = length; left > 0; left -= MAX_COPY) {
      this.#byte(((Math.min(left, MAX_COPY) - 1) << 2) | 2);
      this.#length = this.#bytes.writeUInt16LE(offset, this.#length);
    }
    this.#done += length;
  }

  bytes(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  #byte(byte: number): void {
    this.#bytes[this.#length++] = byte;
  }
}
