import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterContract } from '../contract/cluster-contract.ts';
import { openMemoryCluster } from './memory-cluster.ts';

const TTL_MS = 400;

clusterContract('memory', async () => {
  const cluster = openMemoryCluster({ ttlMs: TTL_MS });
  return { ttlMs: TTL_MS, cluster, connect: async () => cluster, dispose: () => cluster.close() };
});

test('over its bound the cache forgets what was used least recently', async () => {
  const { cache } = openMemoryCluster({ cacheBytes: 3_500 });
  for (const key of ['a', 'b', 'c']) {
    await cache.set(key, new Uint8Array(900), 1000);
    await cache.get('a');
  }
  await cache.set('d', new Uint8Array(900), 1000);
  assert.equal(await cache.get('b'), undefined);
  assert.equal((await cache.get('a'))?.length, 900);
  assert.equal((await cache.get('d'))?.length, 900);
});
