import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readRecords, recordOf } from '../write-log-contract.ts';
import { openSqliteWriteLog } from './sqlite-write-log.ts';

const WRITER = fileURLToPath(new URL('../testdata/full-disk-writer.ts', import.meta.url));

test('a full disk is named, reads go on, and nothing acknowledged is lost', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'writelog-disk-'));
  const path = join(folder, 'log.db');
  // A limit on the size of a file (in blocks of 512 or 1024 bytes, by shell) fails writes as a full disk does.
  const script = 'ulimit -f 24000; exec "$0" --disable-warning=ExperimentalWarning "$1" "$2"';
  const { stdout } = await promisify(execFile)('sh', ['-c', script, process.execPath, WRITER, path]);
  const { code, acknowledged, readable } = JSON.parse(stdout);
  assert.equal(code, 'disk_full');
  assert.ok(acknowledged > 0);
  assert.equal(readable, acknowledged);
  const log = openSqliteWriteLog({ path, partitionCount: 1 });
  const end = await log.endOffset(0);
  assert.ok(end >= acknowledged);
  const records = await readRecords(log, 0, 0, acknowledged);
  records.forEach((record, i) => {
    assert.ok(Buffer.from(record).equals(recordOf(i, 100_000)));
  });
  assert.equal(await log.append(0, recordOf(1)), end);
  await log.close();
  await rm(folder, { recursive: true });
});
