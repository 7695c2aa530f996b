import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { migrate } from '@xscaler/database';
import { PlacementDirectory, PlacementStore, shardOf, TenantDirectory, TenantStore } from '@xscaler/tenancy';
import { limitsSchema } from '@xscaler/tenancy/limits';
import { eventually } from '../harness/index.ts';
import { openTestDatabase } from './open-test-database.ts';
import { PostgresServer, skipWithoutPostgres } from './postgres-server.ts';

const ACTOR = { who: 'test', from: 'test' };

describe('tenants and tokens in PostgreSQL', { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.dispose());

  /** Two gateways and a control API, each with connections of its own. */
  async function open(t: TestContext) {
    const { db, connect, dispose } = await openTestDatabase(server);
    t.after(dispose);
    await migrate(db);
    const defaults = limitsSchema.parse({});
    const gateways: TenantDirectory[] = [];
    for (let i = 0; i < 2; i++) {
      const gateway = new TenantDirectory({ db: await connect(), defaults, pollIntervalMs: 50 });
      await gateway.start();
      t.after(() => gateway.stop());
      gateways.push(gateway);
    }
    return { db, connect, store: new TenantStore(db), gateways };
  }

  /** Waits until every gateway gives `wanted` for the token: `ok` or the code of its refusal. */
  function untilAll(gateways: readonly TenantDirectory[], text: string, tenant: string, wanted: string) {
    return eventually(`${wanted} at every gateway`, 10_000, async () => {
      const answers = gateways.map((gateway) => gateway.authenticate(text, tenant, 'read'));
      return answers.every((answer) => (answer.ok ? 'ok' : answer.code) === wanted) ? true : undefined;
    });
  }

  test('a token is known, and refused once revoked, at every gateway', async (t) => {
    const { store, gateways } = await open(t);
    await store.createTenant({ id: 'team', name: 'Team', overrides: { ingestion_rate: 5 } }, ACTOR);
    const { text, token } = await store.createToken(
      { tenant: 'team', name: 'agent', scope: 'read+write' },
      ACTOR,
    );
    await untilAll(gateways, text, 'team', 'ok');
    assert.equal(gateways[0].tenant('team')?.limits.ingestion_rate, 5);
    await store.revokeToken(token.id, ACTOR);
    await untilAll(gateways, text, 'team', 'unauthenticated');
    const log = await store.auditLog(10);
    assert.deepEqual(
      log.map(({ action }) => action),
      ['token.revoke', 'token.create', 'tenant.create'],
    );
  });

  test('actions of several clients at once take one change number each', async (t) => {
    const { db, connect, store } = await open(t);
    const stores = [store, new TenantStore(await connect()), new TenantStore(await connect())];
    await Promise.all(
      Array.from({ length: 24 }, (_, i) => stores[i % 3].createTenant({ id: `t${i}`, name: 't' }, ACTOR)),
    );
    const twice = await Promise.allSettled(
      stores.map((each) => each.createTenant({ id: 'same', name: 't' }, ACTOR)),
    );
    assert.equal(twice.filter(({ status }) => status === 'fulfilled').length, 1);
    const changes = await db.query('SELECT change FROM audit_log ORDER BY change');
    assert.deepEqual(
      changes.map(({ change }) => change),
      Array.from({ length: 25 }, (_, i) => i + 1),
    );
  });

  test('services that start at once agree on the partitions, and see what is changed', async (t) => {
    const { db, connect, store } = await open(t);
    const others = [db, await connect(), await connect()];
    const counts = others.flatMap((each) =>
      [3, 5].map((count) => new PlacementStore(each).ensurePartitionCount(count)),
    );
    const [first] = await Promise.all(counts);
    assert.deepEqual(
      await Promise.all(counts),
      counts.map(() => first),
    );
    assert.equal((await new PlacementStore(db).partitionCounts()).length, 1);

    const overrides = { max_global_series_per_user: 150_000 };
    await store.createTenant({ id: 'team', name: 'Team', overrides }, ACTOR);
    const directory = new PlacementDirectory({ db: await connect(), pollIntervalMs: 50 });
    await directory.start();
    t.after(() => directory.stop());
    assert.equal(directory.writeShard('other')?.partitions.length, first);
    await new PlacementStore(db).setPartitionCount(9, ACTOR);
    await eventually('readers ask for what is announced', 10_000, async () =>
      (await directory.readPartitions('other')).length === 9 ? true : undefined,
    );
    await eventually('writers obey', 40_000, async () => {
      const { partitions } = directory.writeShard('team') ?? { partitions: [] };
      return partitions.join() === shardOf('team', 2, 9).join() ? true : undefined;
    });
  });

  test('known tokens work on while the server is unreachable, and news arrive when it is back', async (t) => {
    const { store, gateways } = await open(t);
    await store.createTenant({ id: 'team', name: 'Team' }, ACTOR);
    const { text } = await store.createToken({ tenant: 'team', name: 'agent', scope: 'read' }, ACTOR);
    await untilAll(gateways, text, 'team', 'ok');
    await server.kill();
    await untilAll(gateways, `xag_${'x'.repeat(32)}`, 'team', 'unavailable');
    await untilAll(gateways, text, 'team', 'ok');
    await server.start();
    await untilAll(gateways, `xag_${'x'.repeat(32)}`, 'team', 'unauthenticated');
    await store.setState('team', 'suspended', 'unpaid', ACTOR);
    await untilAll(gateways, text, 'team', 'tenant_suspended');
  });
});
