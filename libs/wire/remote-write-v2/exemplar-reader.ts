import { type Exemplar, Labels } from '@xscaler/model';
import type { ProtobufReader } from '../protobuf/protobuf-reader.ts';
import { refuseKnown } from './known-fields.ts';
import { MAX_KEPT_REFS } from './label-references.ts';
import type { SymbolTable } from './symbol-table.ts';

/** An `Exemplar` message as it was sent: its labels are references into the request's symbols. */
interface SentExemplar {
  readonly refs: readonly number[];
  readonly value: number;
  readonly timestampMs: number;
}

/** Bytes of the exemplar at `start … end` of the body with its labels written out, or what it takes if that is too much already. */
export function exemplarBytes(
  body: ProtobufReader,
  start: number,
  end: number,
  symbols: SymbolTable,
): number {
  let bytes = end - start;
  if (bytes > MAX_KEPT_REFS) return bytes;
  for (const ref of readSent(body, start, end).refs) {
    if (ref < symbols.count) bytes += symbols.byteLength(ref);
  }
  return bytes;
}

/** The exemplar at `start … end` of the body; undefined if its labels aren't any. */
export function readExemplar(
  body: ProtobufReader,
  start: number,
  end: number,
  symbols: SymbolTable,
): Exemplar | undefined {
  const { refs, value, timestampMs } = readSent(body, start, end);
  if (refs.length % 2 !== 0 || refs.some((ref) => ref >= symbols.count)) return undefined;
  const labels: [string, string][] = [];
  for (let i = 0; i < refs.length; i += 2) labels.push([symbols.text(refs[i]), symbols.text(refs[i + 1])]);
  if (labels.some(([name]) => name === '')) return undefined;
  if (new Set(labels.map(([name]) => name)).size < labels.length) return undefined;
  return { labels: Labels.from(labels), value, timestampMs };
}

function readSent(body: ProtobufReader, start: number, messageEnd: number): SentExemplar {
  const { position, end } = body;
  body.position = start;
  body.end = messageEnd;
  const refs: number[] = [];
  let value = 0;
  let timestampMs = 0;
  while (body.position < body.end) {
    const tag = body.tag();
    if (tag === 0x0a) {
      const length = body.length();
      body.end = body.position + length;
      while (body.position < body.end) refs.push(body.uint32());
      body.end = messageEnd;
    } else if (tag === 0x08) {
      refs.push(body.uint32());
    } else if (tag === 0x11) {
      value = body.double();
    } else if (tag === 0x18) {
      timestampMs = body.int64();
    } else {
      refuseKnown(tag, 3, 'Exemplar');
      body.skip(tag);
    }
  }
  body.position = position;
  body.end = end;
  return { refs, value, timestampMs };
}
