import { ClusterError } from './cluster-error.ts';

/** What a rate counts: requests at gateways, samples at distributors. */
export type RateKind = 'requests' | 'samples';

/**
 * One tenant's rate limit held by several members (gateways or distributors): each applies its share of it.
 *
 * Shares follow demand (what is offered a second, the refused part included), as every member tells it each interval.
 * Of the limit a tenth is dealt out evenly, so that a member a tenant comes to anew has something to go on with
 * until the next exchange; the rest by demand. The shares of all members add up to the limit.
 */
export interface RateShares {
  /**
   * Tells this member's demands by tenant since the last exchange, a second, and learns the others'. To be
   * called every second or two. False if Redis is unreachable.
   * Rejects with `ClusterError` `invalid` above `MAX_DEMANDS`.
   */
  exchange(demands: ReadonlyMap<string, number>): Promise<boolean>;
  /**
   * The part of the tenant's limit that is this member's, above 0 and up to 1. By the number of members alone if
   * nothing is known of the tenant, or Redis has been unreachable for a time to live: the last number known, 1 at first.
   */
  share(tenant: string): number;
  /** Members at the last exchange, this one included. */
  readonly members: number;
  /** Takes this member out, at its orderly stop. */
  leave(): Promise<boolean>;
}

/** Tenants with demand at one member within one interval, at most. */
export const MAX_DEMANDS = 100_000;

/** The part of a limit that is dealt out evenly. */
const EVEN_PART = 0.1;

/** The share of one of `members`, whose demand is `own` of `total`. */
export function shareOf(own: number, total: number, members: number): number {
  if (total <= 0) return 1 / members;
  return EVEN_PART / members + (1 - EVEN_PART) * Math.min(1, own / total);
}

/** @throws ClusterError `invalid` */
export function checkDemands(count: number): void {
  if (count > MAX_DEMANDS) throw new ClusterError('invalid', `${count} tenants are over ${MAX_DEMANDS}`);
}
