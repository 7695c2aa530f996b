import { knownFailure } from '@xscaler/rpc';
import { WriteLogError } from '@xscaler/writelog';

/**
 * Why the log or the database failed, for `/-/ready`. On one machine everybody may read that page, so it shows no path of a
 * damaged file and nothing of a bug: the logs have them.
 */
export function logFailureText(error: unknown): string {
  if (error instanceof WriteLogError && error.code !== 'damaged') return error.message;
  return knownFailure(error) ?? 'internal error, see the log';
}
