import type { WriteLog } from '@xscaler/writelog';

type Offsets = Readonly<Record<number, number>>;

/**
 * The log's end offsets, which a strongly consistent read waits for. One round trip serves every query that arrived
 * before it began: a query that comes while one is under way takes the next, since the offsets that are on
 * their way may be older than a write acknowledged before the query.
 */
export class EndOffsets {
  readonly #log: WriteLog;
  #current: Promise<Offsets> | undefined;
  #next: Promise<Offsets> | undefined;

  constructor(log: WriteLog) {
    this.#log = log;
  }

  fetch(): Promise<Offsets> {
    if (this.#current === undefined) return this.#begin();
    this.#next ??= this.#current.then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  #begin(): Promise<Offsets> {
    this.#next = undefined;
    const fetching = this.#ask();
    this.#current = fetching;
    const done = () => {
      if (this.#current === fetching) this.#current = undefined;
    };
    fetching.then(done, done);
    return fetching;
  }

  async #ask(): Promise<Offsets> {
    const partitions = Array.from({ length: this.#log.partitionCount }, (_, partition) => partition);
    const ends = await Promise.all(partitions.map((partition) => this.#log.endOffset(partition)));
    return Object.fromEntries(ends.entries());
  }
}
