import { checkRecord } from '../check-record.ts';
import { type LogBatch, type WriteLog, WriteLogError } from '../write-log.ts';
import type { KafkaAccess } from './kafka-access.ts';
import { type AppenderStats, KafkaAppender } from './kafka-appender.ts';
import { askBrokerTime } from './kafka-broker-time.ts';
import { Backoff, KafkaClient } from './kafka-client.ts';
import { KafkaOffsets } from './kafka-offsets.ts';
import { PartitionReader } from './kafka-reader.ts';
import { deleteRecordsRequest, OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC } from './kafka-requests.ts';
import { growTopic, prepareTopic, topicMissing } from './kafka-topic.ts';
import { kafkaCode } from './kafkajs-inside.ts';

export interface KafkaWriteLogOptions {
  /** `host:port` of some brokers; they name the others. */
  readonly brokers: readonly string[];
  readonly topic: string;
  /** Of a topic that is missing and so created; one that is there has to have as many at least. */
  readonly partitionCount: number;
  readonly clientId: string;
  /** Plain text, whose senders nobody knows, if absent. */
  readonly access?: KafkaAccess;
  /**
   * Copies of each record; by default 3 if at least 3 brokers are up when the topic is created, else 1. To be named
   * if brokers may come up one after another.
   */
  readonly replicationFactor?: number;
  /** How long Kafka keeps records at least: what a replay may need. 48 hours by default. */
  readonly retentionMs?: number;
  /** Whether a topic that is missing is created; by default it is. */
  readonly mayCreate?: boolean;
  /** Bytes that may wait for Kafka; past it appends are refused with `unavailable`. */
  readonly maxPendingBytes?: number;
  /** How long an append is tried again before it is refused with `unavailable`; a request under way adds to it. */
  readonly appendTimeoutMs?: number;
  /** How long a broker may wait for its replicas to follow. */
  readonly requestTimeoutMs?: number;
  /** How long the brokers and the topic may take to be there when the log is opened. */
  readonly openTimeoutMs?: number;
  /** How long `close` waits for appends; a request under way adds to it. */
  readonly closeTimeoutMs?: number;
  /** Told of everything that was tried again. */
  readonly warn?: (message: string) => void;
}

const HOUR_MS = 3_600_000;
const DEFAULTS = {
  retentionMs: 48 * HOUR_MS,
  mayCreate: true,
  maxPendingBytes: 64 * 1024 * 1024,
  appendTimeoutMs: 20_000,
  requestTimeoutMs: 8_000,
  openTimeoutMs: 30_000,
  closeTimeoutMs: 5_000,
  warn: () => {},
};
const MAX_PARTITIONS = 8192;
/** How long a question about offsets, or a truncation, is tried again. */
const QUESTION_TIMEOUT_MS = 10_000;

/** A log in Kafka can grow while it is read and written. */
export interface KafkaLog extends WriteLog {
  readonly stats: AppenderStats;
  /** How many partitions there are now; if no broker answers, how many are known. */
  countPartitions(): Promise<number>;
  /** Resolves when there are at least this many. Rejects with `WriteLogError` `unavailable` if the brokers don't do it in time. */
  grow(partitionCount: number): Promise<void>;
  /** A broker's wall clock, ms. Rejects if none answers, or none may: that needs `Describe` on the cluster, and KRaft. */
  brokerTimeMs(): Promise<number>;
}

/**
 * A `WriteLog` in one topic of Kafka.
 *
 * Appends, questions and each read have connections of their own: a broker answers one connection's requests one after
 * another. `endOffset` is what the leader says; a leader that was paused until another took its place may name an
 * older end for the moment it takes it to find out.
 */
class KafkaWriteLog implements KafkaLog {
  readonly #client: KafkaClient;
  readonly #appender: KafkaAppender;
  readonly #offsets: KafkaOffsets;
  /** Of its own: a broker that doesn't know the question ends the connection. */
  readonly #timeClient: KafkaClient;
  readonly #warn: (message: string) => void;
  readonly #closeTimeoutMs: number;
  readonly #closing = new AbortController();
  #partitionCount: number;

  constructor(
    client: KafkaClient,
    options: Required<Omit<KafkaWriteLogOptions, 'replicationFactor' | 'access'>>,
  ) {
    this.#partitionCount = client.metadata.partitions.length;
    this.#client = client;
    this.#warn = options.warn;
    this.#closeTimeoutMs = options.closeTimeoutMs;
    this.#appender = new KafkaAppender(client.another(), options);
    this.#offsets = new KafkaOffsets(client, QUESTION_TIMEOUT_MS);
    this.#timeClient = client.another();
  }

  get stats(): AppenderStats {
    return this.#appender.stats;
  }

  get partitionCount(): number {
    return this.#partitionCount;
  }

