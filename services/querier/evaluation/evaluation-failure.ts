import { ExecutionError, ParseError, QueryCancelledError, QueryTimeoutError } from '@xscaler/promql';
import { toWireError } from '@xscaler/rpc';
import { ApiError, invalid, isPatternCost } from '../answer/api-error.ts';
import { failure } from '../answer/envelope.ts';
import type { EvaluationReply } from './evaluation-api.ts';

/**
 * The reply for a query that failed: an answer if the query caused it, otherwise the error, which the querier's main
 * thread logs and answers. It is not thrown to that thread, since an `RpcError` would look like the end of this one.
 */
export function evaluationFailure(error: unknown): EvaluationReply {
  const fault = queryFault(error);
  if (fault === undefined) {
    return { status: 500, headers: {}, body: [], samplesRead: 0, thrown: toWireError(error) };
  }
  const { status, headers, body } = failure(fault);
  return { status, headers, body: [body], samplesRead: 0 };
}

function queryFault(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error;
  if (error instanceof ParseError) return invalid('query', error.message);
  if (error instanceof ExecutionError) return new ApiError('execution', error.message);
  if (error instanceof QueryCancelledError) return new ApiError('canceled', error.message);
  if (error instanceof QueryTimeoutError) return new ApiError('timeout', error.message);
  if (isPatternCost(error)) return new ApiError('execution', error.message);
  if (error instanceof RangeError && isOutOfMemory(error))
    return new ApiError('execution', 'the query is too large: it needs more memory than its thread may have');
  return undefined;
}

/**
 * Whether an allocation or the stack exceeded the thread's memory, by V8's message. The query caused it, and a retry does
 * not help. Other errors of this class are bugs.
 */
const OUT_OF_MEMORY =
  /allocation failed|^Maximum call stack size exceeded|^Invalid (?:typed )?array(?: buffer)? length|^Invalid string length|maximum size exceeded/i;

function isOutOfMemory({ message }: RangeError): boolean {
  return OUT_OF_MEMORY.test(message);
}
