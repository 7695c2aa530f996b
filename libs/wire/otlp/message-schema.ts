/** How a field's value stands on the wire, and in OTLP/JSON. */
export type FieldKind =
  | 'string'
  /** Base64 in JSON. */
  | 'bytes'
  /** Bytes, hexadecimal in JSON: ids of traces and spans. */
  | 'id'
  | 'bool'
  | 'uint32'
  | 'uint64'
  | 'int64'
  | 'sint32'
  | 'fixed64'
  | 'sfixed64'
  | 'double'
  | MessageSchema
  | EnumNames;

export interface FieldSchema {
  /** In JSON, in camel case. */
  readonly name: string;
  readonly number: number;
  readonly kind: FieldKind;
  readonly isRepeated: boolean;
}

/** Names of an enum's values, which some senders write where the specification has numbers. */
export interface EnumNames {
  readonly values: readonly string[];
}

/** Fields by their name in JSON. */
export interface MessageSchema {
  readonly fields: ReadonlyMap<string, FieldSchema>;
  /** The same by a hash of the name's bytes: see `fieldOf`. */
  readonly byHash: ReadonlyMap<number, NamedField>;
}

/** One that fields are being added to. */
interface OpenSchema {
  readonly fields: Map<string, FieldSchema>;
  readonly byHash: Map<number, NamedField>;
}

interface NamedField {
  readonly nameBytes: Uint8Array;
  readonly field: FieldSchema;
}

/** The field of the name `bytes[start, end)`, whose hash was made byte by byte: 31 times what it was, and the byte. */
export function fieldOf(
  { byHash }: MessageSchema,
  bytes: Uint8Array,
  start: number,
  end: number,
  hash: number,
): FieldSchema | undefined {
  const known = byHash.get(hash);
  if (known === undefined || known.nameBytes.length !== end - start) return undefined;
  for (let i = start; i < end; i++) if (bytes[i] !== known.nameBytes[i - start]) return undefined;
  return known.field;
}

function addField(schema: OpenSchema, name: string, field: FieldSchema): void {
  const nameBytes = Buffer.from(name);
  let hash = 0;
  for (const byte of nameBytes) hash = (Math.imul(hash, 31) + byte) | 0;
  if (schema.byHash.has(hash)) throw new Error(`${name} shares its hash with another field`);
  schema.fields.set(name, field);
  schema.byHash.set(hash, { nameBytes, field });
}

type FieldTuple = readonly [number: number, kind: FieldKind, repeated?: 'repeated'];

function message(fields: Readonly<Record<string, FieldTuple>>): MessageSchema {
  return addFields(emptyMessage(), fields);
}

function emptyMessage(): OpenSchema {
  return { fields: new Map(), byHash: new Map() };
}

function addFields(schema: OpenSchema, fields: Readonly<Record<string, FieldTuple>>): MessageSchema {
  for (const [name, [number, kind, repeated]] of Object.entries(fields)) {
    const field = { name, number, kind, isRepeated: repeated === 'repeated' };
    addField(schema, name, field);
    // Parsers of protobuf's JSON accept both spellings of a field.
    const snakeName = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (snakeName !== name) addField(schema, snakeName, field);
  }
  return schema;
}

const ANY_VALUE = emptyMessage();
const KEY_VALUE = message({ key: [1, 'string'], value: [2, ANY_VALUE] });
addFields(ANY_VALUE, {
  stringValue: [1, 'string'],
  boolValue: [2, 'bool'],
  intValue: [3, 'int64'],
  doubleValue: [4, 'double'],
  arrayValue: [5, message({ values: [1, ANY_VALUE, 'repeated'] })],
  kvlistValue: [6, message({ values: [1, KEY_VALUE, 'repeated'] })],
  bytesValue: [7, 'bytes'],
});

const EXEMPLAR = message({
  filteredAttributes: [7, KEY_VALUE, 'repeated'],
  timeUnixNano: [2, 'fixed64'],
  asDouble: [3, 'double'],
  asInt: [6, 'sfixed64'],
  spanId: [4, 'id'],
  traceId: [5, 'id'],
});

