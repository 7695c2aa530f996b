import { formatDurationMs } from '../syntax/duration.ts';
import { LimitError, type LimitName } from '../syntax/errors.ts';
import { CANCELLATION_SAMPLES, type Cancellation } from './cancellation.ts';
import type { QueryLimits } from './query.ts';
import { QueryMemory } from './query-memory.ts';

/** A value of 8 bytes and one that says what it is. */
const CELL_BYTES = 9;

/** Where a query gives no limit: as many samples as Prometheus holds for a query unless told otherwise. */
const DEFAULT_MAX_BYTES = 50_000_000 * CELL_BYTES;

/** Bytes of labels that are handled in the time of one sample. */
const LABEL_BYTES_A_SAMPLE = 64;

/** Every column is allocated. */
const NO_MEMORY = new QueryMemory(0);

/**
 * What a query has used, checked against what it may use, and its look at the cancellation.
 *
 * Memory is counted in cells, one for each value of a column, and in bytes of label sets that the query makes. The code that allocates
 * holds them first. An evaluated node then settles for what it hands on: all else it held is dead.
 */
export class Budget {
  /** Where its columns are from; they are of no use when the query is over. */
  readonly memory: QueryMemory;
  readonly #limits: QueryLimits;
  readonly #maxBytes: number;
  readonly #cancellation: Cancellation | undefined;
  #series = 0;
  #samplesRead = 0;
  #held = 0;
  #labelBytes = 0;
  #peak = 0;
  #sinceLook = 0;

  constructor(limits: QueryLimits = {}, cancellation?: Cancellation, memory = NO_MEMORY) {
    this.memory = memory;
    this.#limits = limits;
    this.#maxBytes = limits.max_estimated_memory_consumption_per_query ?? DEFAULT_MAX_BYTES;
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

  /** Bytes of label sets held now. */
  get heldLabelBytes(): number {
    return this.#labelBytes;
  }

  /** @throws LimitError */
  addSeries(count: number): void {
    this.#series += count;
    const { max_fetched_series_per_query } = this.#limits;
    if (max_fetched_series_per_query !== undefined && this.#series > max_fetched_series_per_query) {
      throw new LimitError(
        'max_fetched_series_per_query',
        `the query touches more series than its limit max_fetched_series_per_query (${max_fetched_series_per_query})`,
      );
    }
  }

  /** A selector is about to be read. @param reachMs from the first to the last sample it may want @throws LimitError */
  checkReach(reachMs: number): void {
    const { max_total_query_length } = this.#limits;
    if (max_total_query_length === undefined || reachMs <= max_total_query_length) return;
    throw new LimitError(
      'max_total_query_length',
      `the query reaches over ${formatDurationMs(reachMs)}, more than its limit max_total_query_length (${formatDurationMs(max_total_query_length)})`,
    );
  }

  /** Counts samples decoded. @throws LimitError | QueryCancelledError | QueryTimeoutError */
  addSamples(count: number): void {
    this.#samplesRead += count;
    checkSamples(this.#samplesRead, this.#limits.max_samples_per_query, 'max_samples_per_query');
    this.work(count);
  }

  /** Counts cells about to be allocated. @throws LimitError | QueryCancelledError | QueryTimeoutError */
  hold(cells: number): void {
    this.#held += cells;
    checkSamples(this.#held, this.#limits.max_samples_per_query, 'max_samples_per_query');
    this.#checkMemory();
    if (this.#held > this.#peak) this.#peak = this.#held;
    this.work(cells);
  }

  /**
   * Counts bytes of label sets about to be made, as `labelSetBytes` estimates them.
   * @throws LimitError | QueryCancelledError | QueryTimeoutError
   */
  holdLabels(bytes: number): void {
    this.#labelBytes += bytes;
    this.#checkMemory();
    this.workOnText(bytes);
  }

  /** Takes back bytes of label sets that nobody refers to any more. */
  releaseLabels(bytes: number): void {
    this.#labelBytes -= bytes;
  }

  /** Takes back cells that nobody refers to any more. */
  release(cells: number): void {
    this.#held -= cells;
  }

  /** @param cells all that is still referred to; `labelBytes` likewise */
  settle(cells: number, labelBytes: number): void {
    this.#held = cells;
    this.#labelBytes = labelBytes;
  }

  /** Counts work done without counting it as samples. @throws QueryCancelledError | QueryTimeoutError */
  work(count: number): void {
    this.#sinceLook += count;
    if (this.#sinceLook >= CANCELLATION_SAMPLES) this.look();
  }

  /** The same for text that is read, compared or copied: bytes or characters. */
  workOnText(length: number): void {
    this.work(length / LABEL_BYTES_A_SAMPLE);
  }

  /** Looks at the cancellation now: before a piece of work of unknown size. @throws QueryCancelledError | QueryTimeoutError */
  look(): void {
    this.#sinceLook = 0;
    this.#cancellation?.throwIfCancelled();
  }

  #checkMemory(): void {
    const bytes = this.#held * CELL_BYTES + this.#labelBytes;
    checkSamples(bytes, this.#maxBytes, 'max_estimated_memory_consumption_per_query');
  }
}

function checkSamples(count: number, most: number | undefined, limit: LimitName): void {
  if (most === undefined || count <= most) return;
  throw new LimitError(
    limit,
    `query processing would load too many samples into memory in query execution: limit ${limit} (${most})`,
  );
}
