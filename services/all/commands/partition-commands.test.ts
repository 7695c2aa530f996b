import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openMemoryCluster, type PartitionState } from '@xscaler/cluster';
import { migrate, openSqliteDatabase } from '@xscaler/database';
import { PlacementStore } from '@xscaler/tenancy';
import { HIGHEST_RECORD_VERSION } from '@xscaler/wire/log-record';
import { changePartitions, describePartitions } from './partition-commands.ts';

const ACTOR = { who: 'test', from: 'test' };

async function open(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'partition-commands-'));
  const db = openSqliteDatabase(join(dir, 'db.sqlite'));
  const cluster = openMemoryCluster();
  t.after(async () => {
    await db.close();
    rmSync(dir, { recursive: true });
  });
  await migrate(db);
  const store = new PlacementStore(db);
  await store.ensurePartitionCount(4);
  const log = {
    count: 4,
    countPartitions: async () => log.count,
    grow: async (count: number) => {
      log.count = count;
    },
  };
  const announce = (state: PartitionState, ...partitions: number[]) =>
    cluster.owners.announce({
      ...{ instanceId: 'ingester-a-0', zone: 'a', ordinal: 0, address: 'a:1' },
      run: { id: 'run', startedMs: 0, beat: 0 },
      recordVersion: HIGHEST_RECORD_VERSION,
      partitions: new Map(partitions.map((partition) => [partition, { state, appliedOffset: 0 }])),
    });
  const parts = { store, log, owners: cluster.owners, ownedWithinMs: 0, seenAfterMs: 0 };
  const counts = async () => (await store.partitionCounts()).map(({ partitionCount }) => partitionCount);
  return { parts, log, announce, counts };
}

test('writers use more partitions once each has a live ingester, and not before', async (t) => {
  const { parts, log, announce, counts } = await open(t);
  await announce('live', 0, 1, 2, 3, 4);
  await assert.rejects(
    changePartitions(parts, 6, ACTOR),
    /partition 5 has no live ingester: nothing was changed/,
  );
  assert.deepEqual([log.count, await counts()], [6, [4]]);
  await announce('replaying', 0, 1, 2, 3, 4, 5);
  await assert.rejects(changePartitions(parts, 6, ACTOR), /partition 0 has no live ingester/);
  await announce('live', 0, 1, 2, 3, 4, 5);
  assert.match(
    await changePartitions(parts, 6, ACTOR),
    /^4 partitions from the beginning\n6 partitions from \S+ on\n$/,
  );
  assert.deepEqual(await counts(), [4, 6]);
});

test('fewer are used while the log keeps what it has', async (t) => {
  const { parts, log, announce, counts } = await open(t);
  await announce('live', 0, 1, 2, 3);
  await changePartitions(parts, 1, ACTOR);
  assert.deepEqual([log.count, await counts()], [4, [4, 1]]);
  assert.match(await describePartitions(parts.store), /^1 partition from 2/m);
});

test('the same again is not a change', async (t) => {
  const { parts, counts } = await open(t);
  assert.equal(await changePartitions(parts, 4, ACTOR), 'writers use 4 partitions already\n');
  assert.deepEqual(await counts(), [4]);
});
