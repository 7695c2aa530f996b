import { knownFailure } from '@xscaler/rpc';
import { WriteLogError } from '@xscaler/writelog';

/**
 * Why the log or the database failed, for `/-/ready`. On one machine that page is public, so it shows neither the path of a damaged file
 * nor details of a bug; the process' log has them.
 */
export function logFailureText(error: unknown): string {
  if (error instanceof WriteLogError && error.code !== 'damaged') return error.message;
  return knownFailure(error) ?? 'internal error, see the log';
}
