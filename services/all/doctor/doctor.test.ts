import assert from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  type BlockMeta,
  type BlockPart,
  type Database,
  migrate,
  openSqliteDatabase,
  SqlBlockStore,
  SqlLogIdentityStore,
} from '@xscaler/database';
import { Labels } from '@xscaler/model';
import { lockDataDir } from '@xscaler/runtime';
import { loadConfig } from '@xscaler/runtime/config';
import { TenantStore } from '@xscaler/tenancy';
import { Head, writeBlock } from '@xscaler/tsdb';
import { encodeCut } from '@xscaler/wire/log-record';
import { openSqliteWriteLog, type WriteLog } from '@xscaler/writelog';
import fc from 'fast-check';
import { acceptLossHere } from '../commands/accept-loss-here.ts';
import { runTenantCommand } from '../commands/tenant-commands.ts';
import { configSchema } from '../configuration/config.ts';
import { noteRepair, PENDING } from '../data/pending-repair.ts';
import { damageOfBlock } from './damaged-blocks.ts';
import { runDoctor } from './doctor-command.ts';
import { damageOf } from './sqlite-file.ts';

const TENANT = 'acme';
const SERIES = 2_000;
const BLOCKS = ['b-0', 'b-1'];
const RECORDS = 60;
/** What blocks hold: nothing yet, or the first 20 records. */
const RESUME_OFFSETS = [0, 20];
const WINDOW_MS = 7_200_000;
const { signal } = new AbortController();

test('a sound data folder has no faults', async (t) => {
  const dir = await dataFolder(t);
  const { code, text } = await doctor(t, dir);
  assert.equal(code, 0, text);
  assert.match(text, /database\.sqlite \(\d+ MB\) is intact/);
  assert.match(text, /write-log\.sqlite \(\d+ MB\) is intact/);
  assert.match(text, /all 2 blocks are readable from end to end/);
  assert.match(text, /partition 0: the log holds offsets 0 to 60, blocks hold everything below 20/);
  assert.match(text, /no faults in \d+ checks/);
});

for (const resumeOffset of RESUME_OFFSETS)
  test(`a damaged write log is named with the command that helps, and what can be read of it is saved: blocks hold ${resumeOffset} records`, async (t) => {
    const dir = await dataFolder(t, resumeOffset);
    const path = join(dir, 'write-log.sqlite');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 3 }), async (places) => {
        const sound = readFileSync(path);
        for (const place of places) damagePage(path, 32 * 1024, place);
        const before = await doctor(t, dir);
        // A page that nothing points to, or the end of a record, does not count as damage for SQLite: records have checksums of their own.
        if (before.code !== 0) {
          assert.match(before.text, /fault .*(write-log\.sqlite is damaged|record.*cannot be read)/);
          assert.match(before.text, /mend: xscaler doctor --repair/);
        }
        const { text, errors } = await doctor(t, dir, ['--repair']);
        assert.equal(errors, '');
        assert.deepEqual(damageOf(path), [], text);
        await requireEveryRecord(dir, resumeOffset);
        const after = await doctor(t, dir);
        assert.equal(after.code, 0, after.text);
        writeFileSync(path, sound);
        await forgetSkipped(dir);
      }),
      { numRuns: 12, examples: [[[0]], [[1]], [[2]]] },
    );
  });

test('a damaged database is named, and blocks that cannot be read any more are given up by name', async (t) => {
  const dir = await dataFolder(t);
  const path = join(dir, 'database.sqlite');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 3 }), async (places) => {
      const sound = readFileSync(path);
      for (const place of places) damagePage(path, 16 * 1024, place);
      const before = await doctor(t, dir);
      if (before.code !== 0) assert.match(before.text, /mend: xscaler doctor --/);
      const { text, errors } = await doctor(t, dir, ['--repair']);
      assert.equal(errors, '');
      assert.deepEqual(damageOf(path), [], text);
      await requireBlocks(dir, text);
      writeFileSync(path, sound);
    }),
    { numRuns: 12, examples: [[[0]], [[1]], [[2]]] },
  );
});

