import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DatabaseError } from '../sql/database.ts';
import { targetOf } from './postgres-options.ts';

test('a URL names host, port, user, password and database', async () => {
  const target = targetOf({ url: 'postgres://us%40er:p%2Fw@db.example:6432/metrics' });
  assert.equal(target.host, 'db.example');
  assert.equal(target.port, 6432);
  assert.equal(target.user, 'us@er');
  assert.equal(target.database, 'metrics');
  assert.equal(await target.password(), 'p/w');
  assert.equal(target.tls, undefined);
});

test('what is absent has PostgreSQL’s defaults', () => {
  const { port, user, database } = targetOf({ host: '127.0.0.1' });
  assert.deepEqual({ port, user, database }, { port: 5432, user: 'postgres', database: 'postgres' });
  assert.equal(targetOf({ url: 'postgresql://me@[::1]' }).database, 'me');
  assert.equal(targetOf({ url: 'postgresql://me@[::1]' }).host, '::1');
});

test('what stands beside the URL goes before it', async () => {
  const url = 'postgres://me:old@db/one';
  const target = targetOf({ url, database: 'two', password: 'new' });
  assert.equal(target.database, 'two');
  assert.equal(await target.password(), 'new');
});

test('a password file is read for each connection', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'password-'));
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, 'first\n');
  const target = targetOf({ host: 'db', passwordFile });
  assert.equal(await target.password(), 'first');
  await writeFile(passwordFile, 'second');
  assert.equal(await target.password(), 'second');
  await rm(folder, { recursive: true });
});

test('a bad URL is refused without its password', () => {
  const urls = [
    'not a url s3cret',
    'mysql://me:s3cret@db/x',
    'postgres://me:s3cret%zz@db/x',
    'postgres://me:s3cret@db/x?pool=7',
    'postgres:///s3cret',
  ];
  for (const url of urls) {
    assert.throws(
      () => targetOf({ url }),
      (error) => {
        assert.ok(error instanceof DatabaseError, String(error));
        assert.equal(error.code, 'invalid');
        assert.doesNotMatch(JSON.stringify(error) + error.stack + String(error.cause), /s3cret/);
        return true;
      },
    );
  }
  assert.throws(() => targetOf({}), { code: 'invalid' });
});
