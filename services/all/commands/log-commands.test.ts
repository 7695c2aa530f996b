import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  type LogMark,
  migrate,
  openSqliteDatabase,
  SqlBlockStore,
  SqlLogIdentityStore,
} from '@xscaler/database';
import { acceptLoss } from '@xscaler/ingester';
import { loadConfig } from '@xscaler/runtime/config';
import { openSqliteWriteLog, type WriteLog } from '@xscaler/writelog';
import { configSchema } from '../configuration/config.ts';
import { runLogCommand } from './log-commands.ts';

/** A log of ten records and the blocks' side of it, resuming at an offset. */
async function machine(t: TestContext, resumeOffset: number, mark?: LogMark) {
  const dir = mkdtempSync(join(tmpdir(), 'log-commands-'));
  const log = openSqliteWriteLog({ path: join(dir, 'log.sqlite'), partitionCount: 1 });
  const db = openSqliteDatabase(join(dir, 'db.sqlite'));
  t.after(async () => {
    await log.close();
    await db.close();
    rmSync(dir, { recursive: true });
  });
  await migrate(db);
  const blocks = new SqlBlockStore(db);
  for (let i = 0; i < 10; i++) await log.append(0, Uint8Array.of(i));
  const commit = { meta: undefined, partCount: 0, partition: 0, expectedResumeOffset: 0, metadata: [] };
  const known = { identity: await log.identity(), mark };
  await blocks.commit({ ...commit, resumeOffset, log: known });
  const held: string[] = [];
  return { log, blocks, held, holdersOf: async () => held };
}

test('if nothing is missing nothing is accepted', async (t) => {
  const parts = await machine(t, 4);
  assert.match(await acceptLoss(parts, 0), /nothing is missing/);
  assert.equal(await parts.blocks.resumeOffset(0), 4);
});

test('records that the log has dropped are given up by name, once', async (t) => {
  const parts = await machine(t, 4);
  await parts.log.truncate(0, 7);
  assert.match(await acceptLoss(parts, 0), /records 4 to 6 are lost; it resumes at 7/);
  assert.equal(await parts.blocks.resumeOffset(0), 7);
  assert.match(await acceptLoss(parts, 0), /nothing is missing/);
});

test('a log that was made anew starts anew: its offsets mean nothing to the ledger', async (t) => {
  const parts = await machine(t, 50);
  assert.match(
    await acceptLoss(parts, 0),
    /below the resume offset 50: it is not the log that blocks were created from; .*; it resumes at 0/,
  );
  assert.equal(await parts.blocks.resumeOffset(0), 0);
  assert.deepEqual(await parts.blocks.ledger(0), []);
});

/** A log that stands in the place of the machine's, with `count` records. */
async function anotherLog(t: TestContext, count: number): Promise<WriteLog> {
  const dir = mkdtempSync(join(tmpdir(), 'log-commands-'));
  const log = openSqliteWriteLog({ path: join(dir, 'log.sqlite'), partitionCount: 1 });
  t.after(async () => {
    await log.close();
    rmSync(dir, { recursive: true });
  });
  for (let i = 0; i < count; i++) await log.append(0, Uint8Array.of(100 + i));
  return log;
}

test('a log that was replaced is seen by its identity, however far it has got, and read from its start', async (t) => {
  const parts = await machine(t, 4, { offset: 9, fingerprint: '1-00000009' });
  await parts.blocks.skipRecord(0, 2);
  const other = { ...parts, log: await anotherLog(t, 50) };
  const said = await acceptLoss(other, 0);
  assert.match(
    said,
    /another one: of the old one what no block has is lost, from offset 4 on \(6 that had been read/,
  );
  assert.match(said, /it resumes at 0; restart its ingesters/);
  const { resumeOffset, logIdentity } = await parts.blocks.progress(0);
  assert.deepEqual([resumeOffset, logIdentity], [0, await other.log.identity()]);
  assert.deepEqual(await parts.blocks.skippedRecords(0), []);
  assert.match(await acceptLoss(other, 0), /nothing is missing/);
  assert.match(await acceptLoss(parts, 0), /the log is another one/);
});

test('a log that lost its last records and got others is read again', async (t) => {
  const parts = await machine(t, 4, { offset: 7, fingerprint: '1-000000ff' });
  assert.match(await acceptLoss(parts, 0), /the record at offset 7 is not the one .*; it resumes at 0/);
  assert.match(await acceptLoss(parts, 0), /nothing is missing/);
});

test('while an ingester follows the old log nothing goes on with another one', async (t) => {
  const parts = await machine(t, 4);
  parts.held.push('ingester-b-0');
  const other = { ...parts, log: await anotherLog(t, 50) };
  await assert.rejects(acceptLoss(other, 0), /ingester-b-0 still holds records of the former log/);
  assert.equal(await parts.blocks.resumeOffset(0), 4);
});

test('on one machine whose log file is gone, it continues with the present one', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'log-commands-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const db = openSqliteDatabase(join(dir, 'database.sqlite'));
  await migrate(db);
  await new SqlLogIdentityStore(db).register('the file that is gone');
  await db.close();
  const { mock } = t.mock.method(process.stdout, 'write', () => true);
  const readConfig = () => loadConfig(configSchema, { argv: [`--data-dir=${dir}`], env: {} });
  const code = await runLogCommand(['log', 'accept-loss'], ['--partition', '0'], readConfig);
  assert.equal(code, 0);
  assert.match(String(mock.calls[0].arguments[0]), /the log is another one: .*; it resumes at 0/);
});

test('what an ingester still holds is given up by nobody', async (t) => {
  const parts = await machine(t, 4);
  await parts.log.truncate(0, 7);
  parts.held.push('ingester-b-0');
  await assert.rejects(acceptLoss(parts, 0), /nothing is lost yet: ingester-b-0 still holds/);
  assert.equal(await parts.blocks.resumeOffset(0), 4);
  parts.held.pop();
  assert.match(await acceptLoss(parts, 0), /records 4 to 6 are lost/);
});

test('on one machine it says what counts there', async (t) => {
  const { mock } = t.mock.method(process.stderr, 'write', () => true);
  const code = await runLogCommand(['log', 'partitions', '12'], [], () =>
    loadConfig(configSchema, { argv: [], env: {} }),
  );
  assert.equal(code, 2);
  assert.match(String(mock.calls[0].arguments[0]), /On one machine write_log\.partitions is used/);
});
