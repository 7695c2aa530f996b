import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Database, DatabaseError } from '@xscaler/database';
import { limitsSchema } from './limits.ts';
import { TenantDirectory } from './tenant-directory.ts';
import { TenantStore } from './tenant-store.ts';
import { openTenancy } from './testdata/tenancy-database.ts';

const ACTOR = { who: 'test', from: 'test' };
const MINUTE_MS = 60_000;

/** A database that can go away, and counts what it is asked. */
class FlakyDatabase implements Database {
  readonly dialect = 'sqlite';
  readonly #db: Database;
  isAway = false;
  queries = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  query: Database['query'] = (sql, params) => {
    this.queries++;
    if (this.isAway) return Promise.reject(new DatabaseError('unavailable', 'away'));
    return this.#db.query(sql, params);
  };

  transaction: Database['transaction'] = (work) => {
    if (this.isAway) return Promise.reject(new DatabaseError('unavailable', 'away'));
    return this.#db.transaction(work);
  };

  close(): Promise<void> {
    return this.#db.close();
  }
}

/** A started directory with a clock and a poll that the test moves. */
async function openDirectory(context: TestContext) {
  const db = new FlakyDatabase(await openTenancy(context));
  const clock = { nowMs: 1_000_000 };
  const now = () => clock.nowMs;
  const faults: string[] = [];
  let nextPoll: (() => void) | undefined;
  let scheduled: () => void = () => {};
  const directory = new TenantDirectory({
    db,
    defaults: limitsSchema.parse({ max_label_names_per_series: 99 }),
    now,
    schedule(poll, delayMs) {
      assert.equal(delayMs, 500);
      nextPoll = poll;
      scheduled();
      return () => {
        nextPoll = undefined;
      };
    },
    onFault: (fault) => faults.push(fault),
  });
  const store = new TenantStore(db, now);
  await store.createTenant({ id: 'team', name: 'Team' }, ACTOR);
  const text = async (scope: 'read' | 'write' | 'read+write' | 'admin') =>
    (await store.createToken({ tenant: 'team', name: scope, scope }, ACTOR)).text;
  const tokens = {
    read: await text('read'),
    write: await text('write'),
    both: await text('read+write'),
    admin: await text('admin'),
  };
  await directory.start();
  /** Runs the next poll and waits until the one after it is scheduled. */
  const poll = () =>
    new Promise<void>((resolve) => {
      scheduled = resolve;
      nextPoll?.();
    });
  const code = (token: string | undefined, tenant: string, access: 'read' | 'write' | 'admin') => {
    const answer = directory.authenticate(token, tenant, access);
    return answer.ok ? 'ok' : answer.code;
  };
  return { db, clock, directory, store, tokens, poll, code, faults, hasPoll: () => nextPoll !== undefined };
}

test('a token opens its tenant for its scope alone', async (context) => {
  const { code, tokens } = await openDirectory(context);
  const table = (['read', 'write', 'both', 'admin'] as const).map((name) =>
    (['read', 'write', 'admin'] as const).map((access) => code(tokens[name], 'team', access)),
  );
  const no = 'forbidden_scope';
  assert.deepEqual(table, [
    ['ok', no, no],
    [no, 'ok', no],
    ['ok', 'ok', no],
    [no, no, 'ok'],
  ]);
});

