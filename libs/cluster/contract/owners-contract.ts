import assert from 'node:assert/strict';
import type { IngesterRun, OwnerHeartbeat, OwnerRegistry, PartitionProgress } from '../owner-registry.ts';
import { type Check, rejectsWith, until } from './contract-checks.ts';

export function heartbeatOf(
  instanceId: string,
  zone: string,
  partitions: readonly (readonly [number, PartitionProgress])[],
): OwnerHeartbeat {
  const address = `${instanceId}:9095`;
  return {
    instanceId,
    run: runOf('only'),
    zone,
    ordinal: 0,
    address,
    recordVersion: 2,
    partitions: new Map(partitions),
  };
}

function runOf(id: string, startedMs = 0, beat = 1): IngesterRun {
  return { id, startedMs, beat };
}

function live(appliedOffset: number): PartitionProgress {
  return { state: 'live', appliedOffset };
}

async function instancesOf(owners: OwnerRegistry, partition: number): Promise<string[]> {
  const { byPartition } = await owners.owners(0);
  return (byPartition.get(partition) ?? []).map(({ instanceId }) => instanceId);
}

export function ownersContract(check: Check): void {
  check('owners are found by partition, with what they said of themselves', async ({ cluster, connect }) => {
    const other = await connect();
    assert.ok(
      await cluster.owners.announce(
        heartbeatOf('i-b', 'b', [
          [0, live(7)],
          [1, { state: 'replaying', appliedOffset: 0 }],
        ]),
      ),
    );
    assert.ok(await other.owners.announce(heartbeatOf('i-a', 'a', [[0, live(9)]])));
    const { byPartition, ageMs } = await other.owners.owners(0);
    assert.ok(Number.isFinite(ageMs));
    const both = { ordinal: 0, recordVersion: 2, state: 'live' };
    assert.deepEqual(byPartition.get(0), [
      { ...both, instanceId: 'i-a', zone: 'a', address: 'i-a:9095', appliedOffset: 9 },
      { ...both, instanceId: 'i-b', zone: 'b', address: 'i-b:9095', appliedOffset: 7 },
    ]);
    assert.equal(byPartition.get(1)?.[0].state, 'replaying');
    assert.equal(byPartition.get(2), undefined);
    assert.deepEqual(await instancesOf(cluster.owners, 0), ['i-a', 'i-b']);
  });

  check('an announcement takes the place of the one before', async ({ cluster }) => {
    const { owners } = cluster;
    await owners.announce(
      heartbeatOf('i', 'a', [
        [0, live(1)],
        [1, live(1)],
      ]),
    );
    await owners.announce(heartbeatOf('i', 'a', [[1, live(Number.MAX_SAFE_INTEGER)]]));
    const { byPartition } = await owners.owners(0);
    assert.deepEqual([...byPartition.keys()], [1]);
    assert.equal(byPartition.get(1)?.[0].appliedOffset, Number.MAX_SAFE_INTEGER);
  });

  check('what was announced stays as it was announced', async ({ cluster }) => {
    const partitions = new Map([[0, live(1)]]);
    await cluster.owners.announce({ ...heartbeatOf('i', 'a', []), partitions });
    partitions.set(1, live(1));
    assert.deepEqual([...(await cluster.owners.owners(0)).byPartition.keys()], [0]);
  });

  check('an ingester that leaves is gone', async ({ cluster, connect, ttlMs }) => {
    const other = await connect();
    await cluster.owners.announce(heartbeatOf('i', 'a', [[0, live(1)]]));
    await cluster.owners.announce(heartbeatOf('j', 'a', [[0, live(1)]]));
    // Past the time in which a registry may not know everybody.
    const started = Date.now();
    await until(async () => {
      await cluster.owners.announce(heartbeatOf('i', 'a', [[0, live(1)]]));
      await cluster.owners.announce(heartbeatOf('j', 'a', [[0, live(1)]]));
      return Date.now() - started > ttlMs + 50;
    });
    assert.deepEqual(await instancesOf(other.owners, 0), ['i', 'j']);
    assert.ok(await cluster.owners.leave('i', 'only'));
    assert.ok(await cluster.owners.leave('never-there', 'only'));
    assert.deepEqual(await instancesOf(other.owners, 0), ['j']);
  });

  check('two processes that have one place are seen by each other, and both are owners', async (peers) => {
    const { cluster, connect } = peers;
    const other = (await connect()).owners;
    const heartbeat = heartbeatOf('i', 'a', [[0, live(1)]]);
    await cluster.owners.announce({ ...heartbeat, run: runOf('one', 10, 7) });
    await other.announce({ ...heartbeat, run: runOf('two', 20, 3), address: 'elsewhere:9095' });
    await other.announce(heartbeatOf('j', 'a', [[0, live(1)]]));
    const runs = await cluster.owners.runs('i');
    assert.deepEqual(
      new Set(runs.map(({ run, address }) => JSON.stringify([run, address]))),
      new Set([
        JSON.stringify([runOf('one', 10, 7), 'i:9095']),
        JSON.stringify([runOf('two', 20, 3), 'elsewhere:9095']),
      ]),
    );
    const { byPartition } = await other.owners(0);
    assert.deepEqual(
      byPartition.get(0)?.map(({ address }) => address),
      ['i:9095', 'elsewhere:9095', 'j:9095'],
    );
  });

  check('of two runs at one address the younger is the owner: the other was killed', async ({ cluster }) => {
    const heartbeat = heartbeatOf('i', 'a', []);
    const young = { ...heartbeat, run: runOf('young', 20), partitions: new Map([[1, live(3)]]) };
    const killed = { ...heartbeat, run: runOf('killed', 10), partitions: new Map([[0, live(9)]]) };
    await cluster.owners.announce(young);
    await cluster.owners.announce(killed);
    assert.deepEqual([...(await cluster.owners.owners(0)).byPartition.keys()], [1]);
    assert.equal((await cluster.owners.runs('i')).length, 2);
  });

  check('an ingester that falls silent is left out', async ({ cluster }) => {
    const { owners } = cluster;
    await owners.announce(heartbeatOf('silent', 'a', [[0, live(1)]]));
    await until(async () => {
      await owners.announce(heartbeatOf('alive', 'a', [[0, live(1)]]));
      return (await instancesOf(owners, 0)).length === 1;
    });
    assert.deepEqual(await instancesOf(owners, 0), ['alive']);
  });

  check('announcements over a bound are refused', async ({ cluster }) => {
    const { owners } = cluster;
    await rejectsWith(owners.announce(heartbeatOf('', 'a', [])), 'invalid');
    await rejectsWith(owners.announce(heartbeatOf('x'.repeat(1000), 'a', [])), 'invalid');
    const many = Array.from({ length: 5000 }, (_, i) => [i, live(1)] as const);
    await rejectsWith(owners.announce(heartbeatOf('i', 'a', many)), 'invalid');
    assert.equal((await owners.owners(0)).byPartition.size, 0);
  });
}
