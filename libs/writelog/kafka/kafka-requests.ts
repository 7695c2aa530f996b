import { encodeProduceBody, type PartitionBatch } from './kafka-produce-body.ts';
import { type ApiRequest, apiRequest, withBody } from './kafkajs-inside.ts';

/** Codes of the protocol that the log treats in ways of their own. */
export const OFFSET_OUT_OF_RANGE = 1;
export const UNKNOWN_TOPIC = 3;
export const MESSAGE_TOO_LARGE = 10;
export const RECORD_LIST_TOO_LARGE = 18;
export const TOPIC_ALREADY_EXISTS = 36;
export const INVALID_PARTITIONS = 37;

const ACKS_ALL = -1;
const NO_REPLICA = -1;
const READ_UNCOMMITTED = 0;
const TOPIC_RESOURCE = 2;

/** `baseOffset` is the first record's. */
export interface ProduceAnswer {
  readonly partition: number;
  readonly errorCode: number;
  readonly baseOffset: number;
}

/** Answered once every in-sync replica has the records, or after `timeoutMs`. Without a producer id: not idempotent. */
export function produceRequest(
  topic: string,
  batches: readonly PartitionBatch[],
  timeoutMs: number,
): ApiRequest<ProduceAnswer[]> {
  const fields = { acks: ACKS_ALL, topicData: [] };
  const shaped = apiRequest('Produce', 7, fields, ({ topics }: DecodedProduce) =>
    topics.flatMap((answered) =>
      answered.partitions.map(({ partition, errorCode, baseOffset }) => ({
        partition,
        errorCode,
        baseOffset: Number(baseOffset),
      })),
    ),
  );
  return withBody(shaped, () => encodeProduceBody(topic, batches, timeoutMs, Date.now()));
}

interface DecodedProduce {
  readonly topics: readonly {
    readonly partitions: readonly { partition: number; errorCode: number; baseOffset: string }[];
  }[];
}

export interface FetchedRecord {
  readonly offset: string;
  /** A view of the answer's buffer; null if the record has none. */
  readonly value: Uint8Array | null;
  /** A mark of a transaction, not a record. */
  readonly isControlRecord: boolean;
}

export interface FetchAnswer {
  readonly errorCode: number;
  /** Whole batches: they may begin below the offset that was asked for. */
  readonly records: readonly FetchedRecord[];
}

/**
 * Waits up to `maxWaitMs` for the first record at or after `offset`.
 * Version 10 is the last that only a leader answers: a follower that lags behind would say "out of range".
 */
export function fetchRequest(
  topic: string,
  partition: number,
  offset: number,
  maxWaitMs: number,
  maxBytes: number,
): ApiRequest<FetchAnswer> {
  const partitions = [{ partition, fetchOffset: offset, maxBytes }];
  const fields = {
    ...{ replicaId: NO_REPLICA, isolationLevel: READ_UNCOMMITTED },
    ...{ maxWaitTime: maxWaitMs, minBytes: 1, maxBytes, topics: [{ topic, partitions }] },
  };
  return apiRequest('Fetch', 10, fields, ({ errorCode, responses }: DecodedFetch) => {
    if (errorCode !== 0) return { errorCode, records: [] };
    const [answer] = responses[0].partitions;
    return { errorCode: answer.errorCode, records: answer.messages };
  });
}

interface DecodedFetch {
  readonly errorCode: number;
  readonly responses: readonly {
    readonly partitions: readonly { errorCode: number; messages: readonly FetchedRecord[] }[];
  }[];
}

/** The log's first offset, or the one after the last record that every in-sync replica has. */
export type LogEdge = 'start' | 'end';

export interface OffsetAnswer {
  readonly partition: number;
  readonly errorCode: number;
  readonly offset: number;
}

