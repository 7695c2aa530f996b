import { DecodeError } from '@xscaler/encoding';
import type { MatchType } from '@xscaler/model';
import { ProtobufReader, WIRE_BYTES, WIRE_VARINT } from '../protobuf/protobuf-reader.ts';

/** How a remote read is answered, as `ReadRequest.ResponseType` numbers it. */
export const SAMPLES = 0;
export const STREAMED_XOR_CHUNKS = 1;

export interface ReadMatcher {
  readonly type: MatchType;
  readonly name: string;
  readonly value: string;
}

/** One selector. Times in ms, inclusive; beyond ±2^53 they are ±Infinity. */
export interface ReadQuery {
  readonly startMs: number;
  readonly endMs: number;
  readonly matchers: readonly ReadMatcher[];
}

export interface RemoteReadRequest {
  readonly queries: readonly ReadQuery[];
  /** In order of preference, unknown ones too; none: samples. */
  readonly acceptedTypes: readonly number[];
}

/** Prometheus sends one query a request; each is a selection of its own. */
export const MAX_READ_QUERIES = 64;
export const MAX_READ_MATCHERS = 1_000;
const MAX_TYPES = 64;

const MATCH_TYPES: readonly MatchType[] = ['=', '!=', '=~', '!~'];

/**
 * Reads `prometheus.ReadRequest` (prompb/remote.proto), once snappy is undone:
 *
 *     ReadRequest  { 1: repeated Query, 2: repeated ResponseType }
 *     Query        { 1: int64 start ms, 2: int64 end ms, 3: repeated LabelMatcher, 4: ReadHints }
 *     LabelMatcher { 1: enum type (= != =~ !~), 2: string name, 3: string value }
 *
 * Hints say what may be left out of an answer, never what has to be in it: they are not looked at.
 * @throws DecodeError
 */
export function decodeReadRequest(bytes: Uint8Array): RemoteReadRequest {
  const reader = new ProtobufReader();
  reader.reset(bytes);
  const queries: ReadQuery[] = [];
  const acceptedTypes: number[] = [];
  eachField(reader, (tag) => {
    if (tag === 0x0a) {
      if (queries.length === MAX_READ_QUERIES) throw new DecodeError(`more than ${MAX_READ_QUERIES} queries`);
      queries.push(readQuery(reader));
    } else if (tag >>> 3 === 2) readTypes(reader, tag, acceptedTypes);
    else reader.skip(tag);
  });
  return { queries, acceptedTypes };
}

function readQuery(reader: ProtobufReader): ReadQuery {
  let startMs = 0;
  let endMs = 0;
  const matchers: ReadMatcher[] = [];
  inMessage(reader, (tag) => {
    if (tag === 0x08) startMs = reader.int64();
    else if (tag === 0x10) endMs = reader.int64();
    else if (tag === 0x1a) {
      if (matchers.length === MAX_READ_MATCHERS)
        throw new DecodeError(`more than ${MAX_READ_MATCHERS} matchers`);
      matchers.push(readMatcher(reader));
    } else reader.skip(tag);
  });
  return { startMs, endMs, matchers };
}

function readMatcher(reader: ProtobufReader): ReadMatcher {
  let number = 0;
  let name = '';
  let value = '';
  inMessage(reader, (tag) => {
    if (tag === 0x08) number = reader.uint64();
    else if (tag === 0x12) name = reader.text();
    else if (tag === 0x1a) value = reader.text();
    else reader.skip(tag);
  });
  const type = MATCH_TYPES[number];
  if (type === undefined) throw new DecodeError(`a matcher of type ${number}`);
  return { type, name, value };
}

/** Packed into one field, or one in a field of its own, as protobuf allows of either. */
function readTypes(reader: ProtobufReader, tag: number, types: number[]): void {
  const add = () => {
    if (types.length === MAX_TYPES) throw new DecodeError(`more than ${MAX_TYPES} response types`);
    types.push(reader.uint64());
  };
  if ((tag & 7) === WIRE_VARINT) add();
  else if ((tag & 7) === WIRE_BYTES) {
    const outerEnd = reader.end;
    const length = reader.length();
    reader.end = reader.position + length;
    while (reader.position < reader.end) add();
    reader.end = outerEnd;
  } else reader.skip(tag);
}

/** The fields of the length-delimited message whose tag has been read. */
function inMessage(reader: ProtobufReader, onField: (tag: number) => void): void {
  const outerEnd = reader.end;
  const length = reader.length();
  reader.end = reader.position + length;
  eachField(reader, onField);
  reader.end = outerEnd;
}

function eachField(reader: ProtobufReader, onField: (tag: number) => void): void {
  while (reader.position < reader.end) onField(reader.tag());
}
