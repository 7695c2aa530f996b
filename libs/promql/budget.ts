import { CANCELLATION_SAMPLES, type Cancellation } from './cancellation.ts';
import { LimitError, type LimitName } from './errors.ts';
import type { QueryLimits } from './query.ts';

/** Where a query gives no `maxCells`: as many samples as Prometheus holds for a query unless told otherwise. */
const DEFAULT_MAX_CELLS = 50_000_000;

/**
 * What a query has used, checked against what it may use, and its look at the cancellation.
 *
 * Memory is counted in cells, one for each value of a column (8 bytes, and one that says what it is). Whoever
 * allocates holds the cells first. An evaluated node then settles for what it hands on: all else it held is dead.
 */
export class Budget {
  readonly #limits: QueryLimits;
  readonly #maxCells: number;
  readonly #cancellation: Cancellation | undefined;
  #series = 0;
  #samplesRead = 0;
  #held = 0;
  #peak = 0;
  #sinceLook = 0;

  constructor(limits: QueryLimits = {}, cancellation?: Cancellation) {
    this.#limits = limits;
    this.#maxCells = limits.maxCells ?? DEFAULT_MAX_CELLS;
    this.#cancellation = cancellation;
  }

  /** Samples decoded so far. */
  get samplesRead(): number {
    return this.#samplesRead;
  }

  /** Most cells held at any one time. */
  get peak(): number {
    return this.#peak;
  }

  /** Cells held now. */
  get held(): number {
    return this.#held;
  }

  /** @throws LimitError */
  addSeries(count: number): void {
    this.#series += count;
    const { maxSeries } = this.#limits;
    if (maxSeries !== undefined && this.#series > maxSeries) {
      throw new LimitError(
        'max_series',
        `the query selects more series than its limit max_series (${maxSeries})`,
      );
    }
  }

  /** Counts samples decoded. @throws LimitError | QueryCancelledError | QueryTimeoutError */
  addSamples(count: number): void {
    this.#samplesRead += count;
    checkSamples(this.#samplesRead, this.#limits.maxSamples, 'max_samples');
    this.work(count);
  }

  /** Counts cells about to be allocated. @throws LimitError | QueryCancelledError | QueryTimeoutError */
  hold(cells: number): void {
    this.#held += cells;
    checkSamples(this.#held, this.#limits.maxSamples, 'max_samples');
    checkSamples(this.#held, this.#maxCells, 'max_cells');
    if (this.#held > this.#peak) this.#peak = this.#held;
    this.work(cells);
  }

  /** Takes back cells that nobody refers to any more. */
  release(cells: number): void {
    this.#held -= cells;
  }

  /** @param cells all that is still referred to */
  settle(cells: number): void {
    this.#held = cells;
  }

  /** Counts work done without counting it as samples. @throws QueryCancelledError | QueryTimeoutError */
  work(count: number): void {
    this.#sinceLook += count;
    if (this.#sinceLook >= CANCELLATION_SAMPLES) this.look();
  }

  /** Looks at the cancellation now: before a piece of work of unknown size. @throws QueryCancelledError | QueryTimeoutError */
  look(): void {
    this.#sinceLook = 0;
    this.#cancellation?.throwIfCancelled();
  }
}

function checkSamples(count: number, most: number | undefined, limit: LimitName): void {
  if (most === undefined || count <= most) return;
  throw new LimitError(
    limit,
    `query processing would load too many samples into memory in query execution: limit ${limit} (${most})`,
  );
}