test('missing, unknown, revoked, expired and foreign tokens get one same answer', async (context) => {
  const { directory, store, tokens, clock, poll } = await openDirectory(context);
  await store.createTenant({ id: 'other', name: 'Other' }, ACTOR);
  await store.createTenant({ id: 'gone', name: 'Gone' }, ACTOR);
  const create = (tenant: string, expiresMs?: number) =>
    store.createToken(
      { tenant, name: 't', scope: 'read+write', ...(expiresMs === undefined ? {} : { expiresMs }) },
      ACTOR,
    );
  const revoked = await create('team');
  const expired = await create('team', clock.nowMs + 10);
  const deleted = await create('gone');
  await poll();
  assert.ok(directory.authenticate(revoked.text, 'team', 'read').ok);
  assert.ok(directory.authenticate(expired.text, 'team', 'read').ok);
  assert.ok(directory.authenticate(deleted.text, 'gone', 'read').ok);
  await store.revokeToken(revoked.token.id, ACTOR);
  await store.setState('gone', 'deleted', '', ACTOR);
  clock.nowMs += 10;
  await poll();
  const answers = [
    directory.authenticate(undefined, 'team', 'read'),
    directory.authenticate('', 'team', 'read'),
    directory.authenticate('xag_unknown', 'team', 'read'),
    directory.authenticate(revoked.text, 'team', 'read'),
    directory.authenticate(expired.text, 'team', 'read'),
    directory.authenticate(deleted.text, 'gone', 'read'),
    directory.authenticate(tokens.both, 'other', 'read'),
    directory.authenticate(tokens.both, 'nobody', 'read'),
    directory.authenticate(tokens.read, 'other', 'write'),
  ];
  for (const answer of answers) assert.deepEqual(answer, answers[0]);
  assert.equal(!answers[0].ok && answers[0].code, 'unauthenticated');
  assert.equal(directory.tenant('gone'), undefined);
  assert.deepEqual(
    [...directory.tenants()].map(({ id }) => id),
    ['team', 'other'],
  );
});

test('a suspended tenant is closed, a locked one reads on and says why it does not write', async (context) => {
  const { directory, store, tokens, poll, code } = await openDirectory(context);
  await store.setState('team', 'soft_locked', 'plan lapsed', ACTOR);
  await poll();
  assert.equal(code(tokens.both, 'team', 'read'), 'ok');
  assert.deepEqual(directory.authenticate(tokens.both, 'team', 'write'), {
    ok: false,
    code: 'tenant_soft_locked',
    reason: 'plan lapsed',
  });
  assert.equal(code(tokens.read, 'team', 'write'), 'forbidden_scope');
  await store.setState('team', 'suspended', '', ACTOR);
  await poll();
  assert.equal(code(tokens.both, 'team', 'read'), 'tenant_suspended');
  assert.equal(code(tokens.both, 'team', 'write'), 'tenant_suspended');
  assert.equal(code(tokens.admin, 'team', 'admin'), 'ok');
  await store.setState('team', 'active', '', ACTOR);
  await poll();
  assert.equal(code(tokens.both, 'team', 'write'), 'ok');
});

test('limits are the defaults with the tenant’s overrides, live', async (context) => {
  const { directory, store, db, poll, faults } = await openDirectory(context);
  const before = directory.tenant('team')?.limits;
  assert.equal(before?.max_label_names_per_series, 99);
  await poll();
  assert.equal(directory.tenant('team')?.limits, before);
  await store.setLimits('team', { ingestion_rate: 7 }, ACTOR);
  await poll();
  assert.deepEqual(directory.tenant('team')?.limits, { ...before, ingestion_rate: 7 });
  const stored = JSON.stringify({ of_another_version: 1, request_rate: 4 });
  await db.query('UPDATE tenants SET limits = $1, change = 100', [stored]);
  await db.query('UPDATE changes SET change = 100');
  await poll();
  assert.deepEqual(directory.tenant('team')?.limits, { ...before, request_rate: 4 });
  assert.deepEqual(faults, ['limits of tenant team: unknown limit of_another_version']);
});

test('a poll that finds no change is one query', async (context) => {
  const { db, poll } = await openDirectory(context);
  db.queries = 0;
  await poll();
  await poll();
  assert.equal(db.queries, 2);
});

test('without the database known tokens work on for five minutes, unknown ones are unavailable', async (context) => {
  const { db, clock, tokens, poll, code, directory } = await openDirectory(context);
  db.isAway = true;
  await poll();
  assert.ok(directory.isDatabaseAway);
  assert.equal(code(tokens.both, 'team', 'write'), 'ok');
  assert.equal(code(tokens.read, 'team', 'write'), 'forbidden_scope');
  assert.equal(code('xag_unknown', 'team', 'write'), 'unavailable');
  assert.equal(code(undefined, 'team', 'write'), 'unauthenticated');
  clock.nowMs += 5 * MINUTE_MS;
  await poll();
  assert.equal(code(tokens.both, 'team', 'write'), 'ok');
  assert.equal(directory.canAuthenticate, true);
  clock.nowMs += 1;
  assert.equal(code(tokens.both, 'team', 'write'), 'unavailable');
  assert.equal(directory.canAuthenticate, false);
  db.isAway = false;
  await poll();
  assert.equal(directory.canAuthenticate, true);
  assert.equal(code(tokens.both, 'team', 'write'), 'ok');
  assert.equal(code('xag_unknown', 'team', 'write'), 'unauthenticated');
});