/** Only a leader answers, and a new one not before it knows which records had been acknowledged. */
export function listOffsetsRequest(
  topic: string,
  partitions: readonly number[],
  edge: LogEdge,
): ApiRequest<OffsetAnswer[]> {
  const timestamp = edge === 'start' ? -2 : -1;
  const topics = [{ topic, partitions: partitions.map((partition) => ({ partition, timestamp })) }];
  const fields = { replicaId: NO_REPLICA, isolationLevel: READ_UNCOMMITTED, topics };
  return apiRequest('ListOffsets', 3, fields, ({ responses }: DecodedOffsets) =>
    responses.flatMap((answered) =>
      answered.partitions.map(({ partition, errorCode, offset }) => ({
        partition,
        errorCode,
        offset: Number(offset),
      })),
    ),
  );
}

interface DecodedOffsets {
  readonly responses: readonly {
    readonly partitions: readonly { partition: number; errorCode: number; offset: string }[];
  }[];
}

/** Answered, with an error code, once every live replica has forgotten what is below `offset`. */
export function deleteRecordsRequest(
  topic: string,
  partition: number,
  offset: number,
  timeoutMs: number,
): ApiRequest<number> {
  const fields = { topics: [{ topic, partitions: [{ partition, offset }] }], timeout: timeoutMs };
  return apiRequest('DeleteRecords', 1, fields, ({ topics }: DecodedDeletion) => {
    return topics[0].partitions[0].errorCode;
  });
}

interface DecodedDeletion {
  readonly topics: readonly { readonly partitions: readonly { errorCode: number }[] }[];
}

export interface TopicPlan {
  readonly topic: string;
  readonly partitionCount: number;
  readonly replicationFactor: number;
  readonly config: Readonly<Record<string, string>>;
}

export interface CreationAnswer {
  readonly errorCode: number;
  readonly message: string | null;
}

/** Any broker takes it. */
export function createTopicRequest(plan: TopicPlan, timeoutMs: number): ApiRequest<CreationAnswer> {
  const topic = {
    topic: plan.topic,
    numPartitions: plan.partitionCount,
    replicationFactor: plan.replicationFactor,
    configEntries: Object.entries(plan.config).map(([name, value]) => ({ name, value })),
  };
  const fields = { topics: [topic], timeout: timeoutMs };
  return apiRequest('CreateTopics', 3, fields, ({ topicErrors: [created] }: DecodedCreation) => ({
    errorCode: created.errorCode,
    message: created.errorMessage,
  }));
}

/** Of topics, and of partitions of topics. */
interface DecodedCreation {
  readonly topicErrors: readonly { errorCode: number; errorMessage: string | null }[];
}

/** Grows a topic to `partitionCount`. Any broker takes it. */
export function createPartitionsRequest(
  topic: string,
  partitionCount: number,
  timeoutMs: number,
): ApiRequest<CreationAnswer> {
  const fields = { topicPartitions: [{ topic, count: partitionCount }], timeout: timeoutMs };
  return apiRequest('CreatePartitions', 0, fields, ({ topicErrors: [grown] }: DecodedCreation) => ({
    errorCode: grown.errorCode,
    message: grown.errorMessage,
  }));
}

export interface ConfigAnswer {
  readonly errorCode: number;
  /** Values by name, defaults included. */
  readonly config: ReadonlyMap<string, string>;
}

/** Any broker answers. */
export function topicConfigRequest(topic: string): ApiRequest<ConfigAnswer> {
  const fields = { resources: [{ type: TOPIC_RESOURCE, name: topic }] };
  return apiRequest('DescribeConfigs', 2, fields, ({ resources: [found] }: DecodedConfig) => ({
    errorCode: found.errorCode,
    config: new Map(
      found.configEntries.map(({ configName, configValue }) => [configName, configValue ?? '']),
    ),
  }));
}

interface DecodedConfig {
  readonly resources: readonly {
    readonly errorCode: number;
    readonly configEntries: readonly { configName: string; configValue: string | null }[];
  }[];
}
