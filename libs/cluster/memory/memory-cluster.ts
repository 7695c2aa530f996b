import type { Cluster } from '../cluster.ts';
import { MemoryByteCache } from './memory-byte-cache.ts';
import { MemoryLeases } from './memory-leases.ts';
import { MemoryOwnerRegistry } from './memory-owner-registry.ts';
import { MemoryRateBoard } from './memory-rate-shares.ts';
import { MemorySeriesCounts } from './memory-series-counts.ts';

export interface MemoryClusterOptions {
  /** How long a heartbeat counts (15 s). */
  readonly ttlMs?: number;
  /** A clock in ms. */
  readonly now?: () => number;
  /** What all values of the cache together may hold (64 MiB). */
  readonly cacheBytes?: number;
  /** What one value of the cache may hold (1 MiB). */
  readonly maxValueBytes?: number;
}

/** A `Cluster` of services that share a process and its thread. */
export function openMemoryCluster(options: MemoryClusterOptions = {}): Cluster {
  const { ttlMs, now = Date.now } = options;
  const boards = { requests: new MemoryRateBoard(ttlMs, now), samples: new MemoryRateBoard(ttlMs, now) };
  return {
    owners: new MemoryOwnerRegistry(ttlMs, now),
    seriesCounts: new MemorySeriesCounts(ttlMs, now),
    leases: new MemoryLeases(now),
    cache: new MemoryByteCache(options),
    rateShares: (memberId, kind) => boards[kind].sharesOf(memberId),
    timeMs: async () => now(),
    isAway: false,
    close: async () => {},
  };
}
