import type { WriteLog } from '@xscaler/writelog';

export type Offsets = Readonly<Record<number, number>>;

/** A partition's end offset at an instant: everything acknowledged before then is below it. */
interface KnownEnd {
  /** The number of its fetch. */
  readonly number: number;
  /** Time of the request, wall clock, ms. */
  readonly askedMs: number;
  readonly offset: number;
}

/** A partition's last known end, and the fetches in flight. */
interface PartitionEnd {
  last: KnownEnd | undefined;
  begun: number;
  current: Promise<number> | undefined;
  next: Promise<number> | undefined;
}

/**
 * The log's end offsets, which a strongly consistent read waits for. One fetch of a partition's end serves every query that
 * arrived before the fetch began. A query that arrives during a fetch takes the next one, since the first may return an
 * offset from before a write that was acknowledged before the query. Partitions are independent: a query waits for those
 * of its tenant only.
 */
export class EndOffsets {
  readonly #log: WriteLog;
  readonly #clock: () => number;
  readonly #ends = new Map<number, PartitionEnd>();
  #begun = 0;

  /** `clock`: wall clock, ms. */
  constructor(log: WriteLog, clock: () => number = Date.now) {
    this.#log = log;
    this.#clock = clock;
  }

  /** A query's place among the fetches: any fetch that begins later is recent enough for it. */
  arrival(): number {
    return this.#begun;
  }

  /** The end offsets of all partitions that the log had when it was opened. */
  fetch(): Promise<Offsets> {
    return this.after(this.arrival(), [...Array(this.#log.partitionCount).keys()]);
  }

  /** The partitions' end offsets, requested after the query arrived. Queries share the fetches. */
  async after(arrival: number, partitions: readonly number[]): Promise<Offsets> {
    const ends = await Promise.all(partitions.map((partition) => this.#endAfter(partition, arrival)));
    return Object.fromEntries(partitions.map((partition, i) => [partition, ends[i]]));
  }

  /** The known end offsets if those of all the partitions were requested at `sinceMs` or later, else undefined. */
  knownSince(sinceMs: number, partitions: readonly number[]): Offsets | undefined {
    const offsets: Record<number, number> = {};
    // A request time in the future means that the clock has been set back since.
    const nowMs = this.#clock();
    for (const partition of partitions) {
      const last = this.#ends.get(partition)?.last;
      if (last === undefined || last.askedMs < sinceMs || last.askedMs > nowMs) return undefined;
      offsets[partition] = last.offset;
    }
    return offsets;
  }

  async #endAfter(partition: number, arrival: number): Promise<number> {
    let end = this.#ends.get(partition);
    if (end === undefined) {
      end = { last: undefined, begun: 0, current: undefined, next: undefined };
      this.#ends.set(partition, end);
    }
    if (end.last !== undefined && end.last.number > arrival) return end.last.offset;
    if (end.current === undefined) return this.#begin(partition, end);
    if (end.begun > arrival) return end.current;
    const again = () => this.#begin(partition, end);
    end.next ??= end.current.then(again, again);
    return end.next;
  }

  #begin(partition: number, end: PartitionEnd): Promise<number> {
    end.next = undefined;
    end.begun = ++this.#begun;
    const fetching = this.#ask(partition, end);
    end.current = fetching;
    const done = () => {
      if (end.current === fetching) end.current = undefined;
    };
    fetching.then(done, done);
    return fetching;
  }

  async #ask(partition: number, end: PartitionEnd): Promise<number> {
    const number = end.begun;
    const askedMs = this.#clock();
    const offset = await this.#log.endOffset(partition);
    end.last = { number, askedMs, offset };
    return offset;
  }
}
