/** Error types of the Prometheus HTTP API. */
export type ApiErrorType =
  | 'bad_data'
  | 'execution'
  | 'timeout'
  | 'canceled'
  | 'unavailable'
  | 'internal'
  | 'not_found';

/** The status that Prometheus answers each error type with. */
export const STATUS_OF: Readonly<Record<ApiErrorType, number>> = {
  bad_data: 400,
  execution: 422,
  timeout: 503,
  canceled: 503,
  unavailable: 503,
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
}
