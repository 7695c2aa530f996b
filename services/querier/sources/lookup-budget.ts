import type { AnswerBounds } from '@xscaler/tsdb';
import { ApiError } from '../answer/api-error.ts';
import type { TenantQueryLimits } from '../limits/query-limits.ts';

type LookupLimits = Pick<
  TenantQueryLimits,
  'max_fetched_series_per_query' | 'max_estimated_memory_consumption_per_query'
>;

/**
 * How much a lookup of series or labels holds, and the tenant's limits on it, which are looked at while it is read: what has
 * been kept of the sources read so far, and what is passing through of the one being read, which may be the same again.
 */
export class LookupBudget implements AnswerBounds {
  readonly most: number;
  readonly #maxSeries: number;
  readonly #maxBytes: number;
  #passingCount = 0;
  #passingBytes = 0;
  #keptBytes = 0;

  /** `limit` is how many entries the caller wants at most; 0: all. One more is read, to tell whether there are more. */
  constructor(limits: LookupLimits, limit = 0) {
    this.most = limit === 0 ? Number.POSITIVE_INFINITY : limit + 1;
    this.#maxSeries = limits.max_fetched_series_per_query;
    this.#maxBytes = limits.max_estimated_memory_consumption_per_query;
  }

  /** What the lookup may hold; 0: any number of bytes. */
  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** @throws ApiError if the error says that an ingester had more than the lookup may hold, otherwise the error itself */
  rethrow(error: unknown): never {
    // Without a limit it is the connection whose bound the answer breaks.
    if (this.#maxBytes === 0 || (error as { code?: unknown }).code !== 'too_large') throw error;
    throw over('max_estimated_memory_consumption_per_query', this.#maxBytes, 'holds more bytes');
  }

  /** @throws ApiError if the lookup holds more than it may */
  take(seriesCount: number, bytes: number): void {
    this.#passingCount += seriesCount;
    this.#passingBytes += bytes;
    this.#requireSeries(this.#passingCount);
    const held = this.#keptBytes + this.#passingBytes;
    if (this.#maxBytes > 0 && held > this.#maxBytes)
      throw over('max_estimated_memory_consumption_per_query', this.#maxBytes, 'holds more bytes');
  }

  /**
   * Notes that what has passed is merged into what is kept, which now is this much.
   * @throws ApiError if that is too much
   */
  merged(seriesCount: number, bytes: number): void {
    this.#passingCount = 0;
    this.#passingBytes = 0;
    this.#keptBytes = bytes;
    this.#requireSeries(seriesCount);
    this.take(0, 0);
  }

  #requireSeries(count: number): void {
    if (this.#maxSeries > 0 && count > this.#maxSeries)
      throw over('max_fetched_series_per_query', this.#maxSeries, 'touches more series');
  }
}

/** @throws ApiError if an answer has become larger than its limit; 0: none */
export function requireWithin(limit: keyof TenantQueryLimits, count: number, most: number): void {
  if (most === 0 || count <= most) return;
  throw new ApiError('execution', `the answer is larger than its limit ${limit} (${most})`);
}

function over(limit: string, most: number, does: string): ApiError {
  return new ApiError('execution', `the query ${does} than its limit ${limit} (${most})`);
}
