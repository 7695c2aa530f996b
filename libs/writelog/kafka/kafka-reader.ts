import { type LogBatch, WriteLogError } from '../write-log.ts';
import { Backoff, type KafkaClient, requireTopic } from './kafka-client.ts';
import type { KafkaOffsets } from './kafka-offsets.ts';
import { type FetchedRecord, fetchRequest, OFFSET_OUT_OF_RANGE } from './kafka-requests.ts';
import { kafkaCode } from './kafkajs-inside.ts';

/** How long a broker waits for a record: a record that comes is answered at once. */
const MAX_WAIT_MS = 500;
const ANSWER_MARGIN_MS = 5_000;
/** About what a batch that a reader gets holds. */
const BATCH_BYTES = 4 * 1024 * 1024;

export interface PartitionReaderOptions {
  readonly partition: number;
  readonly offsets: KafkaOffsets;
  /** Ends the read, at once. */
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
}

/**
 * Reads one partition by fetches that name their offset.
 *
 * One batch is fetched ahead while the caller works on another, and no more until it comes back for it. Whatever
 * happens to brokers and connections, the reader asks on for the offset it is at; only if the log doesn't hold
 * that offset it ends, by an error.
 */
export class PartitionReader {
  readonly #client: KafkaClient;
  readonly #options: PartitionReaderOptions;
  readonly #backoff = new Backoff();
  /** Of the topic that is read: one that is made in its place has other records at these offsets. */
  readonly #topicId: string | undefined;

  /** The client is the reader's own. */
  constructor(client: KafkaClient, options: PartitionReaderOptions) {
    this.#client = client;
    this.#options = options;
    this.#topicId = client.metadata.topicId;
  }

  /** Ends when the signal aborts. @throws WriteLogError `offset_out_of_range`, `log_replaced` */
  async *batches(fromOffset: number): AsyncGenerator<LogBatch, void> {
    const { signal } = this.#options;
    const close = () => this.#client.close(new Error('the read has ended'));
    signal.addEventListener('abort', close, { once: true });
    try {
      let ahead = this.#fetch(fromOffset);
      while (!signal.aborted) {
        const batch = await ahead;
        ahead = this.#fetch(batch.firstOffset + batch.records.length);
        // It is awaited when the caller comes back, which may be never.
        ahead.catch(() => {});
        yield batch;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener('abort', close);
      close();
    }
  }

  async #fetch(offset: number): Promise<LogBatch> {
    const { signal, warn, partition } = this.#options;
    for (;;) {
      signal.throwIfAborted();
      requireTopic(this.#client, this.#topicId);
      try {
        const batch = await this.#tryFetch(offset);
        this.#backoff.reset();
        if (batch) return batch;
      } catch (error) {
        const isFinal = error instanceof WriteLogError && error.code === 'offset_out_of_range';
        if (isFinal || signal.aborted) throw error;
        warn(`read of partition ${partition} failed: ${error instanceof Error ? error.message : error}`);
        await this.#backoff.waitAndRefresh(this.#client, signal);
      }
    }
  }

  /** Undefined if no record came in time. */
  async #tryFetch(offset: number): Promise<LogBatch | undefined> {
    const { partition } = this.#options;
    const { topic } = this.#client.options;
    const request = fetchRequest(topic, partition, offset, MAX_WAIT_MS, BATCH_BYTES);
    const answer = await this.#client.sendToLeader(partition, request, MAX_WAIT_MS + ANSWER_MARGIN_MS);
    if (answer.errorCode === OFFSET_OUT_OF_RANGE) return this.#checkRange(offset);
    if (answer.errorCode !== 0) throw kafkaCode(answer.errorCode);
    if (answer.records.length === 0) return undefined;
    return { firstOffset: offset, records: recordsFrom(offset, answer.records, partition) };
  }

  /** Believes "out of range" only if the leader's offsets say the same. */
  async #checkRange(offset: number): Promise<undefined> {
    const { partition, offsets } = this.#options;
    const [start, end] = await Promise.all([offsets.ask(partition, 'start'), offsets.ask(partition, 'end')]);
    if (offset < start || offset > end) {
      throw new WriteLogError(
        'offset_out_of_range',
        `partition ${partition} holds offsets ${start} to ${end}, not ${offset}`,
      );
    }
    throw new Error(`a broker does not know offset ${offset} yet`);
  }
}

/** The records from `offset` on, each in a buffer of its own. @throws WriteLogError if one is missing */
function recordsFrom(offset: number, fetched: readonly FetchedRecord[], partition: number): Uint8Array[] {
  const records: Uint8Array[] = [];
  for (const record of fetched) {
    const found = Number(record.offset);
    if (found < offset) continue;
    const expected = offset + records.length;
    if (found !== expected || record.isControlRecord) {
      throw new WriteLogError(
        'offset_out_of_range',
        `partition ${partition} has no record ${expected}: the next is ${found}`,
      );
    }
    records.push(record.value === null ? new Uint8Array(0) : new Uint8Array(record.value));
  }
  if (records.length > 0) return records;
  throw new WriteLogError('offset_out_of_range', `partition ${partition} has no record ${offset}`);
}
