import { isUtf8 } from 'node:buffer';
import { DecodeError } from '@xscaler/encoding';
import { ProtobufReader, utf8Text, WIRE_BYTES } from '../protobuf/protobuf-reader.ts';

/** Arrays and maps in an attribute's value may be nested so deeply. */
const MAX_DEPTH = 32;

const KEY = 0x0a;
const VALUE = 0x12;

const STRING = 0x0a;
const BOOL = 0x10;
const INT = 0x18;
const DOUBLE = 0x21;
const ARRAY = 0x2a;
const MAP = 0x32;
const BYTES = 0x3a;

/** A name or value that isn't UTF-8. */
export class InvalidTextError extends Error {
  override readonly name = 'InvalidTextError';
}

/** An attribute, its value as text. */
export type Attribute = readonly [key: string, value: string];

/**
 * Reads a run of `KeyValue` fields (OpenTelemetry's `common.proto`), whatever the number of the field they are in; other
 * fields in between are passed over. Values become text as the OpenTelemetry Collector and Prometheus write them: numbers
 * as in JavaScript, bytes in base64, arrays and maps in JSON. Of a key that is there twice the last value stands.
 *
 * @throws DecodeError if the bytes are not such a run, or are nested too deeply
 * @throws InvalidTextError
 */
export function readAttributes(bytes: Uint8Array, start: number, end: number, field: number): Attribute[] {
  const reader = new ProtobufReader();
  reader.reset(bytes, start, end);
  const byKey = new Map<string, string>();
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag !== field * 8 + WIRE_BYTES) {
      reader.skip(tag);
      continue;
    }
    const { key, value } = keyValue(reader, 0);
    byKey.set(key, textOf(value));
  }
  return [...byKey];
}

/** The text of a length-delimited field. @throws InvalidTextError */
export function checkedText(reader: ProtobufReader): string {
  const length = reader.length();
  const start = reader.position;
  reader.position = start + length;
  return textBetween(reader.bytes, start, reader.position);
}

/** @throws InvalidTextError */
export function textBetween(bytes: Uint8Array, start: number, end: number): string {
  const text = utf8Text(bytes, start, end);
  if (text.includes('\ufffd') && !isUtf8(bytes.subarray(start, end))) {
    throw new InvalidTextError(`${JSON.stringify(text.slice(0, 100))} is not valid UTF-8`);
  }
  return text;
}

/** An int64 is a bigint: a double may not hold it. */
type Value = string | boolean | bigint | number | Uint8Array | undefined | Value[] | Map<string, Value>;

/** Enters a message of a length that is read first; `read` sees each of its tags. */
function eachField(reader: ProtobufReader, read: (tag: number) => void): void {
  const outerEnd = reader.end;
  const length = reader.length();
  reader.end = reader.position + length;
  while (reader.position < reader.end) read(reader.tag());
  reader.end = outerEnd;
}

function keyValue(reader: ProtobufReader, depth: number): { key: string; value: Value } {
  let key = '';
  let value: Value;
  eachField(reader, (tag) => {
    if (tag === KEY) key = checkedText(reader);
    else if (tag === VALUE) value = anyValue(reader, depth);
    else reader.skip(tag);
  });
  return { key, value };
}

function anyValue(reader: ProtobufReader, depth: number): Value {
  if (depth > MAX_DEPTH) throw new DecodeError('attributes nested too deeply');
  let value: Value;
  eachField(reader, (tag) => {
    switch (tag) {
      case STRING:
        value = checkedText(reader);
        return;
      case BOOL:
        value = reader.uint64() !== 0;
        return;
      case INT:
        value = reader.bigInt64();
        return;
      case DOUBLE:
        value = reader.double();
        return;
      case ARRAY:
        value = arrayValue(reader, depth);
        return;
      case MAP:
        value = mapValue(reader, depth);
        return;
      case BYTES: {
        const length = reader.length();
        value = reader.bytes.slice(reader.position, reader.position + length);
        reader.position += length;
        return;
      }
      default:
        reader.skip(tag);
    }
  });
  return value;
}

function arrayValue(reader: ProtobufReader, depth: number): Value[] {
  const values: Value[] = [];
  eachField(reader, (tag) => {
    if (tag === 0x0a) values.push(anyValue(reader, depth + 1));
    else reader.skip(tag);
  });
  return values;
}

function mapValue(reader: ProtobufReader, depth: number): Map<string, Value> {
  const values = new Map<string, Value>();
  eachField(reader, (tag) => {
    if (tag !== 0x0a) {
      reader.skip(tag);
      return;
    }
    const { key, value } = keyValue(reader, depth + 1);
    values.set(key, value);
  });
  return values;
}

function textOf(value: Value): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (typeof value === 'object') return jsonOf(value);
  return String(value);
}

/** As Go's `encoding/json` writes it: keys of maps in order, and no `<`, `>` or `&` in strings. */
function jsonOf(value: Value): string {
  if (value === undefined) return 'null';
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(',')}]`;
  if (value instanceof Map) {
    const keys = [...value.keys()].sort();
    return `{${keys.map((key) => `${jsonString(key)}:${jsonOf(value.get(key))}`).join(',')}}`;
  }
  if (typeof value === 'string') return jsonString(value);
  if (value instanceof Uint8Array) return jsonString(textOf(value));
  return textOf(value);
}

function jsonString(text: string): string {
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
