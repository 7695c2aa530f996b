import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { SqlBlockStore } from '@xscaler/database';
import { PlacementDirectory } from './placement-directory.ts';
import { PlacementStore } from './placement-store.ts';
import { shardOf } from './shard.ts';
import { TenantStore } from './tenant-store.ts';
import { openTenancy } from './testdata/tenancy-database.ts';

const ACTOR = { who: 'ops@example.com', from: '192.0.2.7' };
const START_MS = 1_700_000_000_000;
const DAY_MS = 24 * 3_600_000;

async function openPlacement(context: TestContext) {
  const db = await openTenancy(context);
  const clock = { nowMs: START_MS };
  const now = () => clock.nowMs;
  const store = new PlacementStore(db, now);
  const tenants = new TenantStore(db, now);
  return { db, clock, store, tenants, directory: new PlacementDirectory({ db, now }) };
}

test('the first count holds at once, and only the first', async (context) => {
  const { store, directory } = await openPlacement(context);
  assert.deepEqual(await Promise.all([4, 4, 7].map((count) => store.ensurePartitionCount(count))), [4, 4, 4]);
  await directory.refresh();
  assert.deepEqual(directory.writeShard('acme')?.partitions, [0, 1, 2, 3]);
  assert.deepEqual(await directory.readPartitions('acme'), [0, 1, 2, 3]);
});

test('a new count is read at once and written ten seconds later; the old one is read for a day, and until it is in blocks', async (context) => {
  const { db, clock, store, directory } = await openPlacement(context);
  await store.ensurePartitionCount(4);
  await directory.refresh();
  await store.setPartitionCount(6, ACTOR);
  await directory.refresh();
  const old = directory.writeShard('acme');
  assert.deepEqual(await directory.readPartitions('acme'), [0, 1, 2, 3, 4, 5]);
  clock.nowMs += 9_999;
  assert.equal(directory.writeShard('acme'), old);
  clock.nowMs += 1;
  assert.deepEqual(directory.writeShard('acme')?.partitions, [0, 1, 2, 3, 4, 5]);

  await store.setPartitionCount(2, ACTOR);
  await directory.refresh();
  clock.nowMs += 10_000;
  assert.deepEqual(directory.writeShard('acme')?.partitions, [0, 1]);
  clock.nowMs += DAY_MS - 1;
  const blocks = new SqlBlockStore(db);
  for (let partition = 0; partition < 5; partition++) await blocks.noteCommitted(partition, 0, clock.nowMs);
  assert.deepEqual(await directory.readPartitions('acme'), [0, 1, 2, 3, 4, 5]);
  clock.nowMs += 1;
  assert.deepEqual(await directory.readPartitions('acme'), [0, 1, 5], 'nobody knows that 5 is in blocks');
  await blocks.noteCommitted(5, 0, clock.nowMs - DAY_MS + 3_600_000 - 1);
  clock.nowMs += 5_000;
  assert.deepEqual(await directory.readPartitions('acme'), [0, 1, 5], 'one may have written there since');
  await blocks.noteCommitted(5, 0, clock.nowMs - 5_000 - DAY_MS + 3_600_000);
  clock.nowMs += 5_000;
  assert.deepEqual(await directory.readPartitions('acme'), [0, 1]);
});

test('a writer obeys no row that it has known for less than five seconds, whatever the clocks say', async (context) => {
  const { db, clock, store, directory } = await openPlacement(context);
  await store.ensurePartitionCount(4);
  await directory.refresh();
  await store.setPartitionCount(6, ACTOR);
  clock.nowMs += 30_000;
  await directory.refresh();
  assert.equal(directory.writeShard('acme')?.partitions.length, 4);
  clock.nowMs += 4_999;
  const started = new PlacementDirectory({ db, now: () => clock.nowMs });
  await started.refresh();
  assert.equal(directory.writeShard('acme')?.partitions.length, 4);
  clock.nowMs += 1;
  assert.equal(directory.writeShard('acme')?.partitions.length, 6);
  assert.equal(started.writeShard('acme')?.partitions.length, 4, 'a start doesn’t make it known for longer');
  clock.nowMs += 4_999;
  assert.equal(started.writeShard('acme')?.partitions.length, 6);
});

