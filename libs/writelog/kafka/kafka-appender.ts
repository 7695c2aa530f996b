import { WriteLogError } from '../write-log.ts';
import { Backoff, type KafkaClient, requireTopic } from './kafka-client.ts';
import type { TopicMetadata } from './kafka-metadata.ts';
import type { PartitionBatch } from './kafka-produce-body.ts';
import {
  MESSAGE_TOO_LARGE,
  type ProduceAnswer,
  produceRequest,
  RECORD_LIST_TOO_LARGE,
} from './kafka-requests.ts';
import { kafkaCode } from './kafkajs-inside.ts';

export interface AppenderOptions {
  readonly topic: string;
  /** Bytes that may wait for an answer; past it appends are refused with `unavailable`. */
  readonly maxPendingBytes: number;
  /** How long an append is tried again. The request that is under way then is awaited still. */
  readonly appendTimeoutMs: number;
  /** How long a broker may wait for its replicas. */
  readonly requestTimeoutMs: number;
  readonly warn: (message: string) => void;
}

/** Counts since the log was opened, and what waits now. */
export interface AppenderStats {
  /** Requests that were answered, whole or in part. */
  readonly requests: number;
  readonly records: number;
  readonly bytes: number;
  /** Appends refused because too much was waiting, or nothing helped in time. */
  readonly refused: number;
  /** Records sent again: each may be in the log twice. */
  readonly retried: number;
  readonly pendingBytes: number;
}

/** What one request takes: bounds the time that its encoding keeps the thread. A larger record goes alone. */
const REQUEST_BYTES = 512 * 1024;
/** How much later than the broker a client stops waiting for it. */
const ANSWER_MARGIN_MS = 2_000;
/** Stands for the leader of partitions that have none. */
const NOBODY = -1;

interface PendingAppend {
  readonly record: Uint8Array;
  readonly deadlineMs: number;
  readonly resolve: (offset: number) => void;
  readonly reject: (error: Error) => void;
}

interface Batch extends PartitionBatch {
  readonly appends: readonly PendingAppend[];
}

/** What waits for one partition, in the order of the calls. */
class PartitionQueue {
  waiting: PendingAppend[] = [];
  /** One request at a time holds records of a partition: else a retry would change their order. */
  isInFlight = false;

  /** As many as fit; `canExceed` gives one whatever its size. */
  take(maxBytes: number, canExceed: boolean): PendingAppend[] {
    let count = 0;
    for (let bytes = 0; count < this.waiting.length; count++) {
      bytes += this.waiting[count].record.length;
      if (bytes > maxBytes && !(canExceed && count === 0)) break;
    }
    return this.waiting.splice(0, count);
  }
}

/**
 * Appends by one request at a time to each broker: what arrives while it is under way travels together in the next.
 *
 * Acknowledged by all in-sync replicas, not idempotent. A lost answer makes the records of the request be sent again,
 * and then they are in the log twice; an append resolves with the offset that an answer names, so what is acknowledged
 * exists. (kafkajs' idempotent producer takes the sequence of a lost request back and gives it to other records:
 * the broker takes those for a repetition, acknowledges them and drops them.)
 */
export class KafkaAppender {
  readonly #client: KafkaClient;
  readonly #options: AppenderOptions;
  /** By partition: as many as were asked for. */
  readonly #queues: PartitionQueue[] = [];
  /** Brokers with a request under way, or that failed and are waited for. */
  readonly #busy = new Set<number>();
  readonly #backoffs = new Map<number, Backoff>();
  readonly #stop = new AbortController();
  readonly #counts = { requests: 0, records: 0, bytes: 0, refused: 0, retried: 0 };
  #pendingBytes = 0;
  #pendingCount = 0;
  /** Of the topic that records are for: they don't go into one that is made in its place. */
  #topicId: string | undefined;
  #deadlineCapMs = Number.POSITIVE_INFINITY;
  #isTurnDue = false;
  #firstPartition = 0;
  #onDrained: (() => void) | undefined;

