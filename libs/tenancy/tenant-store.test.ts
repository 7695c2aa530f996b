import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { TenantStore } from './tenant-store.ts';
import { openTenancy } from './testdata/tenancy-database.ts';
import { hashToken } from './tokens.ts';

const ACTOR = { who: 'ops@example.com', from: '192.0.2.7' };

async function openStore(context: TestContext) {
  const db = await openTenancy(context);
  let nowMs = 1000;
  const store = new TenantStore(db, () => nowMs);
  return {
    db,
    store,
    setTimeMs(ms: number) {
      nowMs = ms;
    },
  };
}

test('a tenant is created, found and listed', async (context) => {
  const { store, setTimeMs } = await openStore(context);
  const tenant = await store.createTenant(
    { id: 'team', name: 'Team', org: 'xs_org_1', overrides: { ingestion_rate: 5 } },
    ACTOR,
  );
  assert.deepEqual(tenant, {
    id: 'team',
    name: 'Team',
    org: 'xs_org_1',
    state: 'active',
    reason: '',
    overrides: { ingestion_rate: 5 },
    createdMs: 1000,
    changedMs: 1000,
  });
  setTimeMs(2000);
  const generated = await store.createTenant({ name: 'Other One' }, ACTOR);
  assert.match(generated.id, /^xs_other-one_[a-z2-7]{8}$/);
  assert.deepEqual(await store.tenant('team'), tenant);
  assert.deepEqual(await store.tenants(), [tenant, generated]);
  assert.equal(await store.tenant('nobody'), undefined);
});

test('a tenant that exists, a malformed id and bad limits are refused and leave no trace', async (context) => {
  const { store } = await openStore(context);
  await store.createTenant({ id: 'team', name: 'Team' }, ACTOR);
  await assert.rejects(store.createTenant({ id: 'team', name: 'x' }, ACTOR), { code: 'exists' });
  await assert.rejects(store.createTenant({ id: 'a|b', name: 'x' }, ACTOR), { code: 'invalid' });
  const overrides = { ingestion_rate: 'fast' };
  await assert.rejects(store.createTenant({ id: 'b', name: 'x', overrides }, ACTOR), { code: 'invalid' });
  assert.equal((await store.tenants()).length, 1);
  assert.equal((await store.auditLog(10)).length, 1);
});

test('state and limits change, with their audit rows', async (context) => {
  const { store, setTimeMs } = await openStore(context);
  await store.createTenant({ id: 'team', name: 'Team' }, ACTOR);
  setTimeMs(2000);
  await store.setState('team', 'soft_locked', 'plan lapsed', ACTOR);
  await store.setLimits('team', { request_rate: 3 }, { who: 'cli', from: 'cli' });
  const tenant = await store.tenant('team');
  assert.equal(tenant?.state, 'soft_locked');
  assert.equal(tenant?.reason, 'plan lapsed');
  assert.deepEqual(tenant?.overrides, { request_rate: 3 });
  assert.equal(tenant?.changedMs, 2000);
  await assert.rejects(store.setState('nobody', 'active', '', ACTOR), { code: 'not_found' });
  await assert.rejects(store.setLimits('team', { request_rate: -3 }, ACTOR), { code: 'invalid' });
  const log = await store.auditLog(2);
  assert.deepEqual(log, [
    {
      who: 'cli',
      from: 'cli',
      atMs: 2000,
      action: 'tenant.limits',
      tenant: 'team',
      detail: '{"request_rate":3}',
    },
    { ...ACTOR, atMs: 2000, action: 'tenant.soft_locked', tenant: 'team', detail: 'plan lapsed' },
  ]);
});

test('a token is shown once and stored as its hash alone', async (context) => {
  const { store, db } = await openStore(context);
  await store.createTenant({ id: 'team', name: 'Team' }, ACTOR);
  const { text, token } = await store.createToken({ tenant: 'team', name: 'agent', scope: 'write' }, ACTOR);
  assert.match(text, /^xag_/);
  assert.deepEqual(await store.tokens('team'), [token]);
  assert.equal((await db.query('SELECT hash FROM tokens'))[0].hash, hashToken(text));
  const stored = JSON.stringify([
    await db.query('SELECT * FROM tokens'),
    await db.query('SELECT * FROM audit_log'),
  ]);
  assert.ok(!stored.includes(text));
});

test('a token may be given, once', async (context) => {
  const { store } = await openStore(context);
  await store.createTenant({ id: 'team', name: 'Team' }, ACTOR);
  const given = { tenant: 'team', name: 'bootstrap', scope: 'read+write', text: 's3cret' } as const;
  assert.equal((await store.createToken(given, ACTOR)).text, 's3cret');
  await assert.rejects(store.createToken(given, ACTOR), { code: 'exists' });
  await assert.rejects(store.createToken({ ...given, text: 'a b' }, ACTOR), { code: 'invalid' });
  await assert.rejects(store.createToken({ ...given, tenant: 'nobody', text: 'x' }, ACTOR), {
    code: 'not_found',
  });
});

test('a token is revoked, and revoked again without fault', async (context) => {
  const { store } = await openStore(context);
  await store.createTenant({ id: 'team', name: 'Team' }, ACTOR);
  const { token } = await store.createToken({ tenant: 'team', name: 'agent', scope: 'write' }, ACTOR);
  await store.revokeToken(token.id, ACTOR);
  await store.revokeToken(token.id, ACTOR);
  assert.equal((await store.tokens('team'))[0].status, 'revoked');
  await assert.rejects(store.revokeToken('tok_none', ACTOR), { code: 'not_found' });
  await assert.rejects(store.rotateToken(token.id, 0, ACTOR), { code: 'invalid' });
});

test('a rotated token lives on for its grace period, or not at all', async (context) => {
  const { store } = await openStore(context);
  await store.createTenant({ id: 'team', name: 'Team' }, ACTOR);
  const first = await store.createToken({ tenant: 'team', name: 'agent', scope: 'read' }, ACTOR);
  const second = await store.rotateToken(first.token.id, 500, ACTOR);
  assert.notEqual(second.text, first.text);
  assert.equal(second.token.scope, 'read');
  const third = await store.rotateToken(second.token.id, 0, ACTOR);
  const tokens = new Map((await store.tokens('team')).map((token) => [token.id, token]));
  assert.equal(tokens.get(first.token.id)?.status, 'active');
  assert.equal(tokens.get(first.token.id)?.expiresMs, 1500);
  assert.equal(tokens.get(second.token.id)?.status, 'revoked');
  assert.equal(tokens.get(third.token.id)?.status, 'active');
  assert.equal(tokens.get(third.token.id)?.expiresMs, undefined);
});

test('every action takes the next change number', async (context) => {
  const { store, db } = await openStore(context);
  await Promise.all(
    Array.from({ length: 5 }, (_, i) => store.createTenant({ id: `t${i}`, name: 't' }, ACTOR)),
  );
  assert.equal((await db.query('SELECT change FROM changes'))[0].change, 5);
  const changes = await db.query('SELECT change FROM tenants ORDER BY change');
  assert.deepEqual(
    changes.map(({ change }) => change),
    [1, 2, 3, 4, 5],
  );
});
