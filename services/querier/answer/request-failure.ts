import { internalErrorText, knownFailure } from '@xscaler/rpc';
import { ApiError, STATUS_OF } from './api-error.ts';

/**
 * What the sender of a request that failed is told. An `ApiError` may come from another thread, without its class. Causes
 * that are known are told in our own words; anything else is a bug, of which the log alone tells more.
 */
export function requestFailure(error: unknown, requestId: string): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof Error) {
    const { name, code = '' } = error as { name: string; code?: string };
    if (name === 'ApiError' && isErrorType(code)) return new ApiError(code, error.message);
    // Asked again, it would be as large.
    if (name === 'RpcError' && code === 'too_large')
      return new ApiError('execution', 'the query reads more of one ingester than an answer may hold');
  }
  const cause = knownFailure(error);
  return cause === undefined
    ? new ApiError('internal', internalErrorText(requestId))
    : new ApiError('unavailable', cause);
}

function isErrorType(code: string): code is ApiError['errorType'] {
  return Object.hasOwn(STATUS_OF, code);
}
