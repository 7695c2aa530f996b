import { MAX_RECORD_BYTES, WriteLogError } from '../write-log.ts';
import { Backoff, type KafkaClient } from './kafka-client.ts';
import {
  createPartitionsRequest,
  createTopicRequest,
  INVALID_PARTITIONS,
  TOPIC_ALREADY_EXISTS,
  topicConfigRequest,
  UNKNOWN_TOPIC,
} from './kafka-requests.ts';
import { kafkaCode } from './kafkajs-inside.ts';

export interface TopicOptions {
  /** Of a topic that isn't there yet; one that is has to have as many at least. */
  readonly partitionCount: number;
  /** Undefined: 3 if there are as many brokers, else 1. */
  readonly replicationFactor: number | undefined;
  readonly retentionMs: number;
  /** Whether a topic that is missing is created. */
  readonly mayCreate: boolean;
}

/** What a record of the largest size needs around it. */
const BATCH_OVERHEAD_BYTES = 64 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;
/** Brokers that this many copies of a record need, if there are enough of them. */
const REPLICAS = 3;

/** One setting of the topic: the value it is created with, and which others will do. */
interface Setting {
  readonly name: string;
  readonly value: string;
  accepts(found: string): boolean;
}

function settingsOf(replicationFactor: number, retentionMs: number): Setting[] {
  const exactly = (name: string, value: string): Setting => ({
    name,
    value,
    accepts: (found) => found === value,
  });
  const atLeast = (name: string, value: number): Setting => ({
    name,
    value: String(value),
    accepts: (found) => Number(found) >= value,
  });
  return [
    exactly('cleanup.policy', 'delete'),
    // Compressed records would be compressed again, by codecs that kafkajs can't read.
    exactly('compression.type', 'producer'),
    // A partition that would rather lose records than wait loses acknowledged ones.
    exactly('unclean.leader.election.enable', 'false'),
    atLeast('min.insync.replicas', Math.max(1, replicationFactor - 1)),
    atLeast('max.message.bytes', MAX_RECORD_BYTES + BATCH_OVERHEAD_BYTES),
    // Retention counts from the brokers' clocks, whatever a writer's says.
    exactly('message.timestamp.type', 'LogAppendTime'),
    {
      name: 'retention.ms',
      value: String(retentionMs),
      accepts: (found) => found === '-1' || Number(found) >= retentionMs,
    },
    // By size it would forget what nobody has read.
    exactly('retention.bytes', '-1'),
  ];
}

/**
 * Creates the topic if it is missing and may be created, and checks that it is what the log needs. Many may do it at the same time.
 * @throws Error that names every difference
 * @throws WriteLogError `log_missing` if it is missing and may not be created
 * @throws WriteLogError `unavailable` if the brokers don't answer within `timeoutMs`
 */
export async function prepareTopic(
  client: KafkaClient,
  options: TopicOptions,
  timeoutMs: number,
): Promise<void> {
  const { topic } = client.options;
  await untilDone(client, timeoutMs, 'not created yet', async () => {
    const differences = await step(client, options);
    if (differences === undefined) return true;
    if (differences.length > 0) throw new TopicDiffersError(`topic ${topic}: ${differences.join('; ')}`);
    return false;
  });
}

/**
 * Adds partitions until the topic has `partitionCount`, and waits until each has a leader. A topic that has as many is as it
 * should be; Kafka takes none away.
 * @throws WriteLogError `unavailable` if that takes longer than `timeoutMs`
 */
export async function growTopic(
  client: KafkaClient,
  partitionCount: number,
  timeoutMs: number,
): Promise<void> {
  await untilDone(client, timeoutMs, 'its new partitions have no leaders yet', async () => {
    const { errorCode, partitions } = client.metadata;
    if (errorCode !== 0) throw kafkaCode(errorCode);
    if (partitions.length >= partitionCount)
      return partitions.every(({ partition }) => client.leaderOf(partition) !== undefined);
    await addPartitions(client, partitionCount);
    return false;
  });
}

/**
 * Asks the brokers how the topic is and does `attempt`, again and again, until it is true. Whatever fails is tried again,
 * but for a topic that will never do.
 * @throws WriteLogError `unavailable` if that takes longer than `timeoutMs`, with what went wrong last, or `unfinished`
 */
