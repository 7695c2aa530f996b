/** What the OTLP tests share: requests by a few words, and what a reader makes of them as plain text. */
import { isUtf8 } from 'node:buffer';
import { DecodeError } from '@xscaler/encoding';
import { isStaleWords } from '@xscaler/model';
import { ProtobufReader } from '../protobuf/protobuf-reader.ts';
import { type ReadRequest, readSource, testHash } from '../wire.testbed.ts';
import { EXPORT_REQUEST, type FieldKind, type FieldSchema, type MessageSchema } from './message-schema.ts';
import { OtlpMetricsReader, type OtlpReadOptions } from './metrics-reader.ts';
import { DEFAULT_OTLP_SETTINGS, type OtlpSettings } from './otlp-settings.ts';
import { encodeExportRequest } from './request-json.ts';

/** 2023-11-14T22:13:20Z. */
export const T_MS = 1_700_000_000_000;
export const CUMULATIVE = 2;
export const DELTA = 1;

export const nanos = (timeMs: number) => `${timeMs}000000`;

export const attributes = (record: Record<string, unknown>) =>
  Object.entries(record).map(([key, value]) => ({
    key,
    value: typeof value === 'string' ? { stringValue: value } : value,
  }));

/** A point of whatever kind at `T_MS`. */
export const point = (fields: object, labels: Record<string, unknown> = {}, timeMs = T_MS) => ({
  attributes: attributes(labels),
  timeUnixNano: nanos(timeMs),
  ...fields,
});

export const SERVICE = { 'service.name': 'api', 'service.namespace': 'shop', 'service.instance.id': 'i-1' };

/** A request of one resource and one scope. */
export const request = (
  metrics: readonly object[],
  resource: Record<string, unknown> = {},
  scope: object = {},
  scopeSchemaUrl = '',
) => ({
  resourceMetrics: [
    {
      resource: { attributes: attributes(resource) },
      scopeMetrics: [{ scope, metrics, schemaUrl: scopeSchemaUrl }],
    },
  ],
});

const reader = new OtlpMetricsReader(testHash(), 1024 * 1024);

export function readBytes(body: Uint8Array, options: Partial<OtlpReadOptions> = {}): ReadRequest {
  reader.reset(body, options);
  return readSource(reader);
}

export function read(json: object, settings: Partial<OtlpSettings> = {}): ReadRequest {
  return readBytes(encodeExportRequest(json), { settings: { ...DEFAULT_OTLP_SETTINGS, ...settings } });
}

/** One line a sample: labels, value, and the time if it isn't `T_MS`. */
export function lines({ series }: ReadRequest): string[] {
  return series.flatMap(({ labels, timestamps, words, histograms }) => [
    ...timestamps.map((timestampMs, i) => {
      const value = isStaleWords(words[2 * i], words[2 * i + 1])
        ? 'stale'
        : new Float64Array(Uint32Array.of(words[2 * i], words[2 * i + 1]).buffer)[0];
      return `${nameAndLabels(labels.pairs)} ${value}${timestampMs === T_MS ? '' : ` @${timestampMs - T_MS}`}`;
    }),
    ...histograms.map(() => `${nameAndLabels(labels.pairs)} histogram`),
  ]);
}

function nameAndLabels(pairs: readonly string[]): string {
  const labels: string[] = [];
  let name = '';
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i] === '__name__') name = pairs[i + 1];
    else labels.push(`${pairs[i]}="${pairs[i + 1]}"`);
  }
  return labels.length === 0 ? name : `${name}{${labels.join(', ')}}`;
}

/**
 * A request in protobuf as OTLP/JSON. Of a field that isn't repeated the last one stands.
 * @throws DecodeError
 */
export function jsonFromProtobuf(bytes: Uint8Array): object {
  const reader = new ProtobufReader();
  reader.reset(bytes);
  return readMessage(reader, EXPORT_REQUEST, bytes.length);
}

function readMessage(reader: ProtobufReader, schema: MessageSchema, end: number): Record<string, unknown> {
  const outerEnd = reader.end;
  reader.end = end;
  const message: Record<string, unknown> = {};
  while (reader.position < end) {
    const tag = reader.tag();
    const known = [...schema.fields].find(([, { number }]) => number === tag >>> 3);
    if (known === undefined || !readField(reader, tag, known[0], known[1], message)) reader.skip(tag);
  }
  reader.end = outerEnd;
  return message;
}

/** False if the field has a wire type that isn't its own. */
function readField(
  reader: ProtobufReader,
  tag: number,
  name: string,
  { kind, isRepeated }: FieldSchema,
  message: Record<string, unknown>,
): boolean {
  const values: unknown[] = [];
  const wireType = tag & 7;
  if (isRepeated && wireType === 2 && wireTypeOf(kind) !== 2) {
    const length = reader.length();
    const { end } = reader;
    reader.end = reader.position + length;
    while (reader.position < reader.end) values.push(readValue(reader, kind));
    reader.end = end;
  } else if (wireType === wireTypeOf(kind)) {
    values.push(readValue(reader, kind));
  } else {
    return false;
  }
  if (isRepeated) {
    message[name] = [...((message[name] as unknown[]) ?? []), ...values];
  } else {
    delete message[name]; // the last field of a oneof comes last
    message[name] = values[0];
  }
  return true;
}

function wireTypeOf(kind: FieldKind): number {
  if (typeof kind === 'object') return 'fields' in kind ? 2 : 0;
  if (kind === 'string' || kind === 'bytes' || kind === 'id') return 2;
  return kind === 'fixed64' || kind === 'sfixed64' || kind === 'double' ? 1 : 0;
}

function readValue(reader: ProtobufReader, kind: FieldKind): unknown {
  if (typeof kind === 'object' && 'fields' in kind) {
    const length = reader.length();
    return readMessage(reader, kind, reader.position + length);
  }
  if (wireTypeOf(kind) === 2) {
    const length = reader.length();
    const bytes = Buffer.from(reader.bytes.subarray(reader.position, reader.position + length));
    reader.position += length;
    if (kind === 'string' && !isUtf8(bytes)) throw new DecodeError('not UTF-8');
    return kind === 'string' ? bytes.toString() : bytes.toString(kind === 'id' ? 'hex' : 'base64');
  }
  if (kind === 'double') {
    const value = reader.double();
    return Number.isFinite(value) ? value : String(value);
  }
  if (kind === 'fixed64' || kind === 'sfixed64') {
    const at = reader.fixed64();
    return String(
      kind === 'fixed64' ? reader.view.getBigUint64(at, true) : reader.view.getBigInt64(at, true),
    );
  }
  const value = reader.bigInt64();
  if (kind === 'bool') return value !== 0n;
  if (kind === 'int64') return String(value);
  if (kind === 'uint64') return String(BigInt.asUintN(64, value));
  if (kind === 'sint32') return Number(BigInt.asIntN(32, (value >> 1n) ^ -(value & 1n)));
  return Number(BigInt.asUintN(31, value));
}
