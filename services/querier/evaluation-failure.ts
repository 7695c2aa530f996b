import { ExecutionError, ParseError, QueryCancelledError, QueryTimeoutError } from '@xscaler/promql';
import { ApiError } from './api-error.ts';
import { failure } from './envelope.ts';
import type { EvaluationReply } from './evaluation-api.ts';
import { invalid } from './parameters.ts';

/** The answer for a query that failed. */
export function evaluationFailure(error: unknown): EvaluationReply {
  const { status, headers, body } = failure(apiErrorOf(error));
  return { status, headers, body: [body], samplesRead: 0 };
}

function apiErrorOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof ParseError) return invalid('query', error.message);
  if (error instanceof ExecutionError) return new ApiError('execution', error.message);
  if (error instanceof QueryCancelledError) return new ApiError('canceled', error.message);
  if (error instanceof QueryTimeoutError) return new ApiError('timeout', error.message);
  // An allocation or a stack that the thread does not have: the query's doing, and no retry helps.
  if (error instanceof RangeError)
    return new ApiError('execution', `the query is too large: ${error.message}`);
  // What is left could not be read: an ingester, the log or the database is away, or a part is damaged.
  return new ApiError('unavailable', error instanceof Error ? error.message : String(error));
}
