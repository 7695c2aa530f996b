import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { migrate, openSqliteDatabase } from '@xscaler/database';
import { TenantStore } from '@xscaler/tenancy';

const dir = mkdtempSync(join(tmpdir(), 'tenant-commands-'));
after(() => rmSync(dir, { recursive: true }));

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

function xscaler(...words: string[]) {
  const env = { PATH: process.env['PATH'], XSCALER_DATA_DIR: dir };
  const args = ['--disable-warning=ExperimentalWarning', MAIN, ...words];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  return { status, stdout, stderr };
}

test('tenants and tokens are created, listed and revoked by command', async () => {
  const before = xscaler('tenant', 'list');
  assert.equal(before.status, 2);
  assert.match(before.stderr, /no database at .*start the server once/);

  const db = openSqliteDatabase(join(dir, 'database.sqlite'));
  await migrate(db);
  assert.deepEqual(xscaler('tenant', 'create', 'acme'), { status: 0, stdout: 'acme\n', stderr: '' });
  assert.match(xscaler('tenant', 'list').stdout, /^acme\tactive$/m);

  const created = xscaler('token', 'create', 'acme', '--scope', 'write', '--name=ci');
  assert.match(created.stdout, /^xag_[A-Za-z0-9]{32}\n$/);
  const [token] = await new TenantStore(db).tokens('acme');
  assert.deepEqual([token.scope, token.status, token.name], ['write', 'active', 'ci']);
  assert.match(xscaler('token', 'list', 'acme').stdout, new RegExp(`^${token.id}\twrite\tactive\tci$`, 'm'));

  assert.equal(xscaler('token', 'revoke', token.id).stdout, 'revoked\n');
  assert.equal((await new TenantStore(db).tokens('acme'))[0].status, 'revoked');
  await db.close();
});

test('a tenant is deleted by command, restored, and both are in the audit log', async () => {
  const db = openSqliteDatabase(join(dir, 'database.sqlite'));
  await migrate(db);
  const store = new TenantStore(db);
  await store.createTenant({ id: 'gone', name: 'Gone' }, { who: 'test', from: 'test' });
  assert.deepEqual(xscaler('tenant', 'delete', 'gone', '--reason', 'contract ended'), {
    status: 0,
    stdout: 'deleted\n',
    stderr: '',
  });
  assert.equal((await store.tenant('gone'))?.state, 'deleted');
  assert.match(xscaler('tenant', 'list').stdout, /^gone\tdeleted$/m);
  assert.match(xscaler('tenant', 'delete', 'gone').stderr, /tenant gone is deleted/);
  assert.match(xscaler('tenant', 'delete', 'nobody').stderr, /there is no tenant nobody/);
  assert.match(xscaler('token', 'create', 'gone').stderr, /there is no tenant gone/);
  assert.equal(xscaler('tenant', 'restore', 'gone').stdout, 'active\n');
  assert.equal(xscaler('tenant', 'restore', 'gone').status, 2);
  const [restored, deleted] = xscaler('tenant', 'audit', '--limit', '2').stdout.trim().split('\n');
  const [time, who, from, ...rest] = deleted.split('\t');
  assert.ok(Date.parse(time) > 0 && who !== '');
  assert.deepEqual([from, ...rest], ['cli', 'tenant.deleted', 'gone', 'contract ended']);
  assert.match(restored, /\ttenant\.active\tgone/);
  assert.match(xscaler('tenant', 'audit', '--limit', 'all').stderr, /--limit must be a number/);
  await db.close();
});

test('a tenant’s shard is set by command, and follows its series limit again', async () => {
  const db = openSqliteDatabase(join(dir, 'database.sqlite'));
  const overrides = { max_global_series_per_user: 300_000 };
  await new TenantStore(db).createTenant(
    { id: 'shy', name: 'Shy', overrides },
    { who: 'test', from: 'test' },
  );
  const lines = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => line.replace(/ from \S+ on/, ''));
  assert.deepEqual(lines(xscaler('tenant', 'shard', 'shy').stdout), ['3 partitions, by its series limit']);
  assert.equal(lines(xscaler('tenant', 'shard', 'shy', '--size', '1').stdout).at(-1), '1 partition');
  assert.equal(lines(xscaler('tenant', 'shard', 'shy', '--size', 'all').stdout).at(-1), 'all partitions');
  const auto = xscaler('tenant', 'shard', 'shy', '--size=auto');
  assert.equal(lines(auto.stdout).at(-1), '3 partitions, by its series limit');
  assert.equal(lines(auto.stdout).length, 4);
  const refused = xscaler('tenant', 'shard', 'shy', '--size', 'many');
  assert.deepEqual([refused.status, refused.stdout], [2, '']);
  assert.match(refused.stderr, /--size must be/);
  assert.equal(xscaler('tenant', 'shard', 'nobody', '--size', '2').status, 2);
  await db.close();
});

test('what cannot be done is said, with exit code 2', () => {
  assert.match(xscaler('token', 'create', 'nobody').stderr, /nobody/);
  assert.match(xscaler('token', 'create', 'acme', '--scope', 'all').stderr, /--scope must be one of/);
  assert.match(xscaler('tenant', 'create', 'a/b').stderr, /tenant id may only contain/);
  assert.match(xscaler('tenant', 'remove', 'acme').stderr, /usage/);
  assert.match(xscaler('nonsense').stderr, /unknown target "nonsense"/);
  for (const words of [['token', 'create', 'nobody'], ['tenant'], ['nonsense']]) {
    assert.equal(xscaler(...words).status, 2);
  }
});
