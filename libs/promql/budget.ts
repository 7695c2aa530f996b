import { CANCELLATION_SAMPLES, type Cancellation } from './cancellation.ts';
import { LimitError } from './errors.ts';
import type { QueryLimits, QueryStats } from './query.ts';

/** What a query has used, checked against what it may use, and its look at the cancellation. */
export class Budget {
  readonly #limits: QueryLimits;
  readonly #cancellation: Cancellation | undefined;
  #series = 0;
  #samplesRead = 0;
  #cells = 0;
  #sinceLook = 0;

  constructor(limits: QueryLimits = {}, cancellation?: Cancellation) {
    this.#limits = limits;
    this.#cancellation = cancellation;
  }

  get stats(): QueryStats {
    return { samplesRead: this.#samplesRead, peakSamples: this.#cells };
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
    this.#checkSamples(this.#samplesRead);
    this.work(count);
  }

  /** Counts cells of a block made for the rest of the query. @throws LimitError */
  addCells(count: number): void {
    this.#cells += count;
    this.#checkSamples(this.#cells);
    this.work(count);
  }

  /** Counts work done without counting it as samples. @throws QueryCancelledError | QueryTimeoutError */
  work(count: number): void {
    this.#sinceLook += count;
    if (this.#sinceLook < CANCELLATION_SAMPLES) return;
    this.#sinceLook = 0;
    this.#cancellation?.throwIfCancelled();
  }

  #checkSamples(count: number): void {
    const { maxSamples } = this.#limits;
    if (maxSamples === undefined || count <= maxSamples) return;
    throw new LimitError(
      'max_samples',
      `query processing would load too many samples into memory in query execution: limit max_samples (${maxSamples})`,
    );
  }
}
