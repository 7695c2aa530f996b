import type { WriteLog } from '@xscaler/writelog';

export type Offsets = Readonly<Record<number, number>>;

/** Where the log ended at an instant: everything acknowledged before it lies below. */
export interface KnownEnd {
  /** When it was asked for, wall clock, ms. */
  readonly askedMs: number;
  readonly offsets: Offsets;
}

/**
 * The log's end offsets, which a strongly consistent read waits for. One round trip serves every query that arrived
 * before it began: a query that comes while one is under way takes the next, since the offsets that are on
 * their way may be older than a write acknowledged before the query.
 */
export class EndOffsets {
  readonly #log: WriteLog;
  readonly #clock: () => number;
  #begun = 0;
  #current: Promise<Offsets> | undefined;
  #next: Promise<Offsets> | undefined;
  #last: (KnownEnd & { readonly number: number }) | undefined;

  /** `clock`: wall clock, ms. */
  constructor(log: WriteLog, clock: () => number = Date.now) {
    this.#log = log;
    this.#clock = clock;
  }

  /** A query's place among the fetches: the offsets of any that begins later will do for it. */
  arrival(): number {
    return this.#begun;
  }

  fetch(): Promise<Offsets> {
    return this.after(this.arrival());
  }

  /** Those that were asked for after a query had come; all who ask share the fetches. */
  async after(arrival: number): Promise<Offsets> {
    if (this.#last !== undefined && this.#last.number > arrival) return this.#last.offsets;
    if (this.#current === undefined) return this.#begin();
    if (this.#begun > arrival) return this.#current;
    this.#next ??= this.#current.then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  /** What the last fetch that succeeded has brought. */
  get last(): KnownEnd | undefined {
    return this.#last;
  }

  #begin(): Promise<Offsets> {
    this.#next = undefined;
    const fetching = this.#ask(++this.#begun, this.#clock());
    this.#current = fetching;
    const done = () => {
      if (this.#current === fetching) this.#current = undefined;
    };
    fetching.then(done, done);
    return fetching;
  }

  async #ask(number: number, askedMs: number): Promise<Offsets> {
    const partitions = Array.from({ length: this.#log.partitionCount }, (_, partition) => partition);
    const ends = await Promise.all(partitions.map((partition) => this.#log.endOffset(partition)));
    const offsets = Object.fromEntries(ends.entries());
    this.#last = { number, askedMs, offsets };
    return offsets;
  }
}
