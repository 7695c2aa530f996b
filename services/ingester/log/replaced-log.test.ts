import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSqliteDatabase, SqlBlockStore, SqlLogIdentityStore } from '@xscaler/database';
import type { WriteLog } from '@xscaler/writelog';
import type { Ingester } from '../index.ts';
import { Machine, TENANT } from '../machine.testbed.ts';

/** Writes and stores a window of samples; the resume offset is then above it. */
async function storeWindow(machine: Machine, name: string, records = 8): Promise<Ingester> {
  const ingester = machine.ingester();
  await ingester.start();
  for (let t = 0; t < records; t++) await machine.write(name, [[t * 100, t]]);
  await machine.untilBlocks(1);
  return ingester;
}

async function writeMany(machine: Machine, name: string, count: number): Promise<void> {
  for (let t = 0; t < count; t++) await machine.write(name, [[t, t]]);
}

/** Waits until a partition is stopped, and returns the reason. */
async function stopped(ingester: Ingester): Promise<string> {
  for (let tries = 0; tries < 400; tries++) {
    const [report] = await ingester.inspect();
    if (report.stoppedBy !== undefined) return report.stoppedBy;
    await sleep(25);
  }
  return assert.fail('it is not stopped');
}

/** A machine's log with another log's identity. */
function renamed(log: WriteLog, identity: () => string): WriteLog {
  return new Proxy(log, {
    get: (target, name) => {
      if (name === 'identity') return async () => identity();
      const value = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

test('another log stops the partition, even if it has outgrown the old resume offset', async () => {
  await using machine = await Machine.make();
  await (await storeWindow(machine, 'old')).stop();
  const resumeOffset = await machine.blocks.resumeOffset(0);
  assert.ok(resumeOffset > 0);
  await machine.useLog('other.sqlite');
  await writeMany(machine, 'new', resumeOffset + 5);
  const ingester = machine.ingester();
  await assert.rejects(
    ingester.start(),
    /not the one that blocks were created from: its identity is \w+, not /,
  );
  assert.match(await stopped(ingester), /its identity is/);
  assert.equal(await machine.blocks.resumeOffset(0), resumeOffset);
});

test('a log that is replaced while it is read stops the partition, and no record of the new log is stored', async () => {
  await using machine = await Machine.make();
  let name = 'first';
  const ingester = machine.ingester({ log: renamed(machine.log, () => name) });
  await ingester.start();
  await writeMany(machine, 'up', 3);
  name = 'second';
  await writeMany(machine, 'swapped', 3);
  machine.nowMs += 3_600_000;
  assert.match(await stopped(ingester), /was deleted and made again: its identity is second, it was first/);
  assert.deepEqual(await machine.blocks.list(TENANT, -1e12, 1e12), []);
  assert.equal(await machine.blocks.resumeOffset(0), 0);
  assert.equal((await machine.blocks.committedUntil()).size, 0);
});

test('a partition that continues with another log accepts no block from a replica that read the old one', async () => {
  await using machine = await Machine.make();
  const ingester = machine.ingester();
  await ingester.start();
  await writeMany(machine, 'up', 3);
  const { history } = await machine.blocks.progress(0);
  const place = { partition: 0, startOffset: 0, partitionCount: 2 };
  const known = { expectedResumeOffset: 0, expectedCommit: history.last };
  await machine.blocks.replaceLog({ ...place, ...known, identity: 'another' });
  machine.nowMs += 3_600_000;
  assert.match(
    await stopped(ingester),
    /goes on with log another, this replica has read|was read from log another/,
  );
  assert.deepEqual(await machine.blocks.list(TENANT, -1e12, 1e12), []);
});

test('a log that lost its last records is noticed, even if it has received others since', async () => {
  await using machine = await Machine.make();
  await writeMany(machine, 'up', 2);
  await machine.log.close();
  copyFileSync(join(machine.dir, 'log.sqlite'), join(machine.dir, 'backup.sqlite'));
  await machine.useLog('log.sqlite');
  await (await storeWindow(machine, 'up')).stop();
  const { mark, resumeOffset } = await machine.blocks.progress(0);
  assert.ok(mark !== undefined && mark.offset >= resumeOffset - 1);
  // The backup of a log has its identity.
  await machine.useLog('backup.sqlite');
  await writeMany(machine, 'other', mark.offset - 2);
  await assert.rejects(
    machine.ingester().start(),
    /had been read: the log has lost records|below the resume offset/,
  );
  await writeMany(machine, 'other', 3);
  await assert.rejects(machine.ingester().start(), /got others in their place/);
});

test('after the database goes back in time, records still in the log are read again; dropped ones stop the partition', async () => {
  await using machine = await Machine.make();
  await writeMany(machine, 'up', 2);
  await machine.db.query(`VACUUM INTO '${join(machine.dir, 'backup.sqlite')}'`);
  const keeping = machine.ingester({ truncatesLog: false });
  await keeping.start();
  await writeMany(machine, 'up', 8);
  await machine.untilBlocks(1);
  await keeping.stop();
  const db = openSqliteDatabase(join(machine.dir, 'backup.sqlite'));
  try {
    await new SqlLogIdentityStore(db).register(await machine.log.identity());
    const ingester = machine.ingester({ blocks: new SqlBlockStore(db), truncatesLog: false });
    await ingester.start();
    const { up } = await machine.read(ingester);
    assert.equal(up.length, 8);
    await ingester.stop();
    await machine.log.truncate(0, 5);
    const late = machine.ingester({ blocks: new SqlBlockStore(db) });
    await assert.rejects(
      late.start(),
      /the log starts at offset 5, above the resume offset 0: records are missing/,
    );
  } finally {
    await db.close();
  }
});
