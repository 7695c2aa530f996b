import { ClusterError } from './cluster.ts';

/**
 * One tenant's rate limit held by several distributors: each applies its share of it.
 *
 * Shares follow demand (samples a second offered, the refused ones included), as every distributor tells it each interval.
 * Of the limit a tenth is dealt out evenly, so that a distributor a tenant comes to anew has something to go on with
 * until the next exchange; the rest by demand. The shares of all distributors add up to the limit.
 */
export interface RateShares {
  /**
   * Tells this distributor's demands by tenant since the last exchange, in samples a second, and learns the others'. To be
   * called every second or two. False where Redis is away.
   * Rejects with `ClusterError` `invalid` above `MAX_DEMANDS`.
   */
  exchange(demands: ReadonlyMap<string, number>): Promise<boolean>;
  /**
   * The part of the tenant's limit that is this distributor's, above 0 and up to 1. By the number of distributors alone where
   * nothing is known of the tenant, or Redis has been away for a time to live: the last number known, 1 at first.
   */
  share(tenant: string): number;
  /** Distributors at the last exchange, this one included. */
  readonly distributors: number;
  /** Takes this distributor out, at its orderly stop. */
  leave(): Promise<boolean>;
}

/** Tenants with demand at one distributor within one interval, at most. */
export const MAX_DEMANDS = 100_000;

/** The part of a limit that is dealt out evenly. */
const EVEN_PART = 0.1;

/** The share of one of `distributors`, whose demand is `own` of `total`. */
export function shareOf(own: number, total: number, distributors: number): number {
  if (total <= 0) return 1 / distributors;
  return EVEN_PART / distributors + (1 - EVEN_PART) * Math.min(1, own / total);
}

/** @throws ClusterError `invalid` */
export function checkDemands(count: number): void {
  if (count > MAX_DEMANDS) throw new ClusterError('invalid', `${count} tenants are over ${MAX_DEMANDS}`);
}
