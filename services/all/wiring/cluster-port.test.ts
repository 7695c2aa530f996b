import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { ClusterError, openMemoryCluster } from '@xscaler/cluster';
import { connectCluster, serveCluster } from './cluster-port.ts';

test('leases, counts, owners and shares are the cluster’s own on the other side of a port', async (t) => {
  const cluster = openMemoryCluster();
  const [one, two] = ['one', 'two'].map((id) => {
    const { port1, port2 } = new MessageChannel();
    t.after(() => port1.close());
    serveCluster(port1, cluster, cluster.rateShares(id, 'samples'));
    return connectCluster(port2);
  });
  assert.equal(await one.leases.get(['a', 'b']), undefined);
  assert.deepEqual(await one.leases.compareAndSet(['a', 'b'], undefined, 'x', 1_000), { isSet: true });
  assert.deepEqual(await two.leases.compareAndSet(['a', 'b'], undefined, 'y', 1_000), {
    isSet: false,
    current: 'x',
  });
  await assert.rejects(two.leases.compareAndSet(['a'], undefined, 'y', 0), (error) => {
    return error instanceof ClusterError && error.code === 'invalid';
  });

  await cluster.seriesCounts.report({ instanceId: 'i', partition: 0 }, new Map([['acme', 7]]));
  assert.equal((await one.activeTotal('acme'))?.count, 7);

  const partitions = new Map([[3, { state: 'live', appliedOffset: 9 } as const]]);
  const run = { id: 'run', startedMs: 0, beat: 0 };
  const owner = { instanceId: 'i', run, zone: 'a', ordinal: 0, address: 'i:1', recordVersion: 1 };
  await cluster.owners.announce({ ...owner, partitions });
  assert.deepEqual(await one.owners(), await cluster.owners.owners());

  for (let round = 0; round < 2; round++) {
    await one.shares.exchange(new Map([['acme', 90]]));
    await two.shares.exchange(new Map([['acme', 10]]));
  }
  assert.equal(one.shares.members, 2);
  assert.ok(Math.abs(one.shares.share('acme') + two.shares.share('acme') - 1) < 1e-9);
  assert.ok(one.shares.share('acme') > 0.8);
  assert.equal(one.shares.share('unknown'), 0.5);
  assert.ok(await two.shares.leave());
});
