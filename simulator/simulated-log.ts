import type { Random } from '@xscaler/e2e/harness';
import { HIGHEST_RECORD_VERSION } from '@xscaler/wire/log-record';
import { type LogBatch, type WriteLog, WriteLogError } from '@xscaler/writelog';
import type { Callee, Network } from './network.ts';
import type { Actor } from './virtual-time.ts';

/** One partition: every record ever, also those below `startOffset`. */
interface Partition {
  readonly records: Uint8Array[];
  startOffset: number;
}

/** How long a reader at the log's end waits before it asks again, ms. */
const POLL_MS = 1_000;
const MAX_BATCH = 16;

/**
 * The log's servers: records in memory. Durable: it may be unreachable, and it may append twice, but it forgets nothing, unless somebody
 * deletes it and makes another one in its place.
 */
export class SimulatedLog implements Callee {
  readonly actor = undefined;
  isAway = false;
  /** Chance that an append is done twice: what a client's retry after a lost answer does. */
  doubledAppends = 0;
  partitions: readonly Partition[];
  identity = 'log-0';
  /** Whether another log is in its place, with which no operator has let the cluster go on yet. */
  isReplaced = false;
  readonly #random: Random;
  /** Readers at the end of a partition. */
  readonly #waiting = new Map<number, Set<() => void>>();

  constructor(partitionCount: number, random: Random) {
    this.#random = random;
    this.partitions = emptyPartitions(partitionCount);
  }

  /** Another log, which is empty, in the place of this one. */
  replace(): void {
    this.partitions = emptyPartitions(this.partitions.length);
    this.identity = `log-${this.#random.between(1, 2 ** 31)}`;
    this.isReplaced = true;
  }

  append(partition: number, record: Uint8Array): number {
    const { records } = this.partitions[partition];
    records.push(record);
    if (this.#random.next() < this.doubledAppends) records.push(record);
    const waiting = this.#waiting.get(partition) ?? [];
    this.#waiting.delete(partition);
    for (const wake of waiting) wake();
    return records.length - 1;
  }

  /** Calls `wake` once when something is appended to a partition, unless what this returns is called before. */
  onAppend(partition: number, wake: () => void): () => void {
    const waiting = this.#waiting.get(partition) ?? new Set();
    this.#waiting.set(partition, waiting.add(wake));
    return () => waiting.delete(wake);
  }

  /** Lets go of what lies below an offset. */
  truncate(partition: number, offset: number): void {
    const held = this.partitions[partition];
    held.startOffset = Math.max(held.startOffset, Math.min(offset, held.records.length));
  }
}

/** The log as one process has it: every call crosses the network. */
export class LogClient implements WriteLog {
  readonly #log: SimulatedLog;
  readonly #network: Network;
  readonly #actor: Actor | undefined;
  readonly #recordVersion: number;

  /** A process that reads records up to `recordVersion` finds newer ones to be of a version that it doesn't know. */
  constructor(
    log: SimulatedLog,
    network: Network,
    actor: Actor | undefined,
    recordVersion = HIGHEST_RECORD_VERSION,
  ) {
    this.#log = log;
    this.#network = network;
    this.#actor = actor;
    this.#recordVersion = recordVersion;
  }

  get partitionCount(): number {
    return this.#log.partitions.length;
  }

  append(partition: number, record: Uint8Array): Promise<number> {
    const copy = record.slice();
    return this.#call(() => this.#log.append(partition, copy));
  }

  async *read(partition: number, fromOffset: number, signal: AbortSignal): AsyncIterable<LogBatch> {
    let next = fromOffset;
    while (!signal.aborted) {
      const batch = await this.#call(() => this.#batch(partition, next));
      if (signal.aborted) return;
      if (batch.records.length === 0) {
        await this.#appended(partition, signal);
        continue;
      }
      next += batch.records.length;
      yield batch;
    }
  }

  startOffset(partition: number): Promise<number> {
    return this.#call(() => this.#log.partitions[partition].startOffset);
  }

  endOffset(partition: number): Promise<number> {
    return this.#call(() => this.#log.partitions[partition].records.length);
  }

  identity(): Promise<string> {
    return this.#call(() => this.#log.identity);
  }

  async truncate(partition: number, offset: number): Promise<void> {
    await this.#call(() => this.#log.truncate(partition, offset));
  }

  async close(): Promise<void> {}

  /** Resolves when there may be more, or the signal aborts. */
  #appended(partition: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const goOn = () => {
        clearTimeout(poll);
        forget();
        signal.removeEventListener('abort', goOn);
        resolve();
      };
      const poll = setTimeout(goOn, POLL_MS);
      const forget = this.#log.onAppend(partition, () => this.#network.notify(this.#actor, goOn));
      signal.addEventListener('abort', goOn);
    });
  }

  #batch(partition: number, offset: number): LogBatch {
    const { records, startOffset } = this.#log.partitions[partition];
    if (offset < startOffset || offset > records.length) {
      throw new WriteLogError(
        'offset_out_of_range',
        `offset ${offset} is not in ${startOffset}…${records.length}`,
      );
    }
    // The reader owns what it gets.
    const copies = records.slice(offset, offset + MAX_BATCH).map((record) => record.slice());
    for (const copy of copies) if (copy[0] > this.#recordVersion) copy[0] = HIGHEST_RECORD_VERSION + 1;
    return { firstOffset: offset, records: copies };
  }

  #call<T>(work: () => T): Promise<T> {
    const lost = () => new WriteLogError('unavailable', 'no answer from the log');
    return this.#network.call(this.#actor, this.#log, async () => work(), lost);
  }
}

function emptyPartitions(count: number): Partition[] {
  return Array.from({ length: count }, () => ({ records: [], startOffset: 0 }));
}
