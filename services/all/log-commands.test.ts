import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { migrate, openSqliteDatabase, SqlBlockStore } from '@xscaler/database';
import { loadConfig } from '@xscaler/runtime/config';
import { openSqliteWriteLog } from '@xscaler/writelog';
import { acceptLoss } from './accept-loss.ts';
import { configSchema } from './config.ts';
import { runLogCommand } from './log-commands.ts';

/** A log of ten records and the blocks' side of it, resuming at an offset. */
async function machine(t: TestContext, resumeOffset: number) {
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
  await blocks.commit({ ...commit, resumeOffset });
  const held: string[] = [];
  return { log, blocks, held, holdersOf: async () => held };
}

test('where nothing is missing nothing is accepted', async (t) => {
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
    /below the resume offset 50: it is not the log that the blocks were made from; .*; it resumes at 0/,
  );
  assert.equal(await parts.blocks.resumeOffset(0), 0);
  assert.deepEqual(await parts.blocks.ledger(0), []);
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
  assert.match(String(mock.calls[0].arguments[0]), /On one machine write_log\.partitions counts/);
});