  async countPartitions(): Promise<number> {
    await this.#client.refresh().catch(() => undefined);
    this.#partitionCount = Math.max(this.#partitionCount, this.#client.metadata.partitions.length);
    return this.#partitionCount;
  }

  async grow(partitionCount: number): Promise<void> {
    await growTopic(this.#client, partitionCount, QUESTION_TIMEOUT_MS);
    await this.countPartitions();
  }

  brokerTimeMs(): Promise<number> {
    return askBrokerTime(this.#timeClient);
  }

  async append(partition: number, record: Uint8Array): Promise<number> {
    this.#check(partition);
    checkRecord(record);
    return this.#appender.append(partition, record);
  }

  async *read(partition: number, fromOffset: number, signal: AbortSignal): AsyncGenerator<LogBatch, void> {
    this.#check(partition);
    if (signal.aborted) return;
    const reader = new PartitionReader(this.#client.another(), {
      partition,
      offsets: this.#offsets,
      signal: AbortSignal.any([signal, this.#closing.signal]),
      warn: this.#warn,
    });
    yield* reader.batches(fromOffset);
    if (!signal.aborted) this.#check(partition);
  }

  async startOffset(partition: number): Promise<number> {
    this.#check(partition);
    return this.#offsets.ask(partition, 'start');
  }

  async endOffset(partition: number): Promise<number> {
    this.#check(partition);
    return this.#offsets.ask(partition, 'end');
  }

  async identity(): Promise<string> {
    if (this.#closing.signal.aborted) throw closed();
    try {
      await this.#client.refresh();
    } catch (cause) {
      throw new WriteLogError('unavailable', (cause as Error).message, { cause });
    }
    const { metadata } = this.#client;
    if (metadata.errorCode === UNKNOWN_TOPIC) throw topicMissing(this.#client);
    if (metadata.topicId === undefined) {
      const cause = kafkaCode(metadata.errorCode);
      throw new WriteLogError('unavailable', `the topic's id: ${cause.message}`, { cause });
    }
    this.#appender.appendTo(metadata);
    return metadata.topicId;
  }

  async truncate(partition: number, offset: number): Promise<void> {
    if (offset <= (await this.startOffset(partition))) return;
    const deadlineMs = performance.now() + QUESTION_TIMEOUT_MS;
    const backoff = new Backoff();
    for (;;) {
      const cause = await this.#tryTruncate(partition, offset);
      if (cause === undefined) return;
      this.#check(partition);
      if (performance.now() > deadlineMs)
        throw new WriteLogError('unavailable', `truncate: ${cause.message}`, { cause });
      await backoff.waitAndRefresh(this.#client, this.#closing.signal).catch(() => {});
    }
  }

  /** Appends that are pending get some seconds; then everything else ends. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    await this.#appender.close(this.#closeTimeoutMs);
    this.#offsets.close();
    this.#timeClient.close(new Error('the log has been closed'));
    this.#client.close(new Error('the log has been closed'));
  }

  /** Why it failed, if another attempt may help. */
  async #tryTruncate(partition: number, offset: number): Promise<Error | undefined> {
    const request = deleteRecordsRequest(this.#client.options.topic, partition, offset, QUESTION_TIMEOUT_MS);
    try {
      const errorCode = await this.#client.sendToLeader(partition, request, QUESTION_TIMEOUT_MS);
      if (errorCode === 0) return undefined;
      if (errorCode !== OFFSET_OUT_OF_RANGE) return kafkaCode(errorCode);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
    throw new WriteLogError('offset_out_of_range', `partition ${partition} ends before ${offset}`);
  }

  #check(partition: number): void {
    if (this.#closing.signal.aborted) throw closed();
    // One above the count may have been added since: who asks for it waits until it has a leader.
    if (Number.isInteger(partition) && partition >= 0 && partition < MAX_PARTITIONS) return;
    throw new RangeError(`there is no partition ${partition}`);
  }
}

function closed(): WriteLogError {
  return new WriteLogError('closed', 'the log is closed');
}

/**
 * Opens a log in a topic of Kafka, which is created if it is missing and checked if it exists.
 * @throws Error that names what is wrong with the topic
 * @throws WriteLogError `log_missing` if it is missing and may not be created
 * @throws WriteLogError `unavailable` if the brokers don't answer in time
 */
export async function openKafkaWriteLog(options: KafkaWriteLogOptions): Promise<KafkaLog> {
  const { brokers, topic, clientId, access, partitionCount, replicationFactor } = options;
  const settings = { ...DEFAULTS, ...options };
  const { retentionMs, mayCreate } = settings;
  const wanted = { partitionCount, replicationFactor, retentionMs, mayCreate };
  const client = new KafkaClient({ brokers, topic, clientId, ...(access && { access }) });
  try {
    await prepareTopic(client, wanted, settings.openTimeoutMs);
    return new KafkaWriteLog(client, settings);
  } catch (error) {
    client.close(new Error('the log was not opened'));
    throw error;
  }
}