test('a poll that does not come back counts as the database being unreachable', async (context) => {
  const { clock, code } = await openDirectory(context);
  assert.equal(code('xag_unknown', 'team', 'write'), 'unauthenticated');
  clock.nowMs += 6_000;
  assert.equal(code('xag_unknown', 'team', 'write'), 'unavailable');
});

test('before the first load nothing can be checked, and a load that fails says so', async (context) => {
  const db = new FlakyDatabase(await openTenancy(context));
  const directory = new TenantDirectory({ db, defaults: limitsSchema.parse({}) });
  const answer = directory.authenticate('xag_1', 'team', 'read');
  assert.equal(!answer.ok && answer.code, 'unavailable');
  db.isAway = true;
  await assert.rejects(directory.start(), { code: 'unavailable' });
});

test('several tenants are read by a token that may read them all', async (context) => {
  const { directory, store, tokens, code } = await openDirectory(context);
  for (const id of ['b', 'c']) await store.createTenant({ id, name: id }, ACTOR);
  const { text } = await store.createToken(
    { tenant: 'team', name: 'wide', scope: 'read+write', extraTenants: ['b'] },
    ACTOR,
  );
  await directory.refresh();
  const answer = directory.authenticate(text, 'b|team|b', 'read');
  assert.ok(answer.ok);
  assert.deepEqual(
    answer.tenants.map(({ id }) => id),
    ['b', 'team'],
  );
  assert.equal(answer.tenant.id, 'b');
  assert.equal(code(text, 'b', 'read'), 'ok');
  assert.equal(code(text, 'team|b', 'write'), 'forbidden_scope');
  assert.equal(code(text, 'team|c', 'read'), 'unauthenticated');
  assert.equal(code(text, 'team|', 'read'), 'unauthenticated');
  assert.equal(code(tokens.both, 'team|b', 'read'), 'unauthenticated');
  await store.setState('b', 'suspended', '', ACTOR);
  await directory.refresh();
  assert.equal(code(text, 'team|b', 'read'), 'tenant_suspended');
});

test('the last use of a token is stored within a minute or so', async (context) => {
  const { clock, db, store, tokens, poll, code } = await openDirectory(context);
  const lastUses = async () => (await store.tokens('team')).map(({ lastUsedMs }) => lastUsedMs);
  code(tokens.read, 'team', 'read');
  code(tokens.write, 'team', 'read');
  const usedMs = clock.nowMs;
  await poll();
  assert.deepEqual(await lastUses(), [undefined, undefined, undefined, undefined]);
  clock.nowMs += MINUTE_MS;
  await poll();
  assert.deepEqual(await lastUses(), [usedMs, undefined, undefined, undefined]);
  code(tokens.both, 'team', 'write');
  const laterMs = clock.nowMs;
  clock.nowMs += MINUTE_MS;
  db.isAway = true;
  await poll();
  db.isAway = false;
  await poll();
  assert.deepEqual(await lastUses(), [usedMs, undefined, laterMs, undefined]);
});

test('a stopped directory polls no more', async (context) => {
  const { directory, hasPoll } = await openDirectory(context);
  assert.ok(hasPoll());
  directory.stop();
  assert.ok(!hasPoll());
});

test('revoking reaches a directory on its own timer', async (context) => {
  const db = await openTenancy(context);
  const store = new TenantStore(db);
  await store.createTenant({ id: 'team', name: 'Team' }, ACTOR);
  const { text, token } = await store.createToken({ tenant: 'team', name: 't', scope: 'read' }, ACTOR);
  const directory = new TenantDirectory({ db, defaults: limitsSchema.parse({}), pollIntervalMs: 5 });
  await directory.start();
  assert.ok(directory.authenticate(text, 'team', 'read').ok);
  await store.revokeToken(token.id, ACTOR);
  while (directory.authenticate(text, 'team', 'read').ok) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  directory.stop();
});
