import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readRecords, recordOf } from '../write-log-contract.ts';
import { openSqliteWriteLog } from './sqlite-write-log.ts';

const WRITER = fileURLToPath(new URL('../testdata/crash-writer.ts', import.meta.url));

interface Acknowledged {
  readonly partition: number;
  readonly offset: number;
  readonly seed: number;
  readonly bytes: number;
}

/** Runs the writer, kills it with SIGKILL once it has acknowledged `count` appends, returns all it acknowledged. */
async function writeUntilKilled(path: string, firstSeed: number, count: number): Promise<Acknowledged[]> {
  const args = ['--disable-warning=ExperimentalWarning', WRITER, path, String(firstSeed)];
  const writer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  writer.stdout.setEncoding('utf8');
  writer.stdout.on('data', (text: string) => {
    output += text;
    if (output.split('\n').length > count) writer.kill('SIGKILL');
  });
  await once(writer, 'close');
  // The last line may be cut short by the kill.
  const lines = output.slice(0, output.lastIndexOf('\n')).split('\n');
  return lines.map((line) => {
    const [partition, offset, seed, bytes] = line.split(' ').map(Number);
    return { partition, offset, seed, bytes };
  });
}

test('after kill -9 every acknowledged append exists, once, consecutive and byte-equal', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'writelog-crash-'));
  const path = join(folder, 'log.db');
  const acknowledged: Acknowledged[] = [];
  for (let round = 0; round < 4; round++) {
    const acks = await writeUntilKilled(path, round * 1_000_000, 60 + round * 47);
    assert.ok(acks.length > 0);
    acknowledged.push(...acks);
    const log = openSqliteWriteLog({ path, partitionCount: 2 });
    for (const partition of [0, 1]) {
      const start = await log.startOffset(partition);
      const end = await log.endOffset(partition);
      const records = await readRecords(log, partition, start, end - start);
      const mine = acknowledged.filter((ack) => ack.partition === partition);
      assert.equal(new Set(mine.map(({ offset }) => offset)).size, mine.length);
      for (const { offset, seed, bytes } of mine) {
        assert.ok(offset < end);
        if (offset < start) continue;
        assert.ok(Buffer.from(records[offset - start]).equals(recordOf(seed, bytes)), `offset ${offset}`);
      }
    }
    await log.close();
  }
  await rm(folder, { recursive: true });
});
