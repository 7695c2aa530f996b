import { Buffer } from 'node:buffer';
import { type ApiRequest, flexibleRequest } from './kafkajs-inside.ts';

/*
 * A metadata request for one topic and its answer, version 10: the first whose answers have topic ids (Kafka 2.8). kafkajs
 * knows versions up to 6. Numbers are big-endian; uv is an unsigned varint, and a length or count is one higher than what
 * it counts, so that 0 stands for null:
 *
 *     request    = headerTags:tags topics:uv=2 topic autoCreate:u8=0 clusterAcls:u8=0 topicAcls:u8=0 tags
 *     topic      = id:16=0 name:str tags
 *     answer     = headerTags:tags throttleMs:i32 brokers:uv broker* clusterId:str controller:i32 topics:uv found* clusterAcls:i32 tags
 *     broker     = node:i32 host:str port:i32 rack:str tags
 *     found      = error:i16 name:str id:16 isInternal:u8 partitions:uv partition* topicAcls:i32 tags
 *     partition  = error:i16 partition:i32 leader:i32 leaderEpoch:i32 replicas:nodes inSync:nodes offline:nodes tags
 *     nodes      = count:uv node:i32*
 *     str        = length:uv utf8
 *     tags       = count:uv (tag:uv size:uv bytes)*
 *
 * `headerTags` ends the header of a request or an answer that is of a flexible version, as this one is.
 */

const METADATA_KEY = 3;
const METADATA_VERSION = 10;
const ID_BYTES = 16;

export interface KafkaNode {
  readonly nodeId: number;
  /** `host:port`. */
  readonly address: string;
}

export interface PartitionMetadata {
  readonly partition: number;
  /** Undefined while there is none. */
  readonly leader: number | undefined;
  readonly replicas: readonly number[];
}

export interface TopicMetadata {
  readonly errorCode: number;
  /** As Kafka's own tools print it; undefined if the topic doesn't exist, or the broker gives none. */
  readonly topicId: string | undefined;
  /** The brokers that are up. */
  readonly nodes: readonly KafkaNode[];
  readonly partitions: readonly PartitionMetadata[];
}

/** Any broker answers. */
export function metadataRequest(topic: string): ApiRequest<TopicMetadata> {
  return flexibleRequest(
    { apiKey: METADATA_KEY, apiVersion: METADATA_VERSION, apiName: 'Metadata' },
    () => encodeMetadataRequest(topic),
    decodeMetadata,
  );
}

/** The request's body, after the client's id. */
export function encodeMetadataRequest(topic: string): Buffer {
  const name = Buffer.from(topic);
  const noTags = Buffer.from([0]);
  const acls = Buffer.from([0, 0, 0]);
  const length = uvarint(name.length + 1);
  return Buffer.concat([noTags, uvarint(2), ...[Buffer.alloc(ID_BYTES), length, name, noTags], acls, noTags]);
}

/** @throws RangeError if the bytes are cut short or say that they are longer than they are */
export function decodeMetadata(payload: Buffer): TopicMetadata {
  const from = new FlexibleReader(payload);
  from.tags();
  from.skip(4);
  const nodes = from.array(readNode);
  from.string();
  from.skip(4);
  const [found] = from.array(readTopic);
  from.skip(4);
  from.tags();
  if (found === undefined) throw new RangeError('the answer names no topic');
  return { ...found, nodes };
}

function readNode(from: FlexibleReader): KafkaNode {
  const nodeId = from.i32();
  const host = from.string();
  const port = from.i32();
  from.string();
  from.tags();
  return { nodeId, address: `${host}:${port}` };
}

function readTopic(from: FlexibleReader): Omit<TopicMetadata, 'nodes'> {
  const errorCode = from.i16();
  from.string();
  const id = from.bytes(ID_BYTES);
  from.skip(1);
  const partitions = from.array(readPartition);
  from.skip(4);
  from.tags();
  return {
    errorCode,
    topicId: id.some((byte) => byte !== 0) ? id.toString('base64url') : undefined,
    partitions,
  };
}

function readPartition(from: FlexibleReader): PartitionMetadata {
  from.skip(2);
  const partition = from.i32();
  const leader = from.i32();
  from.skip(4);
  const replicas = from.array((reader) => reader.i32());
  from.array((reader) => reader.i32());
  from.array((reader) => reader.i32());
  from.tags();
  return { partition, leader: leader < 0 ? undefined : leader, replicas };
}

/** Every read past the end throws `RangeError`. */
class FlexibleReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  i16(): number {
    this.skip(2);
    return this.#bytes.readInt16BE(this.#at - 2);
  }

  i32(): number {
    this.skip(4);
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  bytes(count: number): Buffer {
    this.skip(count);
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  /** Undefined for null. */
  string(): string | undefined {
    const length = this.#uvarint();
    return length === 0 ? undefined : this.bytes(length - 1).toString();
  }

  /** Null is taken for none. What is read takes a byte at least, so a damaged count soon ends at the end of the bytes. */
  array<T>(read: (from: FlexibleReader) => T): T[] {
    const count = Math.max(0, this.#uvarint() - 1);
    const values: T[] = [];
    for (let i = 0; i < count; i++) values.push(read(this));
    return values;
  }

  tags(): void {
    const count = this.#uvarint();
    for (let i = 0; i < count; i++) {
      this.#uvarint();
      this.skip(this.#uvarint());
    }
  }

  skip(count: number): void {
    if (count > this.#bytes.length - this.#at) throw new RangeError(`cut short at byte ${this.#at}`);
    this.#at += count;
  }

  #uvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      this.skip(1);
      const byte = this.#bytes[this.#at - 1];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError(`a length of more than 32 bits before byte ${this.#at}`);
  }
}

function uvarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}
