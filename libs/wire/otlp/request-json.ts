import { ByteWriter, DecodeError } from '@xscaler/encoding';
import { writeInt64, writeMessage, writeSint64 } from '../protobuf-writer.ts';
import { EXPORT_REQUEST, type FieldKind, type FieldSchema, type MessageSchema } from './message-schema.ts';

/** Messages may be nested so deeply: arrays and maps in attributes. */
const MAX_DEPTH = 64;

/**
 * An OTLP/JSON `ExportMetricsServiceRequest` as protobuf: the specification's mapping, where ids are hexadecimal, other
 * bytes base64, 64-bit integers strings or numbers, enums numbers, and unknown fields are ignored.
 * @throws DecodeError where the text isn't such a request
 */
export function protobufFromJson(text: string): Uint8Array<ArrayBuffer> {
  let request: unknown;
  try {
    request = JSON.parse(text);
  } catch (error) {
    throw new DecodeError(`not JSON: ${(error as Error).message}`);
  }
  return encodeExportRequest(request);
}

/** The same for what has been parsed; tests write their requests this way. @throws DecodeError */
export function encodeExportRequest(request: unknown): Uint8Array<ArrayBuffer> {
  const to = new ByteWriter(4096);
  writeFields(request, EXPORT_REQUEST, 'the request', 0, to);
  return to.take();
}

function writeFields(
  value: unknown,
  schema: MessageSchema,
  path: string,
  depth: number,
  to: ByteWriter,
): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DecodeError(`${path} is not an object`);
  }
  if (depth > MAX_DEPTH) throw new DecodeError('nested too deeply');
  for (const [name, content] of Object.entries(value)) {
    const field = schema.fields.get(name);
    if (field === undefined || content === null) continue;
    if (!field.isRepeated) writeField(content, field, name, depth, to);
    else if (!Array.isArray(content)) throw new DecodeError(`${name} is not an array`);
    else for (const one of content) writeField(one, field, name, depth, to);
  }
}

function writeField(value: unknown, field: FieldSchema, name: string, depth: number, to: ByteWriter): void {
  const { kind, number } = field;
  if (typeof kind === 'object' && 'fields' in kind) {
    const message = new ByteWriter(256);
    writeFields(value, kind, name, depth + 1, message);
    writeMessage(to, number * 8 + 2, message);
    return;
  }
  to.uvarint(number * 8 + wireType(kind));
  writeScalar(value, kind, name, to);
}

function wireType(kind: FieldKind): number {
  if (kind === 'string' || kind === 'bytes' || kind === 'id') return 2;
  return kind === 'fixed64' || kind === 'sfixed64' || kind === 'double' ? 1 : 0;
}

function writeScalar(
  value: unknown,
  kind: Exclude<FieldKind, MessageSchema>,
  name: string,
  to: ByteWriter,
): void {
  switch (kind) {
    case 'string':
      to.string(textOf(value, name));
      return;
    case 'bytes':
      writeBytes(Buffer.from(textOf(value, name), 'base64'), to);
      return;
    case 'id':
      writeBytes(idOf(textOf(value, name), name), to);
      return;
    case 'bool':
      if (typeof value !== 'boolean') throw new DecodeError(`${name} is not a boolean`);
      to.u8(value ? 1 : 0);
      return;
    case 'double':
      to.f64(doubleOf(value, name));
      return;
    case 'fixed64':
      writeFixed64(integerOf(isTime(name) ? wholeMicroseconds(value) : value, name, 0n, 2n ** 64n - 1n), to);
      return;
    case 'sfixed64':
      writeFixed64(integerOf(value, name, -(2n ** 63n), 2n ** 63n - 1n), to);
      return;
    case 'int64':
      writeInt64(to, integerOf(value, name, -(2n ** 63n), 2n ** 63n - 1n));
      return;
    case 'uint64':
      writeInt64(to, integerOf(value, name, 0n, 2n ** 64n - 1n));
      return;
    case 'uint32':
      writeInt64(to, integerOf(value, name, 0n, 2n ** 32n - 1n));
      return;
    case 'sint32':
      writeSint64(to, Number(integerOf(value, name, -(2n ** 31n), 2n ** 31n - 1n)));
      return;
    default:
      writeInt64(to, enumOf(value, kind.values, name));
  }
}

function textOf(value: unknown, name: string): string {
  if (typeof value !== 'string') throw new DecodeError(`${name} is not a string`);
  return value;
}

function idOf(text: string, name: string): Buffer {
  if (!/^([0-9a-fA-F]{2})*$/.test(text)) throw new DecodeError(`${name} is not hexadecimal`);
  return Buffer.from(text, 'hex');
}

function writeBytes(bytes: Uint8Array, to: ByteWriter): void {
  to.uvarint(bytes.length);
  to.raw(bytes);
}

function doubleOf(value: unknown, name: string): number {
  if (typeof value === 'number') return value;
  if (value === 'NaN') return Number.NaN;
  if (value === 'Infinity') return Number.POSITIVE_INFINITY;
  if (value === '-Infinity') return Number.NEGATIVE_INFINITY;
  if (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)))
    return Number(value);
  throw new DecodeError(`${name} is not a number`);
}

function integerOf(value: unknown, name: string, min: bigint, max: bigint): bigint {
  let integer: bigint | undefined;
  if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) integer = BigInt(value);
  else if (typeof value === 'number' && Number.isInteger(value)) integer = BigInt(value);
  if (integer === undefined || integer < min || integer > max) {
    throw new DecodeError(`${name} is not an integer within its bounds`);
  }
  return integer;
}

function isTime(name: string): boolean {
  return /nano$/i.test(name);
}

/**
 * A time in nanoseconds that was written as a number, which JSON's parser has had to round: what was a whole number of
 * microseconds is one again, so that it doesn't fall into the millisecond before.
 */
function wholeMicroseconds(value: unknown): unknown {
  if (typeof value !== 'number' || !Number.isInteger(value) || value <= Number.MAX_SAFE_INTEGER) return value;
  return String(((BigInt(value) + 500n) / 1000n) * 1000n);
}

function enumOf(value: unknown, names: readonly string[], name: string): number {
  const number = typeof value === 'string' ? names.indexOf(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number > 0x7fffffff) {
    throw new DecodeError(`${name} has an unknown value`);
  }
  return number;
}

function writeFixed64(value: bigint, to: ByteWriter): void {
  const bits = BigInt.asUintN(64, value);
  to.u32(Number(bits & 0xffffffffn));
  to.u32(Number(bits >> 32n));
}
