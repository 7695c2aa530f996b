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

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

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
