import { isUtf8 } from 'node:buffer';
import { ByteWriter, DecodeError } from '@xscaler/encoding';
import {
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COMMA,
  hexDigit,
  isNumberStart,
  JsonCursor,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
} from './json-cursor.ts';
import { JsonInteger } from './json-integer.ts';
import {
  EXPORT_REQUEST,
  type FieldKind,
  type FieldSchema,
  fieldOf,
  type MessageSchema,
} from './message-schema.ts';

/** Messages may be nested so deeply: arrays and maps in attributes. */
const MAX_DEPTH = 64;
/** The `n` of null. */
const NULL_START = 0x6e;

/** A message that is being written. */
interface OpenMessage {
  schema: MessageSchema;
  /** Where its length is to stand, −1 for the request itself. */
  lengthAt: number;
  /** The field whose array the text is in, undefined if it is between fields. */
  repeated: FieldSchema | undefined;
}

/**
 * An OTLP/JSON `ExportMetricsServiceRequest` as protobuf: the specification's mapping, where ids are hexadecimal, other
 * bytes base64, 64-bit integers strings or numbers, enums numbers, and unknown fields are ignored. It goes from bytes to
 * bytes, and in steps, so that a long text needn't hold up a thread.
 */
export class JsonTranscoder {
  readonly #cursor: JsonCursor;
  readonly #to: ByteWriter;
  readonly #integer = new JsonInteger();
  readonly #open: OpenMessage[] = [];
  /** How many messages of `#open` are. */
  #depth = 0;
  /** Whether no member or element of the innermost object or array was read yet. */
  #isFirst = true;

  /** @throws DecodeError if the text isn't UTF-8, or no object */
  constructor(text: Uint8Array) {
    if (!isUtf8(text)) throw new DecodeError('not UTF-8');
    this.#cursor = new JsonCursor(text);
    if (text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf) this.#cursor.position = 3;
    this.#to = new ByteWriter(1024 + (text.length >>> 1));
    this.#begin(EXPORT_REQUEST, -1, 'the request');
  }

  /**
   * Goes on for about this many bytes of the text; true once it is done.
   * @throws DecodeError if the text isn't such a request
   */
  step(maxBytes: number): boolean {
    const cursor = this.#cursor;
    const stop = cursor.position + maxBytes;
    while (cursor.position < stop && this.#depth > 0) {
      const message = this.#open[this.#depth - 1];
      if (message.repeated === undefined) this.#nextField(message);
      else this.#nextElement(message, message.repeated);
    }
    if (this.#depth > 0) return false;
    if (cursor.peek() >= 0) cursor.fail();
    return true;
  }

  /** What was written. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#to.take();
  }

  #begin(schema: MessageSchema, lengthAt: number, name: string): void {
    if (this.#cursor.peek() !== OPEN_OBJECT) this.#refuse(name, 'an object');
    this.#cursor.position++;
    if (this.#depth > MAX_DEPTH) throw new DecodeError('nested too deeply');
    if (this.#depth === this.#open.length) this.#open.push({ schema, lengthAt, repeated: undefined });
    const message = this.#open[this.#depth++];
    message.schema = schema;
    message.lengthAt = lengthAt;
    message.repeated = undefined;
    this.#isFirst = true;
  }

  #nextField(message: OpenMessage): void {
    const cursor = this.#cursor;
    if (cursor.take(CLOSE_OBJECT)) {
      this.#depth--;
      this.#isFirst = false;
      if (message.lengthAt >= 0) closeMessage(this.#to, message.lengthAt);
      return;
    }
    if (!this.#isFirst) cursor.expect(COMMA);
    this.#isFirst = false;
    cursor.key();
    const field = cursor.isEscaped
      ? message.schema.fields.get(cursor.text())
      : fieldOf(message.schema, cursor.bytes, cursor.start, cursor.end, cursor.hash);
    if (field === undefined) cursor.skip();
    else if (cursor.peek() === NULL_START && cursor.literal('null')) return;
    else if (!field.isRepeated) this.#value(field);
    else if (cursor.take(OPEN_ARRAY)) {
      message.repeated = field;
      this.#isFirst = true;
    } else this.#refuse(field.name, 'an array');
  }

  #nextElement(message: OpenMessage, field: FieldSchema): void {
    const cursor = this.#cursor;
    if (cursor.take(CLOSE_ARRAY)) {
      message.repeated = undefined;
      this.#isFirst = false;
      return;
    }
    if (!this.#isFirst) cursor.expect(COMMA);
    this.#isFirst = false;
    this.#value(field);
  }

  #value({ kind, number, name }: FieldSchema): void {
    const to = this.#to;
    to.uvarint(number * 8 + wireType(kind));
    if (typeof kind !== 'object' || !('fields' in kind)) {
      this.#scalar(kind, name);
      return;
    }
    const lengthAt = to.length;
    to.u8(0);
    this.#begin(kind, lengthAt, name);
  }

  #scalar(kind: Exclude<FieldKind, MessageSchema>, name: string): void {
    const cursor = this.#cursor;
    const to = this.#to;
    switch (kind) {
      case 'string':
        this.#string(name);
        cursor.writeText(to);
        return;
      case 'bytes':
        this.#string(name);
        writeBytes(Buffer.from(cursor.text(), 'base64'), to);
        return;
      case 'id':
        this.#string(name);
        this.#writeId(name);
        return;
      case 'bool':
        cursor.peek();
        if (cursor.literal('true')) to.u8(1);
        else if (cursor.literal('false')) to.u8(0);
        else this.#refuse(name, 'a boolean');
        return;
      case 'double':
        to.f64(this.#double(name));
        return;
      default:
        if (typeof kind === 'object') this.#writeEnum(kind.values, name);
        else this.#writeInteger(kind, name);
    }
  }

  #writeInteger(kind: 'fixed64' | 'sfixed64' | 'int64' | 'uint64' | 'uint32' | 'sint32', name: string): void {
    const integer = this.#integer;
    integer.read(this.#cursor, name, kind === 'fixed64' && isTime(name));
    if (kind === 'sfixed64' || kind === 'int64') integer.expectSigned(name, 0x7fffffff, 0xffffffff);
    else if (kind === 'sint32') integer.expectSigned(name, 0, 0x7fffffff);
    else integer.expectUnsigned(name, kind === 'uint32' ? 0 : 0xffffffff);
    if (kind === 'fixed64' || kind === 'sfixed64') integer.writeFixed(this.#to);
    else if (kind === 'sint32') integer.writeZigzag(this.#to);
    else integer.writeVarint(this.#to);
  }

  #string(name: string): void {
    if (this.#cursor.peek() !== QUOTE) this.#refuse(name, 'a string');
    this.#cursor.string();
  }

  #double(name: string): number {
    const cursor = this.#cursor;
    const next = cursor.peek();
    if (isNumberStart(next)) {
      cursor.number();
      return cursor.double();
    }
    if (next !== QUOTE) this.#refuse(name, 'a number');
    cursor.string();
    const text = cursor.text();
    if (text === 'NaN') return Number.NaN;
    if (text === 'Infinity') return Number.POSITIVE_INFINITY;
    if (text === '-Infinity') return Number.NEGATIVE_INFINITY;
    const value = text.trim() === '' ? Number.NaN : Number(text);
    return Number.isFinite(value) ? value : this.#refuse(name, 'a number');
  }

  #writeEnum(names: readonly string[], name: string): void {
    const cursor = this.#cursor;
    const next = cursor.peek();
    let value = -1;
    if (next === QUOTE) {
      cursor.string();
      value = names.indexOf(cursor.text());
    } else if (isNumberStart(next)) {
      cursor.number();
      value = cursor.double();
    }
    if (!Number.isInteger(value) || value < 0 || value > 0x7fffffff) {
      throw new DecodeError(`${name} has an unknown value`);
    }
    this.#to.uvarint(value);
  }

  /** Of the hexadecimal digits that were read last. */
  #writeId(name: string): void {
    const { bytes, start, end } = this.#cursor;
    const to = this.#to;
    if ((end - start) % 2 !== 0) this.#refuse(name, 'hexadecimal');
    to.uvarint((end - start) / 2);
    for (let at = start; at < end; at += 2) {
      const high = hexDigit(bytes[at]);
      const low = hexDigit(bytes[at + 1]);
      if (high < 0 || low < 0) this.#refuse(name, 'hexadecimal');
      to.u8(16 * high + low);
    }
  }

