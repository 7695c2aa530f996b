import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import type { Cluster } from '@xscaler/cluster';
import { clusterContract } from '@xscaler/cluster/contracts';
import { openRedisCluster } from '@xscaler/cluster/redis';
import { RedisServer, skipWithoutRedis } from './redis-server.ts';

/** Long enough for a slow machine to read what it has just written. */
const TTL_MS = 1_000;
const TIMEOUT_MS = 2_000;

describe('Redis', { skip: skipWithoutRedis() }, () => {
  let server: RedisServer;
  before(async () => {
    server = await RedisServer.start();
  });
  after(() => server.dispose());

  clusterContract('redis', async () => {
    await server.flush();
    const clusters: Cluster[] = [];
    const connect = async () => {
      const cluster = openRedisCluster({ url: server.url, ttlMs: TTL_MS, timeoutMs: TIMEOUT_MS });
      clusters.push(cluster);
      return cluster;
    };
    return {
      ttlMs: TTL_MS,
      cluster: await connect(),
      connect,
      async dispose() {
        for (const cluster of clusters) await cluster.close();
      },
    };
  });

  test('every key is ours, and goes by itself', async () => {
    await server.flush();
    const cluster = openRedisCluster({ url: server.url, timeoutMs: TIMEOUT_MS });
    const partitions = new Map([[0, { state: 'live', appliedOffset: 1 } as const]]);
    await cluster.owners.announce({
      instanceId: 'i',
      run: { id: 'run', startedMs: 0, beat: 0 },
      zone: 'a',
      ordinal: 0,
      address: 'i:1',
      recordVersion: 2,
      partitions,
    });
    await cluster.seriesCounts.report({ instanceId: 'i', partition: 0 }, new Map([['team', 1]]));
    await cluster.rateShares('d', 'samples').exchange(new Map([['team', 1]]));
    await cluster.leases.compareAndSet(['team', 'prom'], undefined, 'x', 60_000);
    await cluster.cache.set('k', Uint8Array.of(1), 60_000);
    await cluster.close();
    await server.withClient(async (redis) => {
      const keys = await redis.keys('*');
      assert.ok(keys.length >= 10, keys.join());
      for (const key of keys) {
        assert.match(key, /^xscaler:1:/);
        assert.ok((await redis.pttl(key)) > 0, `${key} stays for ever`);
      }
    });
  });

  test('somebody else’s writing is left out', async () => {
    await server.flush();
    const cluster = openRedisCluster({ url: server.url, timeoutMs: TIMEOUT_MS });
    const partitions = new Map([[0, { state: 'live', appliedOffset: 1 } as const]]);
    await cluster.owners.announce({
      instanceId: 'i',
      run: { id: 'run', startedMs: 0, beat: 0 },
      zone: 'a',
      ordinal: 0,
      address: 'i:1',
      recordVersion: 2,
      partitions,
    });
    await server.withClient(async (redis) => {
      for (const [i, text] of ['', '7', '{}', '{"partitions":7}', 'null', '[1,2]'].entries()) {
        await redis.zadd('xscaler:1:{owners}:seen', Date.now(), `strange-${i}`);
        await redis.hset('xscaler:1:{owners}:texts', `strange-${i}`, text);
      }
      await redis.zadd('xscaler:1:{owners}:seen', Date.now(), 'without a text');
    });
    const { byPartition } = await cluster.owners.owners(0);
    assert.deepEqual(
      byPartition.get(0)?.map(({ instanceId }) => instanceId),
      ['i'],
    );
    await cluster.close();
  });

  test('a password is asked for, and no error holds it', async (t) => {
    const locked = await RedisServer.start('--requirepass', 'right-s3cret');
    t.after(() => locked.dispose());
    const good = openRedisCluster({ url: locked.url, password: 'right-s3cret', timeoutMs: TIMEOUT_MS });
    assert.equal((await good.leases.compareAndSet(['k'], undefined, 'x', 1_000)).isSet, true);
    await good.close();
    const reasons: (string | undefined)[] = [];
    const bad = openRedisCluster({
      url: locked.url,
      password: 'wr0ng-s3cret',
      timeoutMs: TIMEOUT_MS,
      onAway: (reason) => reasons.push(reason),
    });
    await assert.rejects(bad.leases.get(['k']), (error) => {
      assert.doesNotMatch(inspect(error, { depth: null, showHidden: true }), /s3cret/);
      return true;
    });
    assert.equal(bad.isAway, true);
    assert.match(String(reasons[0]), /WRONGPASS/);
    assert.doesNotMatch(reasons.join(), /s3cret/);
    await bad.close();
  });
});