async function untilDone(
  client: KafkaClient,
  timeoutMs: number,
  unfinished: string,
  attempt: () => Promise<boolean>,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  const backoff = new Backoff();
  const { signal } = new AbortController();
  for (;;) {
    let cause: unknown;
    try {
      await client.refresh();
      if (await attempt()) return;
    } catch (error) {
      if (error instanceof TopicDiffersError || isMissing(error)) throw error;
      cause = error;
    }
    if (performance.now() > deadlineMs) {
      const reason = cause instanceof Error ? cause.message : unfinished;
      throw new WriteLogError('unavailable', `topic ${client.options.topic}: ${reason}`, { cause });
    }
    await backoff.waitAndRefresh(client, signal);
  }
}

async function addPartitions(client: KafkaClient, partitionCount: number): Promise<void> {
  const request = createPartitionsRequest(client.options.topic, partitionCount, REQUEST_TIMEOUT_MS);
  const { errorCode, message } = await client.sendToAny(request, REQUEST_TIMEOUT_MS);
  // Who asked at the same time may have been first.
  if (errorCode === 0 || errorCode === INVALID_PARTITIONS) return;
  throw new Error(message ?? kafkaCode(errorCode).message);
}

/** The topic does not exist. */
export function topicMissing({ options }: KafkaClient): WriteLogError {
  return new WriteLogError('log_missing', `topic ${options.topic} does not exist`);
}

function isMissing(error: unknown): boolean {
  return error instanceof WriteLogError && error.code === 'log_missing';
}

/** The topic is there and will never do. */
class TopicDiffersError extends Error {
  override readonly name = 'TopicDiffersError';
}

/** One step on the way: undefined if the topic is right, the differences if it is wrong, none to go on. */
async function step(client: KafkaClient, options: TopicOptions): Promise<string[] | undefined> {
  const { metadata } = client;
  if (metadata.errorCode === UNKNOWN_TOPIC) {
    if (!options.mayCreate) throw topicMissing(client);
    await create(client, options);
    return [];
  }
  if (metadata.errorCode !== 0) throw kafkaCode(metadata.errorCode);
  const differences = await differencesOf(client, options);
  if (metadata.topicId === undefined) differences.push('it has no id: Kafka 2.8 or later is needed');
  if (differences.length > 0) return differences;
  const leaderless = metadata.partitions.find(({ partition }) => client.leaderOf(partition) === undefined);
  if (leaderless) throw new Error(`partition ${leaderless.partition} has no leader`);
  return undefined;
}

async function create(client: KafkaClient, options: TopicOptions): Promise<void> {
  const replicationFactor = options.replicationFactor ?? defaultReplicas(client);
  const config = Object.fromEntries(
    settingsOf(replicationFactor, options.retentionMs).map(({ name, value }) => [name, value]),
  );
  const { topic } = client.options;
  const plan = { topic, partitionCount: options.partitionCount, replicationFactor, config };
  const request = createTopicRequest(plan, REQUEST_TIMEOUT_MS);
  const { errorCode, message } = await client.sendToAny(request, REQUEST_TIMEOUT_MS);
  if (errorCode === 0 || errorCode === TOPIC_ALREADY_EXISTS) return;
  throw new Error(message ?? kafkaCode(errorCode).message);
}

async function differencesOf(client: KafkaClient, options: TopicOptions): Promise<string[]> {
  const { partitions } = client.metadata;
  const differences: string[] = [];
  if (partitions.length < options.partitionCount)
    differences.push(`it has ${partitions.length} partitions, not ${options.partitionCount}`);
  const factor = Math.min(...partitions.map(({ replicas }) => replicas.length));
  const wanted = options.replicationFactor ?? defaultReplicas(client);
  if (factor < wanted) differences.push(`its replication factor is ${factor}, not ${wanted}`);
  const request = topicConfigRequest(client.options.topic);
  const { errorCode, config } = await client.sendToAny(request, REQUEST_TIMEOUT_MS);
  if (errorCode !== 0) throw kafkaCode(errorCode);
  for (const { name, value, accepts } of settingsOf(factor, options.retentionMs)) {
    const found = config.get(name) ?? '';
    if (!accepts(found)) differences.push(`${name} is ${found}, not ${value}`);
  }
  return differences;
}

function defaultReplicas(client: KafkaClient): number {
  return client.metadata.nodes.length >= REPLICAS ? REPLICAS : 1;
}
