import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createTenant, series, Xscaler, type XscalerOptions } from './harness/index.ts';
import { printedToken } from './harness/printed.ts';

async function create(t: TestContext, options: XscalerOptions = {}): Promise<Xscaler> {
  const xscaler = await Xscaler.create(options);
  t.after(() => xscaler.dispose());
  return xscaler;
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8);
}

function assertOwnersAlone(dir: string): void {
  assert.equal(modeOf(dir), '700', dir);
  const names = readdirSync(dir);
  // The database's and the log's own files, and what SQLite puts beside them while they are open.
  for (const name of [
    'lock.pid',
    'lock.sqlite',
    'database.sqlite',
    'database.sqlite-wal',
    'write-log.sqlite',
  ])
    assert.ok(names.includes(name), `${name} in ${names}`);
  for (const name of names) assert.equal(modeOf(join(dir, name)), '600', name);
}

async function write(xscaler: Xscaler): Promise<void> {
  const answer = await xscaler.client().push([series({ __name__: 'kept' }, [[Date.now(), 1]])]);
  assert.equal(answer.status, 204, answer.text);
}

test('a data folder that the program makes, and all in it, is for its user alone', async (t) => {
  const xscaler = await create(t);
  const made = join(xscaler.dataDir, 'above', 'data');
  const program = xscaler.spawn({ XSCALER_DATA_DIR: made });
  t.after(() => program.end('SIGKILL'));
  await program.untilReady(`${xscaler.url}/-/ready`, 60_000);
  await write(xscaler);
  assertOwnersAlone(made);
  assert.equal(modeOf(join(xscaler.dataDir, 'above')), '700');
});

test('a folder and files that an earlier release left readable are closed at the start, and the log says so', async (t) => {
  const xscaler = await create(t);
  await xscaler.start();
  await write(xscaler);
  await xscaler.kill();
  chmodSync(xscaler.dataDir, 0o755);
  for (const name of readdirSync(xscaler.dataDir)) chmodSync(join(xscaler.dataDir, name), 0o644);

  await xscaler.start();
  await write(xscaler);
  assertOwnersAlone(xscaler.dataDir);
  const said = xscaler.program.stdout.split('\n').find((line) => line.includes('other users could read'));
  assert.ok(said, xscaler.program.stdout);
  assert.match(said, /database\.sqlite/);
  await xscaler.stop();

  await xscaler.start();
  assert.doesNotMatch(xscaler.program.stdout, /other users could read/);
});

test('a command beside the running server leaves no file that others can read', async (t) => {
  const xscaler = await create(t);
  await xscaler.start();
  await createTenant(xscaler.dataDir, 'other', ['read']);
  for (const name of readdirSync(xscaler.dataDir))
    assert.equal(modeOf(join(xscaler.dataDir, name)), '600', name);
});

test('the mode of a folder that holds files of others stays; our files in it are closed all the same', async (t) => {
  const xscaler = await create(t);
  chmodSync(xscaler.dataDir, 0o755);
  writeFileSync(join(xscaler.dataDir, 'notes.txt'), 'not ours');
  mkdirSync(join(xscaler.dataDir, 'theirs'));
  chmodSync(join(xscaler.dataDir, 'notes.txt'), 0o644);
  await xscaler.start();
  assert.equal(modeOf(xscaler.dataDir), '755');
  assert.equal(modeOf(join(xscaler.dataDir, 'notes.txt')), '644');
  assert.equal(modeOf(join(xscaler.dataDir, 'database.sqlite')), '600');
  assert.equal(modeOf(join(xscaler.dataDir, 'write-log.sqlite')), '600');
  assert.match(xscaler.program.stdout, /notes\.txt/);
});

test('a token that was given is printed nowhere; what is printed says where it came from', async (t) => {
  const token = 'given-token-0123456789-abcdefghijklmnop';
  const given = await create(t, { token });
  await given.start();
  const answer = await given.client().get('/api/v1/query', { query: '1' });
  assert.equal(answer.status, 200, answer.text);
  assert.ok(!given.program.output.includes(token), given.program.output);
  assert.match(given.program.stdout, /its token is the one given by the setting bootstrap_token/);
  assert.match(given.program.stdout, /Authorization: Bearer <token>/);

  const fromFile = await create(t, { withoutBootstrap: true });
  const path = join(fromFile.dataDir, '..', `token-${process.pid}`);
  writeFileSync(path, `${token}\n`, { mode: 0o600 });
  const program = fromFile.spawn({ XSCALER_BOOTSTRAP_TOKEN_FILE: path });
  t.after(() => program.end('SIGKILL'));
  await program.untilReady(`${fromFile.url}/-/ready`, 60_000);
  assert.ok(!program.output.includes(token), program.output);
  assert.match(program.stdout, new RegExp(`its token is the one in the file ${path}`));
});

test('a random token is printed once', async (t) => {
  const xscaler = await create(t, { withoutBootstrap: true });
  await xscaler.start();
  assert.match(printedToken(xscaler.program.stdout), /^xag_\w{32}$/);
  await xscaler.stop();
  await xscaler.start();
  assert.equal(printedToken(xscaler.program.output), '');
});
