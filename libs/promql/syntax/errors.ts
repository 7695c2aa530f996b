/** A query that cannot be read: Prometheus' `bad_data`. The message is Prometheus' own, position first. */
export class ParseError extends Error {
  override readonly name = 'ParseError';
  readonly code = 'bad_data';
}

/** A query that reads well but cannot be answered: Prometheus' `execution`. */
export class ExecutionError extends Error {
  override readonly name: string = 'ExecutionError';
  readonly code = 'execution';
}

/** The limits of one query, named as a tenant's settings name them. */
export const QUERY_LIMITS = [
  /** Series selected by all selectors together. */
  'max_fetched_series_per_query',
  /** Bytes of chunks fetched from storage, which counts them. */
  'max_fetched_chunk_bytes_per_query',
  /** Samples read from storage, and cells held, each. */
  'max_samples_per_query',
  /** Bytes held at a time: cells (series × steps, also of subqueries and scalars), 9 each, and label sets that the query makes. */
  'max_estimated_memory_consumption_per_query',
  /** Time that one selector covers, from its first step's window to its last, ms. */
  'max_total_query_length',
  /** Steps of a range query. */
  'max_points_per_series',
  /** Bytes of an encoded answer. */
  'max_query_response_size_bytes',
] as const;

export type LimitName = (typeof QUERY_LIMITS)[number];

/** A query that would cost more than it may. */
export class LimitError extends ExecutionError {
  override readonly name = 'LimitError';
  readonly limit: LimitName;

  constructor(limit: LimitName, message: string) {
    super(message);
    this.limit = limit;
  }
}

/** The caller gave the query up: Prometheus' `canceled`. */
export class QueryCancelledError extends Error {
  override readonly name = 'QueryCancelledError';
  readonly code = 'canceled';

  constructor(message = 'query was canceled in query execution') {
    super(message);
  }
}

/** The query ran longer than it may: Prometheus' `timeout`. */
export class QueryTimeoutError extends Error {
  override readonly name = 'QueryTimeoutError';
  readonly code = 'timeout';

  constructor(message = 'query timed out in query execution') {
    super(message);
  }
}
