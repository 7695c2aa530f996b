import { crc32c } from '@xscaler/encoding';

/** Records of one partition, in their order. */
export interface PartitionBatch {
  readonly partition: number;
  readonly records: readonly Uint8Array[];
}

/*
 * The body of a produce request, version 3 to 7 (numbers are big-endian; vi is a zigzag varint):
 *
 *     body      = transactionalId:i16=-1 acks:i16=-1 timeoutMs:i32 topics:i32=1 topic:str partitions:i32 partition*
 *     str       = length:i16 utf8
 *     partition = partition:i32 length:i32 batch
 *     batch     = baseOffset:i64=0 length:i32 leaderEpoch:i32=-1 magic:u8=2 crc:u32 checked
 *     checked   = attributes:i16=0 lastOffsetDelta:i32 baseTimeMs:i64 maxTimeMs:i64
 *                 producerId:i64=-1 producerEpoch:i16=-1 baseSequence:i32=-1 records:i32 record*
 *     record    = length:vi attributes:i8=0 timeDelta:vi=0 offsetDelta:vi keyLength:vi=-1 valueLength:vi value
 *                 headers:vi=0
 *
 * `crc` is the CRC-32C of `checked`. The codec of kafkajs makes the same bytes and copies the records eight times.
 */

const ACKS_ALL = -1;
const MAGIC = 2;
const NULL_LENGTH = 0x01;
/** From `leaderEpoch` on, what `length` counts before `checked`, and `checked` without its records. */
const EPOCH_TO_CRC_BYTES = 9;
const CHECKED_FIXED_BYTES = 40;
const BATCH_FIXED_BYTES = 12 + EPOCH_TO_CRC_BYTES + CHECKED_FIXED_BYTES;

/**
 * Encodes a request that is answered when all in-sync replicas have the records, or after `timeoutMs`. It has no
 * producer id: the broker doesn't look for repetitions.
 */
export function encodeProduceBody(
  topic: string,
  batches: readonly PartitionBatch[],
  timeoutMs: number,
  nowMs: number,
): Buffer {
  const name = Buffer.from(topic);
  const sizes = batches.map(({ records }) => batchBytes(records));
  const total = sizes.reduce((sum, size) => sum + 8 + size, 18 + name.length);
  const body = Buffer.allocUnsafe(total);
  let at = body.writeInt16BE(-1, 0);
  at = body.writeInt16BE(ACKS_ALL, at);
  at = body.writeInt32BE(timeoutMs, at);
  at = body.writeInt32BE(1, at);
  at = body.writeInt16BE(name.length, at);
  body.set(name, at);
  at = body.writeInt32BE(batches.length, at + name.length);
  batches.forEach(({ partition, records }, i) => {
    at = body.writeInt32BE(partition, at);
    at = body.writeInt32BE(sizes[i], at);
    at = writeBatch(body, at, records, sizes[i], nowMs);
  });
  return body;
}

function writeBatch(
  body: Buffer,
  start: number,
  records: readonly Uint8Array[],
  size: number,
  nowMs: number,
): number {
  const time = BigInt(nowMs);
  let at = body.writeBigInt64BE(0n, start);
  at = body.writeInt32BE(size - 12, at);
  at = body.writeInt32BE(-1, at);
  at = body.writeUInt8(MAGIC, at);
  const crcAt = at;
  const checkedAt = crcAt + 4;
  at = body.writeInt16BE(0, checkedAt);
  at = body.writeInt32BE(records.length - 1, at);
  at = body.writeBigInt64BE(time, at);
  at = body.writeBigInt64BE(time, at);
  at = body.writeBigInt64BE(-1n, at);
  at = body.writeInt16BE(-1, at);
  at = body.writeInt32BE(-1, at);
  at = body.writeInt32BE(records.length, at);
  for (let i = 0; i < records.length; i++) at = writeRecord(body, at, records[i], i);
  body.writeUInt32BE(crc32c(body, checkedAt, at), crcAt);
  return at;
}

function writeRecord(body: Buffer, start: number, value: Uint8Array, offsetDelta: number): number {
  let at = writeVarint(body, start, recordBytes(value, offsetDelta));
  body[at++] = 0;
  body[at++] = 0;
  at = writeVarint(body, at, offsetDelta);
  body[at++] = NULL_LENGTH;
  at = writeVarint(body, at, value.length);
  body.set(value, at);
  at += value.length;
  body[at++] = 0;
  return at;
}

function batchBytes(records: readonly Uint8Array[]): number {
  let bytes = BATCH_FIXED_BYTES;
  for (let i = 0; i < records.length; i++) {
    const size = recordBytes(records[i], i);
    bytes += varintBytes(size) + size;
  }
  return bytes;
}

/** What follows the record's own length. */
function recordBytes(value: Uint8Array, offsetDelta: number): number {
  return 4 + varintBytes(offsetDelta) + varintBytes(value.length) + value.length;
}

/** Of a number from 0 to 2³⁰. */
function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value >>> 6; rest > 0; rest >>>= 7) bytes++;
  return bytes;
}

function writeVarint(body: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value * 2;
  while (rest >= 0x80) {
    body[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  body[at++] = rest;
  return at;
}
