import { LimitError } from '../syntax/errors.ts';

/** How V8 words an allocation that it refuses. */
const REFUSED =
  /allocation failed|invalid (typed )?array (buffer )?length|invalid string length|maximum size exceeded/i;

/**
 * Runs a computation whose allocations may be refused although the query's limits allow them.
 * @throws LimitError in place of the engine's RangeError, and what the computation throws
 */
export function refusingExhaustion<T>(compute: () => T): T {
  try {
    return compute();
  } catch (error) {
    if (!(error instanceof RangeError) || !REFUSED.test(error.message)) throw error;
    throw new LimitError(
      'max_estimated_memory_consumption_per_query',
      `query processing would load too many samples into memory in query execution: ${error.message}`,
    );
  }
}
