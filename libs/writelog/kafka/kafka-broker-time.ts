import { ByteReader, DecodeError } from '@xscaler/encoding';
import type { KafkaClient } from './kafka-client.ts';
import { type ApiRequest, kafkaCode, type RawRequest, rawRequest } from './kafkajs-inside.ts';

/*
 * Kafka has no request for the time. Its brokers do tell it on the way: who asks how far the voters of the metadata quorum
 * have followed (DescribeQuorum, of KRaft and so of Kafka 3.3 and later) hears when each of them fetched last, and of the leader
 * itself that is now, by its clock. Nothing is written for it. kafkajs doesn't know the request:
 *
 *     request  = tags:0 topics:uv=2 name:str partitions:uv=2 partition:i32=0 tags:0 tags:0 tags:0
 *     response = tags error:i16 topics:uv=2 name:str partitions:uv=2 partition tags tags
 *     partition = index:i32 error:i16 leader:i32 leaderEpoch:i32 highWatermark:i64 voters:uv voter* …
 *     voter    = id:i32 endOffset:i64 lastFetchMs:i64 lastCaughtUpMs:i64 tags
 *     str      = length:uv utf8            a length or count is one more than it says
 *     tags     = count:uv (tag:uv length:uv byte*)*
 *
 * Version 1, numbers big-endian, uv a varint without a sign.
 */
const API_KEY = 55;
const VERSION = 1;
const QUORUM_TOPIC = '__cluster_metadata';
const TIMEOUT_MS = 3_000;

/**
 * The wall clock of the quorum's leader, ms.
 * @throws Error if no broker answers, knows the request or lets this client describe the cluster
 */
export async function askBrokerTime(client: KafkaClient): Promise<number> {
  try {
    return await client.sendToAny(brokerTimeRequest(), TIMEOUT_MS);
  } catch (error) {
    // The broker that was asked may have gone: the next caller must know which exist.
    await client.refresh().catch(() => undefined);
    throw error;
  }
}

function brokerTimeRequest(): ApiRequest<number> {
  const request: RawRequest = { apiKey: API_KEY, apiVersion: VERSION, apiName: 'DescribeQuorum' };
  return rawRequest(request, encodeQuestion, decodeBrokerTime);
}

function encodeQuestion(): Buffer {
  const name = Buffer.from(QUORUM_TOPIC);
  return Buffer.concat([Buffer.of(0, 2, name.length + 1), name, Buffer.of(2, 0, 0, 0, 0, 0, 0, 0)]);
}

/** Exported for tests. @throws DecodeError, Error with the broker's refusal */
export function decodeBrokerTime(answer: Buffer): number {
  const reader = new ByteReader(answer);
  skipTags(reader);
  refuse(int16(reader));
  if (reader.uvarint() !== 2) throw new DecodeError('not one topic');
  skip(reader, reader.uvarint() - 1);
  if (reader.uvarint() !== 2) throw new DecodeError('not one partition');
  int32(reader);
  refuse(int16(reader));
  const leader = int32(reader);
  skip(reader, 4 + 8);
  for (let voters = reader.uvarint() - 1; voters > 0; voters--) {
    const id = int32(reader);
    skip(reader, 8);
    const lastFetchMs = int64(reader);
    skip(reader, 8);
    skipTags(reader);
    if (id === leader && lastFetchMs > 0) return lastFetchMs;
  }
  throw new Error(`the quorum leader ${leader} does not report its time`);
}

function refuse(errorCode: number): void {
  if (errorCode !== 0) throw kafkaCode(errorCode);
}

function skipTags(reader: ByteReader): void {
  for (let tags = reader.uvarint(); tags > 0; tags--) {
    reader.uvarint();
    skip(reader, reader.uvarint());
  }
}

function skip(reader: ByteReader, bytes: number): void {
  if (bytes < 0 || bytes > reader.remaining) throw new DecodeError(`cut short: ${bytes} bytes wanted`);
  reader.position += bytes;
}

function int16(reader: ByteReader): number {
  return ((reader.u8() << 24) >> 16) | reader.u8();
}

function int32(reader: ByteReader): number {
  return (int16(reader) << 16) | (int16(reader) & 0xffff);
}

/** Of times, which fit 53 bits. */
function int64(reader: ByteReader): number {
  return int32(reader) * 2 ** 32 + (int32(reader) >>> 0);
}
