import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openSqliteDatabase } from '../sqlite/sqlite-database.ts';
import { SqlBlockStore } from './sql-block-store.ts';

const COMMITTER = fileURLToPath(new URL('../testdata/crash-committer.ts', import.meta.url));

/** Runs the committer, kills it with SIGKILL after `count` commits, returns the last resume offset it was told. */
async function commitUntilKilled(path: string, count: number): Promise<number> {
  const args = ['--disable-warning=ExperimentalWarning', COMMITTER, path];
  const committer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  committer.stdout.setEncoding('utf8');
  committer.stdout.on('data', (text: string) => {
    output += text;
    if (output.split('\n').length > count) committer.kill('SIGKILL');
  });
  await once(committer, 'close');
  const lines = output.slice(0, output.lastIndexOf('\n')).split('\n');
  return Number(lines.at(-1));
}

test('after kill -9 every commit is there with all its parts, or not at all', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'database-crash-'));
  const path = join(folder, 'xscaler.db');
  for (let round = 0; round < 4; round++) {
    const acknowledged = await commitUntilKilled(path, 5 + round * 8);
    const db = openSqliteDatabase(path);
    const store = new SqlBlockStore(db);
    const resumeOffset = await store.resumeOffset(0);
    assert.ok(resumeOffset >= acknowledged);
    const offsets = Array.from({ length: resumeOffset }, (_, i) => i);
    const blocks = await store.list('team', 0, Number.MAX_SAFE_INTEGER);
    assert.deepEqual(
      blocks.map(({ toOffset }) => toOffset).sort((a, b) => a - b),
      offsets,
    );
    assert.deepEqual(
      (await store.ledger(0)).map(({ toOffset }) => toOffset),
      offsets,
    );
    assert.equal((await store.metadata('team', 'last'))[0].help, String(resumeOffset - 1));
    for (const { blockId, toOffset } of blocks) {
      assert.equal(new TextDecoder().decode(await store.readPart(blockId, 'index', 0)), String(toOffset));
      assert.equal((await store.readPart(blockId, 'chunks', 0)).length, 100_000);
    }
    await db.close();
  }
  await rm(folder, { recursive: true });
});
