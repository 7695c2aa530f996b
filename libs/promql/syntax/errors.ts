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

/** The limits a query may run into, named as the configuration names them. */
export type LimitName =
  | 'max_fetched_series_per_query'
  | 'max_fetched_chunk_bytes_per_query'
  | 'max_samples_per_query'
  | 'max_estimated_memory_consumption_per_query'
  | 'max_total_query_length'
  | 'max_points_per_series'
  | 'max_query_response_size_bytes';

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