test('a server names the damaged file and the doctor', async (t) => {
  const dir = await dataFolder(t);
  const path = join(dir, 'write-log.sqlite');
  writeFileSync(path, Buffer.alloc(100_000, 1));
  const open = async () => openSqliteWriteLog({ path, partitionCount: 1 });
  const expected = {
    code: 'damaged',
    message: `${path} is damaged (file is not a database): stop the server and run xscaler doctor`,
  };
  await assert.rejects(open, expected);
  const database = join(dir, 'database.sqlite');
  writeFileSync(database, Buffer.alloc(100_000, 1));
  assert.throws(() => openSqliteDatabase(database), {
    code: 'damaged',
    message: /database\.sqlite is damaged .* run xscaler doctor/,
  });
});

test('a file of which nothing can be read is left unchanged', async (t) => {
  const dir = await dataFolder(t);
  const path = join(dir, 'write-log.sqlite');
  writeFileSync(path, Buffer.alloc(100_000, 1));
  const { code, errors } = await doctor(t, dir, ['--repair']);
  assert.equal(code, 1);
  assert.match(errors, /nothing of .*write-log\.sqlite can be read: restore the file from a backup/);
  assert.equal(readFileSync(path)[0], 1);
  assert.ok(!existsSync(join(dir, PENDING)));
});

for (const step of ['saving', 'saved'] as const) {
  test(`a repair that was cut short while it was ${step} goes on, and nobody else opens the files before`, async (t) => {
    const dir = await dataFolder(t);
    const path = join(dir, 'write-log.sqlite');
    const config = loadConfig(configSchema, { argv: ['--data-dir', dir], env: {} });
    // Complete, or just begun.
    writeFileSync(`${path}.repaired`, step === 'saved' ? readFileSync(path) : 'half of it', { mode: 0o600 });
    if (step === 'saved') writeFileSync(path, Buffer.alloc(100_000, 1), { mode: 0o600 });
    noteRepair(dir, step);
    const before = await doctor(t, dir);
    assert.equal(before.code, 1);
    assert.match(before.text, /a repair was interrupted\n *mend: xscaler doctor --repair/);
    await assert.rejects(
      acceptLossHere(config, 0),
      /a repair of .* was interrupted: run xscaler doctor --repair/,
    );
    assert.match((await doctor(t, dir, ['--drop-block', 'b-0'])).errors, /a repair of .* was interrupted/);
    const { mock } = t.mock.method(process.stderr, 'write', () => true);
    assert.notEqual(await runTenantCommand(['token', 'create', TENANT], [], () => config), 0);
    mock.restore();
    assert.match(String(mock.calls[0].arguments[0]), /a repair of .* was interrupted/);
    assert.equal((await doctor(t, dir, ['--repair'])).code, 0);
    assert.ok(!existsSync(join(dir, PENDING)));
    assert.equal((await doctor(t, dir)).code, 0);
    await requireEveryRecord(dir);
  });
}

test('a missing file is a fault, a folder that nobody has used is none', async (t) => {
  const dir = await dataFolder(t);
  rmSync(join(dir, 'write-log.sqlite'));
  const { code, text } = await doctor(t, dir);
  assert.equal(code, 1);
  assert.match(text, /write-log\.sqlite is missing/);
  const unused = await doctor(t, join(dir, 'nothing-here'));
  assert.equal(unused.code, 0);
  assert.match(unused.text, /does not exist yet/);
});

test('files that others may read are named', async (t) => {
  const dir = await dataFolder(t);
  chmodSync(join(dir, 'database.sqlite'), 0o644);
  const { code, text } = await doctor(t, dir);
  assert.equal(code, 1);
  assert.match(text, /other users have access to .*database\.sqlite\n *mend: chmod -R go-rwx/);
});

