import type { ByteCache } from './byte-cache.ts';
import type { Leases } from './leases.ts';
import type { OwnerRegistry } from './owner-registry.ts';
import type { RateKind, RateShares } from './rate-shares.ts';
import type { SeriesCounts } from './series-counts.ts';

/**
 * What the services of one cluster tell each other, with two halves: Redis, and memory for `all`.
 *
 * Nothing here is the truth about anything: all of it is told again with every heartbeat, so that a Redis that was
 * emptied is as before within one. While Redis is unreachable readers go on with what they learnt last, and writers are told
 * by `false`; nobody waits longer than `timeoutMs` for it.
 */
export interface Cluster {
  readonly owners: OwnerRegistry;
  readonly seriesCounts: SeriesCounts;
  readonly leases: Leases;
  readonly cache: ByteCache;
  /** The shares of this process, which goes by `memberId` among those that hold the same kind of rate. */
  rateShares(memberId: string, kind: RateKind): RateShares;
  /** The wall clock of Redis, ms; in memory this process' own. @throws ClusterError `unavailable` */
  timeMs(): Promise<number>;
  /** Whether the last call got no answer. Always false in memory. */
  readonly isAway: boolean;
  close(): Promise<void>;
}

/** How long a heartbeat counts: three intervals of the default of 5 s. */
export const DEFAULT_TTL_MS = 15_000;
