import { ClusterError } from './cluster-error.ts';

export type LeaseOutcome =
  | { readonly isSet: true }
  /** `current` is what stands there; undefined if nothing does. */
  | { readonly isSet: false; readonly current: string | undefined };

/**
 * Small values that many processes agree on, by compare-and-set. What a value means, and when the one who holds it has lost it,
 * is the caller's: of an HA pair it says who was elected and the sample time it was last seen at.
 *
 * A key is a list of texts of any content, such as `[tenant, cluster]`.
 */
export interface Leases {
  /** Undefined if nothing stands there. Rejects with `ClusterError` `unavailable`. */
  get(key: readonly string[]): Promise<string | undefined>;
  /**
   * Puts `value` if `expected` stands (undefined: nothing), to be forgotten after `ttlMs` unless it is set again.
   * Rejects with `ClusterError`: `unavailable` (it may have been set), or `invalid` if the value is over a bound.
   */
  compareAndSet(
    key: readonly string[],
    expected: string | undefined,
    value: string,
    ttlMs: number,
  ): Promise<LeaseOutcome>;
}

const MAX_VALUE_LENGTH = 4096;

/** @throws ClusterError `invalid` */
export function checkLease(value: string, ttlMs: number): void {
  if (value.length > MAX_VALUE_LENGTH) {
    throw new ClusterError('invalid', `${value.length} characters are over ${MAX_VALUE_LENGTH}`);
  }
  if (!Number.isSafeInteger(ttlMs) || ttlMs <= 0)
    throw new ClusterError('invalid', `no time to live: ${ttlMs} ms`);
}