const TIMES = { startTimeUnixNano: [2, 'fixed64'], timeUnixNano: [3, 'fixed64'] } as const;

const NUMBER_POINT = message({
  ...TIMES,
  attributes: [7, KEY_VALUE, 'repeated'],
  asDouble: [4, 'double'],
  asInt: [6, 'sfixed64'],
  exemplars: [5, EXEMPLAR, 'repeated'],
  flags: [8, 'uint32'],
});

const HISTOGRAM_POINT = message({
  ...TIMES,
  attributes: [9, KEY_VALUE, 'repeated'],
  count: [4, 'fixed64'],
  sum: [5, 'double'],
  bucketCounts: [6, 'fixed64', 'repeated'],
  explicitBounds: [7, 'double', 'repeated'],
  exemplars: [8, EXEMPLAR, 'repeated'],
  flags: [10, 'uint32'],
  min: [11, 'double'],
  max: [12, 'double'],
});

const BUCKETS = message({ offset: [1, 'sint32'], bucketCounts: [2, 'uint64', 'repeated'] });

const EXPONENTIAL_POINT = message({
  ...TIMES,
  attributes: [1, KEY_VALUE, 'repeated'],
  count: [4, 'fixed64'],
  sum: [5, 'double'],
  scale: [6, 'sint32'],
  zeroCount: [7, 'fixed64'],
  positive: [8, BUCKETS],
  negative: [9, BUCKETS],
  flags: [10, 'uint32'],
  exemplars: [11, EXEMPLAR, 'repeated'],
  min: [12, 'double'],
  max: [13, 'double'],
  zeroThreshold: [14, 'double'],
});

const SUMMARY_POINT = message({
  ...TIMES,
  attributes: [7, KEY_VALUE, 'repeated'],
  count: [4, 'fixed64'],
  sum: [5, 'double'],
  quantileValues: [6, message({ quantile: [1, 'double'], value: [2, 'double'] }), 'repeated'],
  flags: [8, 'uint32'],
});

const TEMPORALITY: EnumNames = {
  values: [
    'AGGREGATION_TEMPORALITY_UNSPECIFIED',
    'AGGREGATION_TEMPORALITY_DELTA',
    'AGGREGATION_TEMPORALITY_CUMULATIVE',
  ],
};

const METRIC = message({
  name: [1, 'string'],
  description: [2, 'string'],
  unit: [3, 'string'],
  gauge: [5, message({ dataPoints: [1, NUMBER_POINT, 'repeated'] })],
  sum: [
    7,
    message({
      dataPoints: [1, NUMBER_POINT, 'repeated'],
      aggregationTemporality: [2, TEMPORALITY],
      isMonotonic: [3, 'bool'],
    }),
  ],
  histogram: [
    9,
    message({ dataPoints: [1, HISTOGRAM_POINT, 'repeated'], aggregationTemporality: [2, TEMPORALITY] }),
  ],
  exponentialHistogram: [
    10,
    message({ dataPoints: [1, EXPONENTIAL_POINT, 'repeated'], aggregationTemporality: [2, TEMPORALITY] }),
  ],
  summary: [11, message({ dataPoints: [1, SUMMARY_POINT, 'repeated'] })],
});

const RESOURCE = message({ attributes: [1, KEY_VALUE, 'repeated'], droppedAttributesCount: [2, 'uint32'] });

const SCOPE = message({
  name: [1, 'string'],
  version: [2, 'string'],
  attributes: [3, KEY_VALUE, 'repeated'],
  droppedAttributesCount: [4, 'uint32'],
});

/** `ExportMetricsServiceRequest` of OpenTelemetry's protocol, 1.x. */
export const EXPORT_REQUEST = message({
  resourceMetrics: [
    1,
    message({
      resource: [1, RESOURCE],
      scopeMetrics: [
        2,
        message({ scope: [1, SCOPE], metrics: [2, METRIC, 'repeated'], schemaUrl: [3, 'string'] }),
        'repeated',
      ],
      schemaUrl: [3, 'string'],
    }),
    'repeated',
  ],
});
