import { uncompressSync } from 'snappy';
import { type ChunkSample, decodePrometheusChunk, STALE_BITS, STALE_HISTOGRAM } from './prometheus-chunks.ts';
import { type Field, fieldsOf, packed, varintAt, zigzag } from './protobuf-fields.ts';

/*
 * Reads answers to remote reads by their description (prompb/remote.proto, types.proto, storage/remote/chunked.go of
 * Prometheus), with other code than writes them: for tests.
 */

export interface ReadSeries {
  /** Name, value, … */
  readonly labels: readonly string[];
  readonly samples: readonly ChunkSample[];
}

export interface ReadChunk {
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly encoding: number;
  readonly bytes: Buffer;
}

/** One frame of a chunked answer. */
export interface ReadFrame {
  readonly query: number;
  readonly labels: readonly string[];
  readonly chunks: readonly ReadChunk[];
}

/** The series of each query of an answer of kind SAMPLES. */
export function readSamplesAnswer(body: Uint8Array): ReadSeries[][] {
  const bytes = uncompressSync(Buffer.from(body)) as Buffer;
  return fieldsOf(bytes).map((result) =>
    fieldsOf(result.bytes).map((series) => seriesOf(fieldsOf(series.bytes))),
  );
}

/** The frames of an answer of kind STREAMED_XOR_CHUNKS, their checksums looked at. */
export function readFrames(body: Uint8Array): ReadFrame[] {
  const bytes = Buffer.from(body);
  const frames: ReadFrame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { value, end } = varintAt(bytes, at);
    const message = bytes.subarray(end + 4, end + 4 + Number(value));
    if (message.length !== Number(value)) throw new Error('a frame is cut short');
    if (bytes.readUInt32BE(end) !== castagnoli(message)) throw new Error('the checksum of a frame is wrong');
    frames.push(frameOf(fieldsOf(message)));
    at = end + 4 + message.length;
  }
  return frames;
}

/** The same with chunks decoded, the frames of a series as one. */
export function readChunkedAnswer(body: Uint8Array): ReadSeries[][] {
  const results: { labels: readonly string[]; samples: ChunkSample[] }[][] = [];
  for (const { query, labels, chunks } of readFrames(body)) {
    results[query] ??= [];
    const result = results[query];
    const last = result.at(-1);
    const isSame = last?.labels.join('\0') === labels.join('\0');
    const series = isSame && last !== undefined ? last : { labels, samples: [] };
    if (!isSame) result.push(series);
    for (const { encoding, bytes, minTimeMs, maxTimeMs } of chunks) {
      const { samples } = decodePrometheusChunk(encoding, bytes);
      if (samples[0]?.timestampMs !== minTimeMs || samples.at(-1)?.timestampMs !== maxTimeMs)
        throw new Error('a chunk has other times than it says');
      series.samples.push(...samples);
    }
  }
  return Array.from(results, (result) => result ?? []);
}

function frameOf(fields: readonly Field[]): ReadFrame {
  const series = fieldsOf(fields.find(({ number }) => number === 1)?.bytes ?? Buffer.alloc(0));
  const chunks = series
    .filter(({ number }) => number === 2)
    .map(({ bytes }) => {
      const chunk = fieldsOf(bytes);
      return {
        minTimeMs: signedOf(chunk, 1),
        maxTimeMs: signedOf(chunk, 2),
        encoding: signedOf(chunk, 3),
        bytes: chunk.find(({ number }) => number === 4)?.bytes ?? Buffer.alloc(0),
      };
    });
  return { query: signedOf(fields, 2), labels: labelsOf(series), chunks };
}

function seriesOf(fields: readonly Field[]): ReadSeries {
  const samples: ChunkSample[] = [];
  for (const { number, bytes } of fields) {
    if (number === 2) {
      const sample = fieldsOf(bytes);
      const bits = sample.find((field) => field.number === 1)?.value ?? 0n;
      samples.push({ timestampMs: signedOf(sample, 2), bits });
    } else if (number === 4) samples.push(histogramSample(fieldsOf(bytes)));
  }
  samples.sort((a, b) => a.timestampMs - b.timestampMs);
  return { labels: labelsOf(fields), samples };
}

function histogramSample(fields: readonly Field[]): ChunkSample {
  const last = (number: number) => fields.findLast((field) => field.number === number);
  const isFloat = last(2) !== undefined;
  const count = isFloat ? (last(2)?.bytes.readDoubleLE() ?? 0) : Number(last(1)?.value ?? 0n);
  const zeroCount = isFloat ? (last(7)?.bytes.readDoubleLE() ?? 0) : Number(last(6)?.value ?? 0n);
  const timestampMs = signedOf(fields, 15);
  const bits = last(3)?.value ?? 0n;
  if (bits === STALE_BITS) return { timestampMs, bits, histogram: STALE_HISTOGRAM };
  const spans = (number: number) =>
    fields.filter((field) => field.number === number).map(({ bytes }) => spanOf(fieldsOf(bytes)));
  const buckets = (deltas: number, counts: number) =>
    isFloat
      ? (packed(fields, counts, 'double') as number[])
      : sumsOf(packed(fields, deltas, 'sint') as bigint[]);
  const histogram = {
    isFloat,
    schema: Number(zigzag(last(4)?.value ?? 0n)),
    zeroThreshold: last(5)?.bytes.readDoubleLE() ?? 0,
    count,
    zeroCount,
    negativeSpans: spans(8),
    negativeBuckets: buckets(9, 10),
    positiveSpans: spans(11),
    positiveBuckets: buckets(12, 13),
    customValues: packed(fields, 16, 'double') as number[],
  };
  return { timestampMs, bits, histogram };
}

function spanOf(fields: readonly Field[]): { offset: number; length: number } {
  const value = (number: number) => fields.find((field) => field.number === number)?.value ?? 0n;
  return { offset: Number(zigzag(value(1))), length: Number(value(2)) };
}

function sumsOf(deltas: readonly bigint[]): number[] {
  let sum = 0n;
  return deltas.map((delta) => {
    sum += delta;
    return Number(sum);
  });
}

function labelsOf(fields: readonly Field[]): string[] {
  const text = (label: readonly Field[], number: number) =>
    label.find((field) => field.number === number)?.bytes.toString('utf8') ?? '';
  return fields
    .filter(({ number }) => number === 1)
    .map(({ bytes }) => fieldsOf(bytes))
    .flatMap((label) => [text(label, 1), text(label, 2)]);
}

function signedOf(fields: readonly Field[], number: number): number {
  return Number(BigInt.asIntN(64, fields.findLast((field) => field.number === number)?.value ?? 0n));
}

/** CRC-32C bit by bit. */
function castagnoli(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
