import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test';
import { type Cluster, Heartbeat, type OwnerHeartbeat } from '@xscaler/cluster';
import { openRedisCluster, type RedisClusterOptions } from '@xscaler/cluster/redis';
import { eventually, sleep } from '../harness/index.ts';
import { RedisServer, skipWithoutRedis } from './redis-server.ts';
import { SilentProxy } from './silent-proxy.ts';

const TTL_MS = 3_000;
const INTERVAL_MS = 200;
const WITHIN_MS = 15_000;

function ingester(instanceId: string): OwnerHeartbeat {
  const partitions = new Map([[0, { state: 'live', appliedOffset: 5 } as const]]);
  return {
    instanceId,
    run: { id: 'run', startedMs: 0, beat: 0 },
    zone: instanceId,
    ordinal: 0,
    address: `${instanceId}:1`,
    recordVersion: 1,
    partitions,
  };
}

describe('Redis that goes, stalls and comes back', { skip: skipWithoutRedis() }, () => {
  let server: RedisServer;
  before(async () => {
    server = await RedisServer.start();
  });
  beforeEach(() => server.flush());
  after(() => server.dispose());

  function open(t: TestContext, options: RedisClusterOptions = {}): Cluster {
    const cluster = openRedisCluster({ url: server.url, ttlMs: TTL_MS, ...options });
    t.after(() => cluster.close());
    return cluster;
  }

  /** Two ingesters and a distributor that tell of themselves, and a reader. */
  async function run(t: TestContext) {
    const writers = [open(t), open(t)];
    const distributors = [open(t).rateShares('d1', 'samples'), open(t).rateShares('d2', 'samples')];
    const beats = [
      ...['a', 'b'].map((id, i) => async () => {
        await writers[i].owners.announce(ingester(id));
        await writers[i].seriesCounts.report({ instanceId: id, partition: 0 }, new Map([['team', 100 + i]]));
      }),
      ...distributors.map((shares) => () => shares.exchange(new Map([['team', 50]]))),
    ].map((beat) => new Heartbeat(beat, INTERVAL_MS));
    t.after(async () => {
      for (const beat of beats) await beat.stop();
    });
    for (const beat of beats) await beat.start();
    const reader = open(t);
    await eventually('everything is known', WITHIN_MS, async () =>
      (await isWhole(reader)) && distributors.every((shares) => shares.share('team') === 0.5)
        ? true
        : undefined,
    );
    return { reader, distributors };
  }

  async function isWhole(reader: Cluster): Promise<boolean> {
    const { byPartition } = await reader.owners.owners(0);
    const totals = await reader.seriesCounts.totals(['team']);
    return byPartition.get(0)?.length === 2 && totals.get('team')?.count === 101;
  }

  /** The age of the youngest answer a reader has got from Redis itself. */
  async function ageMs(reader: Cluster): Promise<number> {
    return (await reader.owners.owners(0)).ageMs;
  }

  test('while it is unreachable readers go on with what they know, and its age grows', async (t) => {
    const { reader, distributors } = await run(t);
    await server.stop();
    await eventually('the answer is old', WITHIN_MS, async () =>
      (await ageMs(reader)) > TTL_MS + 300 ? true : undefined,
    );
    assert.ok(await isWhole(reader));
    assert.ok(reader.isAway);
    assert.ok(((await reader.seriesCounts.totals(['team'])).get('team')?.ageMs ?? 0) > TTL_MS);
    assert.equal((await reader.seriesCounts.totals(['never asked for'])).size, 0);
    for (const shares of distributors) assert.equal(shares.share('team'), 1 / 2);
    assert.equal(await reader.owners.announce(ingester('c')), false);
    assert.equal(await reader.owners.leave('c', 'run'), false);
    assert.equal(await distributors[0].exchange(new Map([['team', 1]])), false);
    await assert.rejects(reader.leases.get(['k']), { code: 'unavailable' });
    assert.equal(await reader.cache.get('k'), undefined);
    await reader.cache.set('k', Uint8Array.of(1), 1_000);
    assert.equal(reader.cache.stats.failures, 2);
    // Empty when it comes back: nothing that was known is lost, and soon all of it is new.
    await server.start();
    await eventually('the answer is new', WITHIN_MS, async () => {
      assert.ok(await isWhole(reader));
      return (await ageMs(reader)) < 100 ? true : undefined;
    });
    await eventually('a reader from after it knows all', WITHIN_MS, async () =>
      (await isWhole(open(t))) ? true : undefined,
    );
    assert.ok(!reader.isAway);
  });

  test('emptied, it knows everything again within a heartbeat, and no reader sees the gap', async (t) => {
    const { reader, distributors } = await run(t);
    for (let round = 0; round < 3; round++) {
      await server.flush();
      for (let i = 0; i < 20; i++) {
        assert.ok(await isWhole(reader), 'a gap');
        for (const shares of distributors) assert.equal(shares.share('team'), 0.5);
        await sleep(20);
      }
      await eventually('a reader from after it knows all', WITHIN_MS, async () =>
        (await isWhole(open(t))) ? true : undefined,
      );
    }
  });

  test('its scripts may be forgotten', async (t) => {
    const cluster = open(t, { timeoutMs: 5_000 });
    await cluster.owners.announce(ingester('a'));
    await server.withClient((redis) => redis.script('FLUSH'));
    assert.equal(await cluster.owners.announce(ingester('a')), true);
  });

  test('while it stands still every call comes back, and once it goes on so do they', async (t) => {
    const { reader, distributors } = await run(t);
    await reader.cache.set('k', Uint8Array.of(1), 60_000);
    server.pause();
    try {
      // It answers nobody until it is told to go on: that these come back at all is the proof.
      for (let i = 0; i < 30; i++) {
        assert.ok(await isWhole(reader));
        assert.equal(await reader.cache.get('k'), undefined);
        await assert.rejects(reader.leases.get(['k']), { code: 'unavailable' });
        for (const shares of distributors) assert.equal(shares.share('team'), 0.5);
        await sleep(20);
      }
      const late = open(t);
      assert.equal((await late.owners.owners()).ageMs, Number.POSITIVE_INFINITY);
      assert.equal(await late.owners.announce(ingester('c')), false);
    } finally {
      server.resume();
    }
    await eventually('calls are answered again', WITHIN_MS, async () =>
      (await ageMs(reader)) < 100 && (await reader.cache.get('k')) !== undefined ? true : undefined,
    );
  });

  test('a connection that has gone silent is made anew', async (t) => {
    const proxy = await SilentProxy.start(server.port);
    t.after(() => proxy.dispose());
    const cluster = open(t, { url: `redis://127.0.0.1:${proxy.port}` });
    const announced = async () => ((await cluster.owners.announce(ingester('a'))) ? true : undefined);
    await eventually('it is announced', WITHIN_MS, announced);
    proxy.silence();
    assert.equal(await announced(), undefined);
    await eventually('it is announced by another connection', WITHIN_MS, announced);
  });

  test('a process that starts before Redis finds it later', async (t) => {
    await server.stop();
    const reasons: (string | undefined)[] = [];
    const cluster = open(t, { onAway: (reason) => reasons.push(reason) });
    assert.equal(await cluster.owners.announce(ingester('a')), false);
    assert.deepEqual(await cluster.owners.owners(), {
      byPartition: new Map(),
      ageMs: Number.POSITIVE_INFINITY,
    });
    await server.start();
    await eventually('it is announced', WITHIN_MS, async () =>
      (await cluster.owners.announce(ingester('a'))) ? true : undefined,
    );
    assert.match(String(reasons[0]), /ECONNREFUSED/);
    assert.equal(reasons.at(-1), undefined);
  });

  test('a closed cluster answers at once', async (t) => {
    const cluster = open(t);
    await cluster.owners.announce(ingester('a'));
    await cluster.close();
    assert.equal(await cluster.owners.announce(ingester('a')), false);
    await assert.rejects(cluster.leases.get(['k']), { code: 'unavailable' });
    await cluster.close();
  });
});