test('a tenant’s shard follows its series limit until an operator fixes it', async (context) => {
  const { clock, store, tenants, directory } = await openPlacement(context);
  await store.ensurePartitionCount(16);
  const overrides = (limit: number) => ({ max_global_series_per_user: limit });
  await tenants.createTenant({ id: 'acme', name: 'a', overrides: overrides(250_000) }, ACTOR);
  await tenants.createTenant({ id: 'small', name: 's', defaultSeriesLimit: 10_000 }, ACTOR);
  await tenants.createTenant({ id: 'open', name: 'o' }, ACTOR);
  const sizeOf = async (tenant: string) => {
    await directory.refresh();
    clock.nowMs += 20_000;
    return directory.writeShard(tenant)?.partitions.length;
  };
  assert.deepEqual([await sizeOf('acme'), await sizeOf('small'), await sizeOf('open')], [3, 1, 16]);
  assert.deepEqual(directory.writeShard('acme')?.partitions, shardOf('acme', 3, 16));
  await tenants.setLimits('acme', overrides(750_000), ACTOR);
  assert.equal(await sizeOf('acme'), 8);
  await tenants.setLimits('acme', { ingestion_rate: 5 }, ACTOR);
  assert.equal(await sizeOf('acme'), 8);
  await store.setShardSize('acme', { size: 2, isFixed: true }, ACTOR);
  assert.equal(await sizeOf('acme'), 2);
  await tenants.setLimits('acme', overrides(900_000), ACTOR);
  assert.equal(await sizeOf('acme'), 2);
  await store.setShardSize('acme', { size: 9, isFixed: false }, ACTOR);
  assert.equal(await sizeOf('acme'), 9);
  await tenants.setLimits('acme', overrides(0), ACTOR);
  assert.equal(await sizeOf('acme'), 16);
  assert.deepEqual(
    (await store.shardSizes('acme')).map(({ size, isFixed }) => [size, isFixed]),
    [
      [3, false],
      [8, false],
      [2, true],
      [9, false],
      [0, false],
    ],
  );
});

test('what makes no sense is refused, and every change is in the audit log', async (context) => {
  const { store, tenants } = await openPlacement(context);
  await tenants.createTenant({ id: 'acme', name: 'a' }, ACTOR);
  for (const count of [0, -1, 1.5, 1_025]) {
    await assert.rejects(store.setPartitionCount(count, ACTOR), { code: 'invalid' });
  }
  await assert.rejects(store.setShardSize('acme', { size: -1, isFixed: true }, ACTOR), { code: 'invalid' });
  await assert.rejects(store.setShardSize('nobody', { size: 1, isFixed: true }, ACTOR), {
    code: 'not_found',
  });
  await store.setPartitionCount(5, ACTOR);
  await store.setShardSize('acme', { size: 2, isFixed: true }, ACTOR);
  const entries = await tenants.auditLog(2);
  assert.deepEqual(
    entries.map(({ action, tenant, detail, who }) => [action, tenant, detail, who]),
    [
      ['tenant.shard', 'acme', '2', ACTOR.who],
      ['log.partitions', '', '5', ACTOR.who],
    ],
  );
});

test('without the database readers stop after seconds, writers after an hour', async (context) => {
  const { db, clock, store, directory } = await openPlacement(context);
  await store.ensurePartitionCount(4);
  await directory.refresh();
  const away = Object.assign(Object.create(db), { query: () => Promise.reject(new Error('away')) });
  const cutOff = new PlacementDirectory({ db: away, now: () => clock.nowMs });
  await assert.rejects(cutOff.readPartitions('acme'), /away/);
  assert.equal(cutOff.writeShard('acme'), undefined);

  clock.nowMs += 3_600_000;
  assert.equal(directory.writeShard('acme')?.partitions.length, 4);
  clock.nowMs += 1;
  assert.equal(directory.writeShard('acme'), undefined);
  assert.equal((await directory.readPartitions('acme')).length, 4);
  assert.equal(directory.writeShard('acme')?.partitions.length, 4);
});
