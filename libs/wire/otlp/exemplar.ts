import { EXEMPLAR_MAX_LABEL_LENGTH, type Exemplar, Labels } from '@xscaler/model';
import type { ProtobufReader } from '../protobuf/protobuf-reader.ts';
import { type Attribute, InvalidTextError, readAttributes } from './attributes.ts';

const FILTERED_ATTRIBUTES = 7;

/** An exemplar's value alone: what says which bucket it belongs to. */
export function exemplarValue(body: ProtobufReader, start: number, end: number): number {
  return readFields(body, start, end).value;
}

/**
 * Reads the `Exemplar` message at the reader's `[start, end)`. Its labels are the ids of trace and span, in hexadecimal,
 * and the attributes that the aggregation dropped, but these only if all of them together aren't too long.
 * Undefined if a text isn't UTF-8.
 */
export function readExemplar(body: ProtobufReader, start: number, end: number): Exemplar | undefined {
  const { value, timestampMs, traceId, spanId } = readFields(body, start, end);
  const labels: Attribute[] = [];
  if (traceId !== '') labels.push(['trace_id', traceId]);
  if (spanId !== '') labels.push(['span_id', spanId]);
  let attributes: Attribute[];
  try {
    attributes = readAttributes(body.bytes, start, end, FILTERED_ATTRIBUTES);
  } catch (error) {
    if (error instanceof InvalidTextError) return undefined;
    throw error;
  }
  const all = [...attributes.filter(([key]) => key !== ''), ...labels];
  let length = 0;
  for (const [key, text] of all) length += [...key].length + [...text].length;
  return { labels: Labels.from(length <= EXEMPLAR_MAX_LABEL_LENGTH ? all : labels), value, timestampMs };
}

function readFields(body: ProtobufReader, start: number, end: number) {
  let value = 0;
  let timestampMs = 0;
  let traceId = '';
  let spanId = '';
  body.position = start;
  body.end = end;
  while (body.position < end) {
    const tag = body.tag();
    if (tag === 0x11) timestampMs = body.milliseconds();
    else if (tag === 0x19) value = body.double();
    else if (tag === 0x31) value = body.signedFixed64();
    else if (tag === 0x22) spanId = hexOf(body);
    else if (tag === 0x2a) traceId = hexOf(body);
    else body.skip(tag);
  }
  return { value, timestampMs, traceId, spanId };
}

/** '' if all bytes are 0, which stands for no id. */
function hexOf(body: ProtobufReader): string {
  const length = body.length();
  const at = body.position;
  body.position += length;
  const bytes = body.bytes.subarray(at, body.position);
  return bytes.every((byte) => byte === 0) ? '' : Buffer.from(bytes).toString('hex');
}
