import assert from 'node:assert/strict';
import { type WriteLog, WriteLogError } from '@xscaler/writelog';
import { recordOf } from '@xscaler/writelog/contracts';
import { eventually, sleep } from '../harness/index.ts';

/** How many appends wait for each other's answers. */
const WRITERS = 12;
const RECORD_BYTES = 2_000;
/** Long, since a machine that runs other tests too needs it: what is measured here is loss, not speed. */
const PROGRESS_WITHIN_MS = 120_000;

/** What `AppendLoad.check` found. */
export interface Verdict {
  readonly acknowledged: number;
  readonly refused: number;
  /** Records in the logs of all partitions. */
  readonly found: number;
  /** Of these, records that are there for another time. */
  readonly doubled: number;
}

/**
 * Appends to all partitions of a log without a pause, each record known by its bytes, and reads everything live, from
 * the first offset on.
 */
export class AppendLoad {
  readonly #log: WriteLog;
  /** By partition and offset: the seed of the record that was acknowledged there. */
  readonly #acknowledged: Map<number, number>[];
  readonly #read: Uint8Array[][];
  readonly #stop = new AbortController();
  readonly #writers: Promise<void>[] = [];
  readonly #readers: Promise<void>[] = [];
  #seed = 0;
  #refused = 0;

  constructor(log: WriteLog) {
    this.#log = log;
    const partitions = Array.from({ length: log.partitionCount }, (_, partition) => partition);
    this.#acknowledged = partitions.map(() => new Map());
    this.#read = partitions.map(() => []);
    for (const partition of partitions) this.#readers.push(this.#follow(partition));
    for (let i = 0; i < WRITERS; i++) this.#writers.push(this.#write(i));
  }

  get acknowledged(): number {
    return this.#acknowledged.reduce((sum, { size }) => sum + size, 0);
  }

  /** Waits until `count` more records are acknowledged in every partition. */
  async progress(count = 20): Promise<void> {
    const goals = this.#acknowledged.map(({ size }) => size + count);
    await eventually('every partition takes appends', PROGRESS_WITHIN_MS, async () =>
      goals.every((goal, partition) => this.#acknowledged[partition].size >= goal) ? true : undefined,
    );
  }

  /**
   * Ends the load and waits for the readers to catch up.
   * @throws AssertionError if a record isn't where it was acknowledged, or readers miss one or don't agree with the log
   */
  async check(): Promise<Verdict> {
    this.#stop.abort();
    await Promise.all(this.#writers);
    let found = 0;
    const seen = new Set<string>();
    for (const [partition, acknowledged] of this.#acknowledged.entries()) {
      const end = await this.#log.endOffset(partition);
      const read = this.#read[partition];
      await eventually('the reader reaches the end', PROGRESS_WITHIN_MS, async () =>
        read.length >= end ? true : undefined,
      );
      assert.equal(read.length, end);
      for (const [offset, seed] of acknowledged) {
        const record = recordOf(seed, RECORD_BYTES);
        assert.ok(offset < end, `offset ${offset} was acknowledged, the end is ${end}`);
        assert.ok(Buffer.from(read[offset]).equals(record), `another record is at offset ${offset}`);
      }
      found += end;
      for (const record of read) seen.add(Buffer.from(record).toString('base64'));
    }
    return { acknowledged: this.acknowledged, refused: this.#refused, found, doubled: found - seen.size };
  }

  async #write(writer: number): Promise<void> {
    for (let i = writer; !this.#stop.signal.aborted; i++) {
      const partition = i % this.#log.partitionCount;
      const seed = this.#seed++;
      try {
        const offset = await this.#log.append(partition, recordOf(seed, RECORD_BYTES));
        assert.ok(!this.#acknowledged[partition].has(offset), `offset ${offset} was acknowledged twice`);
        this.#acknowledged[partition].set(offset, seed);
        await sleep(5);
      } catch (error) {
        if (!(error instanceof WriteLogError) || error.code !== 'unavailable') throw error;
        this.#refused++;
        await sleep(50);
      }
    }
  }

  /** Ends by the log's close. */
  async #follow(partition: number): Promise<void> {
    const read = this.#read[partition];
    try {
      for await (const { firstOffset, records } of this.#log.read(
        partition,
        0,
        new AbortController().signal,
      )) {
        assert.equal(firstOffset, read.length);
        read.push(...records);
      }
    } catch (error) {
      if (!(error instanceof WriteLogError) || error.code !== 'closed') throw error;
    }
  }
}
