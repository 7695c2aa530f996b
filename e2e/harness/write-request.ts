import { compressSync } from 'snappy';

/** A value by its 64 bits if it is a bigint (a staleness marker), by its number otherwise. */
export type SampleValue = number | bigint;

export interface TimeSeries {
  /** Sent in this order, repeated if they occur twice, bytes if they aren't text. */
  readonly labels: readonly (readonly [name: string | Uint8Array, value: string | Uint8Array])[];
  readonly samples: readonly (readonly [timestampMs: number | bigint, value: SampleValue])[];
  readonly exemplars?: readonly {
    readonly labels: readonly (readonly [string, string])[];
    readonly value: number;
    readonly timestampMs: number;
  }[];
}

export interface WriteRequest {
  readonly series?: readonly TimeSeries[];
  readonly metadata?: readonly {
    /** Number of the type in remote write's `MetricMetadata.MetricType`. */
    readonly type: number;
    readonly metric: string;
    readonly help: string;
    readonly unit: string;
  }[];
}

/** The staleness marker's bits (Prometheus, `model/value`). */
export const STALE_MARKER = 0x7ff0000000000002n;

/** A series from a plain record of labels, sorted by name as a sender should. */
export function series(labels: Readonly<Record<string, string>>, samples: TimeSeries['samples']): TimeSeries {
  const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return { labels: pairs, samples };
}

/**
 * `prometheus.WriteRequest` (remote write 1.0), written here once more and with no care for what is valid,
 * so that the product's own encoder isn't what it is tested with:
 *
 *     WriteRequest { 1: repeated TimeSeries, 3: repeated MetricMetadata }
 *     TimeSeries   { 1: repeated Label, 2: repeated Sample, 3: repeated Exemplar }
 *     Label        { 1: string name, 2: string value }
 *     Sample       { 1: double value, 2: int64 timestamp }
 *     Exemplar     { 1: repeated Label, 2: double value, 3: int64 timestamp }
 *     Metadata     { 1: enum type, 2: string family, 4: string help, 5: string unit }
 */
export function writeRequestBytes(request: WriteRequest): Buffer {
  const messages = (request.series ?? []).map((each) => delimited(1, timeSeriesBytes(each)));
  for (const { type, metric, help, unit } of request.metadata ?? []) {
    const fields = [key(1, 0), varint(BigInt(type)), text(2, metric), text(4, help), text(5, unit)];
    messages.push(delimited(3, Buffer.concat(fields)));
  }
  return Buffer.concat(messages);
}

export function snappyBody(bytes: Uint8Array): Buffer {
  return compressSync(Buffer.from(bytes), { copyOutputData: true });
}

function timeSeriesBytes({ labels, samples, exemplars }: TimeSeries): Buffer {
  const fields = labels.map(([name, value]) => labelBytes(1, name, value));
  for (const [timestampMs, value] of samples) {
    const sample = [key(1, 1), double(value), key(2, 0), varint(BigInt(timestampMs))];
    fields.push(delimited(2, Buffer.concat(sample)));
  }
  for (const exemplar of exemplars ?? []) {
    const parts = exemplar.labels.map(([name, value]) => labelBytes(1, name, value));
    parts.push(key(2, 1), double(exemplar.value), key(3, 0), varint(BigInt(exemplar.timestampMs)));
    fields.push(delimited(3, Buffer.concat(parts)));
  }
  return Buffer.concat(fields);
}

function labelBytes(field: number, name: string | Uint8Array, value: string | Uint8Array): Buffer {
  return delimited(field, Buffer.concat([text(1, name), text(2, value)]));
}

function text(field: number, value: string | Uint8Array): Buffer {
  return delimited(field, typeof value === 'string' ? Buffer.from(value, 'utf8') : value);
}

function delimited(field: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([key(field, 2), varint(BigInt(bytes.length)), bytes]);
}

function key(field: number, wireType: number): Buffer {
  return varint(BigInt((field << 3) | wireType));
}

function double(value: SampleValue): Buffer {
  const bytes = Buffer.alloc(8);
  if (typeof value === 'bigint') bytes.writeBigUInt64LE(value);
  else bytes.writeDoubleLE(value);
  return bytes;
}

/** Base-128 varint; negative numbers as their 64-bit two's complement. */
function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}