  /** The client is the appender's own. */
  constructor(client: KafkaClient, options: AppenderOptions) {
    this.#client = client;
    this.#options = options;
    this.#topicId = client.metadata.topicId;
  }

  /** What comes from now on is for the topic that these say. */
  appendTo(metadata: TopicMetadata): void {
    const isAnother = this.#topicId !== metadata.topicId;
    this.#topicId = metadata.topicId;
    if (isAnother) this.#client.learn(metadata);
  }

  get stats(): AppenderStats {
    return { ...this.#counts, pendingBytes: this.#pendingBytes };
  }

  append(partition: number, record: Uint8Array): Promise<number> {
    requireTopic(this.#client, this.#topicId);
    // An empty record counts too: the queue's length is bounded by this alone.
    const cost = costOf(record);
    if (this.#pendingBytes + cost > this.#options.maxPendingBytes) {
      this.#counts.refused++;
      throw new WriteLogError('unavailable', `${this.#pendingBytes} bytes are waiting for Kafka`);
    }
    this.#pendingBytes += cost;
    this.#pendingCount++;
    const deadlineMs = performance.now() + this.#options.appendTimeoutMs;
    return new Promise((resolve, reject) => {
      while (this.#queues.length <= partition) this.#queues.push(new PartitionQueue());
      this.#queues[partition].waiting.push({ record, deadlineMs, resolve, reject });
      this.#scheduleTurn();
    });
  }

  /** Waits for what is pending, at most `withinMs` and the request under way; then it sends nothing any more. */
  async close(withinMs: number): Promise<void> {
    this.#deadlineCapMs = performance.now() + withinMs;
    if (this.#pendingCount > 0) {
      await new Promise<void>((resolve) => {
        this.#onDrained = resolve;
      });
    }
    this.#stop.abort();
    this.#client.close(new Error('the log has been closed'));
  }

  /** Appends of one turn of the event loop go together. */
  #scheduleTurn(): void {
    if (this.#isTurnDue) return;
    this.#isTurnDue = true;
    setImmediate(() => {
      this.#isTurnDue = false;
      this.#turn();
    });
  }

  /** Sends to every broker that is free what waits for it. */
  #turn(): void {
    const requests = new Map<number, { batches: Batch[]; bytes: number }>();
    const count = this.#queues.length;
    for (let i = 0; i < count; i++) {
      const partition = (this.#firstPartition + i) % count;
      const queue = this.#queues[partition];
      if (queue.isInFlight || queue.waiting.length === 0) continue;
      const leader = this.#client.leaderOf(partition) ?? NOBODY;
      if (this.#busy.has(leader)) continue;
      const request = requests.get(leader) ?? { batches: [], bytes: 0 };
      requests.set(leader, request);
      if (leader === NOBODY) continue;
      const appends = queue.take(REQUEST_BYTES - request.bytes, request.bytes === 0);
      if (appends.length === 0) continue;
      queue.isInFlight = true;
      request.batches.push({ partition, appends, records: appends.map(({ record }) => record) });
      for (const { record } of appends) request.bytes += record.length;
    }
    // Where a request had no room for all partitions, others come first the next time.
    this.#firstPartition = (this.#firstPartition + 1) % count;
    for (const [leader, { batches }] of requests) {
      this.#busy.add(leader);
      void this.#serve(leader, batches);
    }
  }

  /** One request to one broker; after a failure, the time until it is worth asking again. */
  async #serve(node: number, batches: readonly Batch[]): Promise<void> {
    const backoff = this.#backoffOf(node);
    const failure =
      node === NOBODY ? new Error('a partition has no leader') : await this.#produce(node, batches);
    if (failure === undefined) {
      backoff.reset();
    } else {
      if (this.#stop.signal.aborted) return;
      this.#options.warn(`append to broker ${node} failed: ${failure.message}`);
      this.#expire(failure);
      try {
        await backoff.waitAndRefresh(this.#client, this.#stop.signal);
      } catch {
        return;
      }
      this.#refuseIfReplaced();
    }
    this.#busy.delete(node);
    this.#turn();
  }

  async #produce(node: number, batches: readonly Batch[]): Promise<Error | undefined> {
    const { topic, requestTimeoutMs } = this.#options;
    const request = produceRequest(topic, batches, requestTimeoutMs);
    try {
      const answers = await this.#client.send(node, request, requestTimeoutMs + ANSWER_MARGIN_MS);
      this.#counts.requests++;
      let failure: Error | undefined;
      for (const batch of batches) {
        const answer = answers.find(({ partition }) => partition === batch.partition);
        failure = this.#settle(batch, answer) ?? failure;
      }
      return failure;
    } catch (error) {
      for (const batch of batches) this.#putBack(batch);
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #settle(batch: Batch, answer: ProduceAnswer | undefined): Error | undefined {
    if (answer === undefined || (answer.errorCode === 0 && answer.baseOffset < 0)) {
      this.#putBack(batch);
      return new Error(`the answer has no offset for partition ${batch.partition}`);
    }
    if (answer.errorCode === 0) {
      this.#queues[batch.partition].isInFlight = false;
      batch.appends.forEach((append, i) => {
        this.#release(append);
        this.#counts.records++;
        this.#counts.bytes += append.record.length;
        append.resolve(answer.baseOffset + i);
      });
      return undefined;
    }
    const failure = kafkaCode(answer.errorCode);
    if (failure.retriable) this.#putBack(batch);
    else this.#refuse(batch, answer.errorCode, failure);
    return failure;
  }

  /** To the front of its queue, in the order it had. */
  #putBack({ partition, appends }: Batch): void {
    const queue = this.#queues[partition];
    queue.isInFlight = false;
    queue.waiting.unshift(...appends);
    this.#counts.retried += appends.length;
  }

  #refuse({ partition, appends }: Batch, errorCode: number, cause: Error): void {
    this.#queues[partition].isInFlight = false;
    const isTooLarge = errorCode === MESSAGE_TOO_LARGE || errorCode === RECORD_LIST_TOO_LARGE;
    const code = isTooLarge ? 'record_too_large' : 'unavailable';
    for (const append of appends) {
      this.#reject(append, new WriteLogError(code, `Kafka refused: ${cause.message}`, { cause }));
    }
  }

  /** Refuses all that waits if another topic is there now. */
  #refuseIfReplaced(): void {
    try {
      requireTopic(this.#client, this.#topicId);
    } catch (error) {
      for (const queue of this.#queues) {
        for (const append of queue.waiting.splice(0)) this.#reject(append, error as WriteLogError);
      }
    }
  }

  /** Refuses what has been tried for long enough. */
  #expire(cause: Error): void {
    const nowMs = performance.now();
    const isOver = ({ deadlineMs }: PendingAppend) => Math.min(deadlineMs, this.#deadlineCapMs) <= nowMs;
    for (const queue of this.#queues) {
      // In the order of the calls, so of the deadlines.
      let count = 0;
      while (count < queue.waiting.length && isOver(queue.waiting[count])) count++;
      for (const append of queue.waiting.splice(0, count)) {
        const error = new WriteLogError('unavailable', `Kafka accepted no append: ${cause.message}`, {
          cause,
        });
        this.#reject(append, error);
      }
    }
  }

  #reject(append: PendingAppend, error: WriteLogError): void {
    this.#release(append);
    this.#counts.refused++;
    append.reject(error);
  }

  #release({ record }: PendingAppend): void {
    this.#pendingBytes -= costOf(record);
    this.#pendingCount--;
    if (this.#pendingCount === 0) this.#onDrained?.();
  }

  #backoffOf(node: number): Backoff {
    let backoff = this.#backoffs.get(node);
    if (backoff === undefined) {
      backoff = new Backoff();
      this.#backoffs.set(node, backoff);
    }
    return backoff;
  }
}

const OVERHEAD_BYTES = 64;

function costOf(record: Uint8Array): number {
  return record.length + OVERHEAD_BYTES;
}
