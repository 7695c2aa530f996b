/** Error types of the Prometheus HTTP API, and Mimir's `too_many_requests`. */
export type ApiErrorType =
  | 'bad_data'
  | 'execution'
  | 'timeout'
  | 'canceled'
  | 'unavailable'
  | 'too_many_requests'
  | 'internal'
  | 'not_found';

/** The status that each error type is answered with. */
export const STATUS_OF: Readonly<Record<ApiErrorType, number>> = {
  bad_data: 400,
  execution: 422,
  timeout: 503,
  canceled: 503,
  unavailable: 503,
  too_many_requests: 429,
  internal: 500,
  not_found: 404,
};

/** A fault that the caller is told of in the Prometheus envelope. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly errorType: ApiErrorType;

  constructor(errorType: ApiErrorType, message: string) {
    super(message);
    this.errorType = errorType;
  }

  /** What is left of the type once the error has crossed to another thread. */
  get code(): ApiErrorType {
    return this.errorType;
  }
}

/** A parameter that cannot be used, in Prometheus' words. */
export function invalid(name: string, reason: string): ApiError {
  return new ApiError('bad_data', `invalid parameter ${JSON.stringify(name)}: ${reason}`);
}

/** Whether the read's regular expressions cost too much (`PatternCostError`), as an ingester in another process may have found. */
export function isPatternCost(error: unknown): error is Error {
  return error instanceof Error && (error as { code?: unknown }).code === 'pattern_cost';
}