test('the files of a running server are left alone', async (t) => {
  const dir = await dataFolder(t);
  const lock = lockDataDir(dir);
  const { code, text } = await doctor(t, dir);
  lock.release();
  assert.equal(code, 1);
  assert.match(
    text,
    new RegExp(`is in use by process ${process.pid}: its files can be checked once it has stopped`),
  );
});

test('a block is dropped only if it cannot be read, and the audit log says so', async (t) => {
  const dir = await dataFolder(t);
  const kept = await doctor(t, dir, ['--drop-block', 'b-0']);
  assert.match(kept.text, /block b-0 of tenant acme.* is readable: it was not dropped/);
  await withDatabase(dir, (db) =>
    db.query(
      "UPDATE block_parts SET bytes = substr(bytes, 1, 9) WHERE block_id = 'b-0' AND kind = 'postings'",
    ),
  );
  const found = await doctor(t, dir);
  assert.match(found.text, /block b-0 of tenant acme.*\n *mend: xscaler doctor --drop-block b-0/);
  assert.equal((await doctor(t, dir, ['--drop-block', 'b-0'])).code, 0);
  assert.equal((await doctor(t, dir)).code, 0);
  await withDatabase(dir, async (db) => {
    const [entry] = await new TenantStore(db).auditLog(1);
    assert.deepEqual([entry.action, entry.tenant], ['block.drop', TENANT]);
    assert.match(entry.detail, /block b-0 .* 4000 samples/);
  });
});

/** What the doctor printed about a folder, and its exit code. */
async function doctor(t: TestContext, dir: string, flags: readonly string[] = []) {
  const written = { stdout: '', stderr: '' };
  const mocks = (['stdout', 'stderr'] as const).map((stream) =>
    t.mock.method(process[stream], 'write', (text: string) => {
      written[stream] += text;
      return true;
    }),
  );
  try {
    const argv = ['--data-dir', dir];
    const code = await runDoctor(['doctor'], [...flags, ...argv], (rest) =>
      loadConfig(configSchema, { argv: [...rest], env: {} }),
    );
    return { code, text: written.stdout, errors: written.stderr };
  } finally {
    for (const { mock } of mocks) mock.restore();
  }
}

/** A data folder with two blocks, a tenant, and a log of 60 records of which blocks hold those below the resume offset. */
async function dataFolder(t: TestContext, resumeOffset = 20): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'doctor-'));
  t.after(() => rmSync(dir, { recursive: true }));
  await withDatabase(dir, async (db) => {
    await migrate(db);
    await new TenantStore(db).createTenant({ id: TENANT, name: 'Acme' }, { who: 'test', from: 'test' });
    await storeBlocks(new SqlBlockStore(db), resumeOffset);
  });
  const log = openSqliteWriteLog({ path: join(dir, 'write-log.sqlite'), partitionCount: 1 });
  const identity = await log.identity();
  await withDatabase(dir, (db) => new SqlLogIdentityStore(db).register(identity));
  for (let i = 0; i < RECORDS; i++) await log.append(0, recordAt(i));
  await log.close();
  for (const name of readdirSync(dir)) chmodSync(join(dir, name), 0o600);
  return dir;
}

/** Some records share a page of the log, some have several. */
function recordAt(offset: number): Uint8Array<ArrayBuffer> {
  const zone = 'z'.repeat(offset % 3 === 0 ? 70_000 : 3_000);
  return encodeCut({ tenant: TENANT, windowMs: WINDOW_MS, windowStartMs: 0, seq: offset, zone });
}

