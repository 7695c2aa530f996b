/**
 * | code | meaning | retryable |
 * |---|---|---|
 * | unavailable | Redis is unreachable, too slow or refuses; what was asked may or may not have happened | yes |
 * | invalid | the call asks for what is over a bound | no |
 */
export type ClusterErrorCode = 'unavailable' | 'invalid';

export class ClusterError extends Error {
  override readonly name = 'ClusterError';
  readonly code: ClusterErrorCode;

  constructor(code: ClusterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
