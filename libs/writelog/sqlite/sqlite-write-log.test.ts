import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { WriteLogError } from '../write-log.ts';
import { CONTRACT_PARTITIONS, readRecords, recordOf, writeLogContract } from '../write-log-contract.ts';
import { openSqliteWriteLog, type SqliteWriteLogOptions } from './sqlite-write-log.ts';

async function openInFolder(options: Partial<SqliteWriteLogOptions> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'writelog-'));
  const path = join(folder, 'log.db');
  const open = () => openSqliteWriteLog({ path, partitionCount: CONTRACT_PARTITIONS, ...options });
  let log = open();
  return {
    path,
    log,
    async reopen() {
      await log.close();
      log = open();
      return log;
    },
    async remake() {
      await log.close();
      for (const suffix of ['', '-wal', '-shm']) await rm(`${path}${suffix}`, { force: true });
      log = open();
      return log;
    },
    async dispose() {
      await log.close();
      await rm(folder, { recursive: true });
    },
  };
}

writeLogContract('sqlite', openInFolder);
writeLogContract('sqlite without a tail cache', () => openInFolder({ tailCacheBytes: 0 }));
writeLogContract('sqlite with a tail of a few records', () => openInFolder({ tailCacheBytes: 150_000 }));

test('a log may be opened with more partitions, and keeps those that it has', async () => {
  const { path, dispose, log } = await openInFolder();
  await log.append(2, recordOf(0));
  await log.close();
  const grown = openSqliteWriteLog({ path, partitionCount: 5 });
  assert.equal(grown.partitionCount, 5);
  assert.equal(await grown.append(4, recordOf(1)), 0);
  assert.equal(await grown.append(2, recordOf(2)), 1);
  await grown.close();
  const shrunk = openSqliteWriteLog({ path, partitionCount: 1 });
  assert.equal(shrunk.partitionCount, 5);
  assert.deepEqual(await readRecords(shrunk, 4, 0, 1), [recordOf(1)]);
  await assert.rejects(shrunk.append(5, recordOf(3)), /there is no partition 5: the log has 5/);
  await shrunk.close();
  await dispose();
});

test('a log that is open is refused to others', async () => {
  const { path, dispose, log } = await openInFolder();
  await log.append(0, recordOf(0));
  assert.throws(() => openSqliteWriteLog({ path, partitionCount: 3 }), { code: 'unavailable' });
  await dispose();
});

test('past the bound of waiting bytes an append is refused and the others stand', async () => {
  const { log, dispose } = await openInFolder({ maxPendingBytes: 1000 });
  const first = log.append(0, recordOf(0, 900));
  await assert.rejects(log.append(0, recordOf(1, 200)), { code: 'unavailable', retryable: true });
  assert.equal(await first, 0);
  assert.equal(await log.append(0, recordOf(1, 200)), 1);
  await dispose();
});

test('close commits what was waiting and ends reads', async () => {
  const { log, reopen, dispose } = await openInFolder();
  const reading = readRecords(log, 1, 0, 1);
  const appended = log.append(0, recordOf(0));
  const again = await reopen();
  assert.equal(await appended, 0);
  await assert.rejects(reading, { code: 'closed' });
  assert.equal((await readRecords(again, 0, 0, 1)).length, 1);
  await dispose();
});

test('appends that arrive together share one commit', async () => {
  const { log, dispose } = await openInFolder({ maxPendingBytes: 1000 });
  await Promise.all([log.append(0, recordOf(0)), log.append(1, recordOf(1)), log.append(2, recordOf(2))]);
  const waiting = log.append(0, recordOf(3, 950));
  await assert.rejects(log.append(0, recordOf(4)), { code: 'unavailable' });
  assert.equal(log.stats.pendingBytes, 950);
  await waiting;
  const { commits, records, bytes, refused, pendingBytes, tailBytes } = log.stats;
  assert.deepEqual([commits, records, bytes, refused, pendingBytes, tailBytes], [2, 4, 1250, 1, 0, 1250]);
  await dispose();
});

test('truncated records are deleted from the file', async () => {
  const { log, path, dispose } = await openInFolder();
  for (let i = 0; i < 300; i++) void log.append(0, recordOf(i));
  await log.append(1, recordOf(0));
  await log.truncate(0, 290);
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  await log.close();
  const file = new DatabaseSync(path);
  assert.equal(file.prepare('SELECT count(*) AS n FROM records').get()?.n, 11);
  file.close();
  await dispose();
});

test('the WAL is folded into the file as appends go on', async () => {
  const { log, path, dispose } = await openInFolder();
  const { statSync } = await import('node:fs');
  for (let i = 0; i < 400; i++) await log.append(0, recordOf(i, 100_000));
  assert.ok(statSync(`${path}-wal`).size < 20 * 1024 * 1024);
  assert.equal((await readRecords(log, 0, 0, 400)).length, 400);
  await dispose();
});

test('a commit that fails refuses all of its appends, and offsets go on without a hole', async () => {
  const { log, path, dispose, reopen } = await openInFolder();
  await log.append(0, recordOf(0));
  await log.close();
  const file = new DatabaseSync(path);
  file.exec(`CREATE TRIGGER refuse BEFORE INSERT ON records WHEN length(new.record) = 666
             BEGIN SELECT raise(ROLLBACK, 'refused'); END`);
  file.close();
  const again = await reopen();
  const results = await Promise.allSettled([
    again.append(0, recordOf(1)),
    again.append(0, recordOf(2, 666)),
    again.append(1, recordOf(3)),
  ]);
  for (const result of results) {
    assert.ok(result.status === 'rejected' && result.reason instanceof WriteLogError);
  }
  assert.equal(await again.append(0, recordOf(4)), 1);
  assert.equal(await again.append(1, recordOf(5)), 0);
  assert.deepEqual(await readRecords(again, 0, 1, 1), [recordOf(4)]);
  await dispose();
});

test('a record that was moved away is the caller’s fault', async () => {
  const { log, dispose } = await openInFolder();
  const record = recordOf(0);
  structuredClone(record, { transfer: [record.buffer as ArrayBuffer] });
  await assert.rejects(log.append(0, record), TypeError);
  await dispose();
});

test('a log from before there were identities gets one when it is opened, and keeps it', async () => {
  const { log, path, dispose, reopen } = await openInFolder();
  await log.append(0, recordOf(0));
  await log.close();
  const file = new DatabaseSync(path);
  file.exec('ALTER TABLE log DROP COLUMN identity');
  file.close();
  const identity = await (await reopen()).identity();
  assert.match(identity, /^[0-9a-f]{32}$/);
  const again = await reopen();
  assert.equal(await again.identity(), identity);
  assert.deepEqual(await readRecords(again, 0, 0, 1), [recordOf(0)]);
  await dispose();
});
