import { DEFAULT_MAX_VALUE_BYTES } from '../byte-cache.ts';
import { type Cluster, DEFAULT_TTL_MS } from '../cluster.ts';
import { RedisByteCache } from './redis-byte-cache.ts';
import { RedisClient } from './redis-client.ts';
import { RedisLeases } from './redis-leases.ts';
import { RedisMembers } from './redis-members.ts';
import type { RedisOptions } from './redis-options.ts';
import { RedisOwnerRegistry } from './redis-owner-registry.ts';
import { RedisRateShares } from './redis-rate-shares.ts';
import { RedisSeriesCounts } from './redis-series-counts.ts';
import { RedisTally } from './redis-tally.ts';

export interface RedisClusterOptions extends RedisOptions {
  /** How long a heartbeat counts (15 s). */
  readonly ttlMs?: number;
  /** What one value of the cache may hold (1 MiB). */
  readonly maxValueBytes?: number;
  /** A clock in ms, for the age of what is known. */
  readonly now?: () => number;
}

/*
 * Keys. The number is the version of everything behind it: of two versions of the program in one cluster each sees its own.
 * The keys one script touches have a hash tag in common.
 *
 *     xscaler:1:{owners}:…     heartbeats of ingesters      RedisMembers
 *     xscaler:1:{series}:…     active series                RedisTally
 *     xscaler:1:{requests}:…   gateways, their demands      RedisMembers, RedisTally
 *     xscaler:1:{samples}:…    distributors, their demands  RedisMembers, RedisTally
 *     xscaler:1:lease:<key>    leases
 *     xscaler:1:cache:<key>    cached bytes
 */
const PREFIX = 'xscaler:1';

/**
 * A `Cluster` by Redis. It connects in the background, and again whenever the connection is lost.
 * @throws ClusterError `invalid` if the options can't be understood
 */
export function openRedisCluster(options: RedisClusterOptions): Cluster {
  const { ttlMs = DEFAULT_TTL_MS, now = Date.now } = options;
  const client = new RedisClient(options);
  // A connection of its own: a heartbeat doesn't queue behind a megabyte.
  const cacheClient = new RedisClient({ ...options, onAway: () => {} });
  const owners = new RedisMembers(client, `${PREFIX}:{owners}`, ttlMs);
  return {
    owners: new RedisOwnerRegistry(owners, now),
    seriesCounts: new RedisSeriesCounts(new RedisTally(client, `${PREFIX}:{series}`, ttlMs, now), now),
    leases: new RedisLeases(client, `${PREFIX}:lease`),
    cache: new RedisByteCache(
      cacheClient,
      `${PREFIX}:cache`,
      options.maxValueBytes ?? DEFAULT_MAX_VALUE_BYTES,
    ),
    rateShares: (memberId, kind) =>
      new RedisRateShares({
        memberId,
        registry: new RedisMembers(client, `${PREFIX}:{${kind}}:members`, ttlMs),
        tally: new RedisTally(client, `${PREFIX}:{${kind}}:demand`, ttlMs, now),
        ttlMs,
        now,
      }),
    timeMs: () => client.timeMs(),
    get isAway() {
      return client.isAway;
    },
    async close() {
      await client.close();
      await cacheClient.close();
    },
  };
}