async function storeBlocks(store: SqlBlockStore, lastResumeOffset: number): Promise<void> {
  const head = new Head({
    tenant: TENANT,
    partition: 0,
    windowStartMs: 0,
    windowMs: WINDOW_MS,
    seq: 0,
    fromOffset: 0,
  });
  const value = new Float64Array(1);
  const words = new Int32Array(value.buffer);
  for (let i = 0; i < SERIES; i++) {
    const slot = head.create(i, 1, 2, 3, Labels.of({ __name__: 'up', pod: `pod-${i}` }));
    for (const timestampMs of [1_000, 2_000]) {
      value[0] = Math.sin(i + timestampMs);
      head.append(slot, timestampMs, words[0], words[1]);
    }
  }
  const parts: BlockPart[] = [];
  const writing = writeBlock(head);
  let step = writing.next();
  for (; !step.done; step = writing.next()) if (step.value) parts.push(step.value);
  const summary = step.value;
  for (const [seq, blockId] of BLOCKS.entries()) {
    await store.stage(blockId, TENANT, parts);
    const meta: BlockMeta = {
      ...{ blockId, tenant: TENANT, partition: 0, level: 0, seq, fromOffset: seq, toOffset: seq },
      ...{ windowStartMs: 0, windowMs: WINDOW_MS, ...summary },
    };
    const isLast = seq === BLOCKS.length - 1;
    const resumeOffset = isLast ? lastResumeOffset : 0;
    const move = { partition: 0, expectedResumeOffset: 0, resumeOffset };
    await store.commit({ meta, partCount: parts.length, ...move, metadata: [] });
  }
}

/** Overwrites a page of a file, any but the first. */
function damagePage(path: string, pageBytes: number, place: number): void {
  const descriptor = openSync(path, 'r+');
  const pages = Math.floor(fstatSync(descriptor).size / pageBytes);
  writeSync(descriptor, Buffer.alloc(pageBytes, 0xee), 0, pageBytes, pageBytes * (1 + (place % (pages - 1))));
  closeSync(descriptor);
}

/** Each record from the resume offset on is the one that was appended, or is noted as skipped. */
async function requireEveryRecord(dir: string, resumeOffset = 20): Promise<void> {
  const log = openSqliteWriteLog({ path: join(dir, 'write-log.sqlite'), partitionCount: 1 });
  const skipped = await withDatabase(dir, (db) => new SqlBlockStore(db).skippedRecords(0));
  // The end can be lost: what was appended last is then unknown to the file.
  const end = await log.endOffset(0);
  assert.ok(end <= RECORDS);
  assert.ok((await log.startOffset(0)) <= resumeOffset);
  let offset = resumeOffset;
  for (const record of await readTo(log, offset, end)) {
    if (!skipped.includes(offset))
      assert.ok(Buffer.from(record).equals(recordAt(offset)), `record ${offset}`);
    offset++;
  }
  await log.close();
}

async function readTo(log: WriteLog, from: number, to: number): Promise<Uint8Array[]> {
  const records: Uint8Array[] = [];
  if (from >= to) return records;
  for await (const batch of log.read(0, from, signal)) {
    records.push(...batch.records);
    if (batch.firstOffset + batch.records.length >= to) break;
  }
  return records;
}

/** A block that is still listed is readable; one that is not was named. */
async function requireBlocks(dir: string, text: string): Promise<void> {
  await withDatabase(dir, async (db) => {
    const store = new SqlBlockStore(db);
    const live = await store.list(TENANT, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    for (const meta of live) assert.equal(await damageOfBlock(store, meta, signal), undefined);
    for (const blockId of BLOCKS) {
      if (live.some((meta) => meta.blockId === blockId)) continue;
      assert.match(text, new RegExp(`lost: block ${blockId} of tenant acme|table blocks: .*lost`));
    }
  });
}

async function forgetSkipped(dir: string): Promise<void> {
  await withDatabase(dir, (db) => db.query('DELETE FROM skipped_records'));
}

async function withDatabase<T>(dir: string, work: (db: Database) => Promise<T>): Promise<T> {
  const db = openSqliteDatabase(join(dir, 'database.sqlite'));
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}