  #refuse(name: string, what: string): never {
    throw new DecodeError(`${name} is not ${what}`);
  }
}

/** The whole of a request at once. @throws DecodeError if the text isn't such a request */
export function protobufFromJson(text: Uint8Array | string): Uint8Array<ArrayBuffer> {
  const transcoder = new JsonTranscoder(typeof text === 'string' ? Buffer.from(text) : text);
  transcoder.step(Number.POSITIVE_INFINITY);
  return transcoder.take();
}

/** The same of objects: tests write their requests this way. @throws DecodeError */
export function encodeExportRequest(request: unknown): Uint8Array<ArrayBuffer> {
  return protobufFromJson(JSON.stringify(request, asText));
}

/** Numbers that JSON doesn't have as OTLP writes them. */
function asText(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'number' || (Number.isFinite(value) && !Object.is(value, -0))) return value;
  return value === 0 ? '-0' : String(value);
}

function wireType(kind: FieldKind): number {
  if (typeof kind === 'object') return 'fields' in kind ? 2 : 0;
  if (kind === 'string' || kind === 'bytes' || kind === 'id') return 2;
  return kind === 'fixed64' || kind === 'sfixed64' || kind === 'double' ? 1 : 0;
}

function isTime(name: string): boolean {
  return name.endsWith('Nano');
}

function writeBytes(bytes: Uint8Array, to: ByteWriter): void {
  to.uvarint(bytes.length);
  to.raw(bytes);
}

/** Sets the length of the message that begins behind `lengthAt`, if one byte was left for it. */
function closeMessage(to: ByteWriter, lengthAt: number): void {
  const start = lengthAt + 1;
  const { length: end } = to;
  const length = end - start;
  if (length < 0x80) {
    to.bytes[lengthAt] = length;
    return;
  }
  let more = 1;
  for (let rest = length >>> 14; rest > 0; rest >>>= 7) more++;
  to.reserve(more);
  to.bytes.copyWithin(start + more, start, end);
  to.length = lengthAt;
  to.uvarint(length);
  to.length = end + more;
}
