import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { migrate, type OutageStore, openSqliteDatabase, SqlOutageStore } from '@xscaler/database';
import { WriteLogError } from '@xscaler/writelog';
import { NOW_MS, series, setUp, stored, textOf } from '../distributor.testbed.ts';
import { AppendHealth } from './append-health.ts';
import { Outages } from './outages.ts';

const HOUR_MS = 3_600_000;
const WINDOW_MS = 2 * HOUR_MS;
const NOTE_MS = 15_000;

/** A distributor that has accepted writes until the clock's time, and its database. */
async function setUpOutages(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'outages-'));
  const db = openSqliteDatabase(join(folder, 'xscaler.db'));
  t.after(async () => {
    await db.close();
    await rm(folder, { recursive: true });
  });
  await migrate(db);
  const database = { isAway: false };
  const sql = new SqlOutageStore(db);
  const store: OutageStore = {
    note: async (...told) => {
      if (database.isAway) throw new Error('the database is unreachable');
      return sql.note(...told);
    },
    all: (nowMs) => sql.all(nowMs),
  };
  const clock = { nowMs: NOW_MS, fault: undefined as string | undefined };
  const clockFault = () => clock.fault;
  const logger = { info: () => {}, warn: () => {} };
  /** A process, started anew. */
  const start = async () => {
    const outages = new Outages({ store, clock: () => clock.nowMs, clockFault, logger });
    await outages.note().catch(() => undefined);
    let beat = () => {};
    const appendHealth = new AppendHealth({
      append: (partition, record) => log.append(partition, record),
      onWell: () => outages.noteWell(),
      logger,
      now: () => clock.nowMs,
      schedule: (next) => {
        beat = next;
        return () => {};
      },
    });
    await appendHealth.start();
    const probe = async () => {
      beat();
      await new Promise((done) => setImmediate(done));
    };
    const { log, push } = setUp({}, { outages, appendHealth, clock: () => clock.nowMs, clockFault }, 1);
    const write = (lateMs: number) => push([series({ late: String(lateMs) }, clock.nowMs - lateMs)]);
    return { outages, log, push, write, probe };
  };
  return { start, clock, database, sql };
}

/** Lets time pass, with the notes made at intervals. */
async function pass(ms: number, clock: { nowMs: number }, outages: Outages, each = async () => {}) {
  for (const endMs = clock.nowMs + ms; clock.nowMs < endMs; ) {
    clock.nowMs += NOTE_MS;
    await each();
    await outages.note().catch(() => undefined);
  }
}

test('after a time without any distributor, samples may be late by its length, for two hours', async (t) => {
  const { start, clock } = await setUpOutages(t);
  const before = await start();
  assert.equal((await before.write(WINDOW_MS + 1)).status, 400);
  clock.nowMs += 3 * HOUR_MS;
  const { outages, write, log } = await start();
  assert.equal(outages.wideningMs, 3 * HOUR_MS);
  assert.equal((await write(WINDOW_MS + 3 * HOUR_MS)).status, 204);
  const refused = await write(WINDOW_MS + 3 * HOUR_MS + 1);
  assert.equal(refused.status, 400);
  assert.match(textOf(refused), /too_old 1/);
  await pass(2 * HOUR_MS - NOTE_MS, clock, outages);
  assert.equal((await write(WINDOW_MS + 3 * HOUR_MS)).status, 204);
  await pass(NOTE_MS, clock, outages);
  assert.equal((await write(WINDOW_MS + 1)).status, 400);
  assert.equal(stored(log).length, 2);
});

test('a restart, or a second process that accepts writes, causes no outage', async (t) => {
  const { start, clock } = await setUpOutages(t);
  await start();
  clock.nowMs += 60_000;
  const { outages } = await start();
  await pass(HOUR_MS, clock, outages);
  const other = await start();
  for (const each of [outages, other.outages]) assert.equal(each.wideningMs, 0);
  assert.equal((await other.write(WINDOW_MS + 1)).status, 400);
});

test('once a partition accepts records again, its samples may be late by the outage’s length', async (t) => {
  const { start, clock } = await setUpOutages(t);
  const { outages, log, write } = await start();
  const lastAcceptedMs = clock.nowMs;
  log.failing.set(0, new WriteLogError('unavailable', 'no broker'));
  await pass(HOUR_MS, clock, outages, async () => assert.equal((await write(0)).status, 503));
  log.failing.clear();
  const lateMs = clock.nowMs + WINDOW_MS - lastAcceptedMs;
  assert.equal((await write(0)).status, 204);
  assert.equal((await write(lateMs)).status, 503, 'not before readers can know');
  await outages.note();
  assert.equal(outages.wideningMs, HOUR_MS);
  assert.equal((await write(lateMs)).status, 204);
  assert.equal((await write(lateMs + 1)).status, 400);
  await pass(HOUR_MS, clock, outages);
  assert.equal(outages.wideningMs, HOUR_MS, 'it has ended');
});

test('a sender with only late samples is accepted after an outage, too', async (t) => {
  const { start, clock } = await setUpOutages(t);
  const { outages, log, write, probe } = await start();
  log.failing.set(0, new WriteLogError('unavailable', 'no broker'));
  assert.equal((await write(0)).status, 503);
  await pass(HOUR_MS, clock, outages, probe);
  const lateMs = WINDOW_MS + HOUR_MS / 2;
  assert.equal((await write(lateMs)).status, 503);
  log.failing.clear();
  assert.equal((await write(lateMs)).status, 503);
  await pass(2 * NOTE_MS, clock, outages, probe);
  assert.equal((await write(lateMs)).status, 204);
});

test('a restart in the middle of an outage does not split it', async (t) => {
  const { start, clock } = await setUpOutages(t);
  const full = new WriteLogError('disk_full', 'database or disk is full');
  let current = await start();
  for (let i = 0; i < 3; i++) {
    current.log.failing.set(0, full);
    // The first failure takes as long as a log that cannot be reached.
    await pass(2 * NOTE_MS, clock, current.outages);
    assert.equal((await current.write(0)).status, 503);
    await pass(HOUR_MS, clock, current.outages);
    current = await start();
  }
  assert.equal((await current.write(WINDOW_MS + 3 * HOUR_MS)).status, 204);
});

test('a log that answers but rejects all or large records is an outage too', async (t) => {
  const { start, clock } = await setUpOutages(t);
  const { outages, log, write, probe } = await start();
  const full = new WriteLogError('disk_full', 'database or disk is full');
  await pass(HOUR_MS, clock, outages, async () => {
    log.failing.set(0, full);
    assert.equal((await write(0)).status, 503);
    await probe();
    log.failing.clear();
    await probe();
  });
  assert.equal((await write(0)).status, 204);
  await outages.note();
  assert.equal(outages.wideningMs, HOUR_MS);
  assert.equal((await write(WINDOW_MS + HOUR_MS)).status, 204);
});

test('while an outage may be unknown to the database, only samples that are too late get a 503', async (t) => {
  const { start, clock, database } = await setUpOutages(t);
  await start();
  clock.nowMs += HOUR_MS;
  database.isAway = true;
  const { outages, write, push, log } = await start();
  assert.equal(outages.wideningMs, undefined);
  assert.equal((await write(WINDOW_MS)).status, 204);
  const later = await push([
    series({ a: '1' }, clock.nowMs),
    series({ a: '2' }, clock.nowMs - WINDOW_MS - 1),
  ]);
  assert.equal(later.status, 503);
  assert.ok(Number(later.headers['retry-after']) > 0);
  assert.equal(stored(log).length, 1);
  database.isAway = false;
  await outages.note();
  assert.equal((await write(WINDOW_MS + HOUR_MS)).status, 204);
});

test('an unreachable database causes no outage while writes are accepted', async (t) => {
  const { start, clock, database } = await setUpOutages(t);
  const { outages, write } = await start();
  database.isAway = true;
  await pass(5 * HOUR_MS, clock, outages);
  assert.equal(outages.wideningMs, 0);
  database.isAway = false;
  await outages.note();
  assert.equal(outages.wideningMs, 0);
  assert.equal((await write(WINDOW_MS + 1)).status, 400);
});

test('a clock that is ahead causes no outage, and writes wait until it is right', async (t) => {
  const { start, clock, sql } = await setUpOutages(t);
  const before = await start();
  const aheadMs = 3 * HOUR_MS;
  clock.nowMs += aheadMs;
  clock.fault = 'the clock is 3 h ahead';
  const { outages, write, log } = await start();
  for (const each of [before, { outages, write }]) {
    const answer = await each.write(0);
    assert.equal(answer.status, 503);
    assert.match(textOf(answer), /nothing was stored: the clock is 3 h ahead/);
    assert.ok(Number(answer.headers['retry-after']) > 0);
    await each.outages.note();
  }
  assert.equal(stored(log).length, 0);
  assert.deepEqual(await sql.all(clock.nowMs), []);
  clock.nowMs -= aheadMs;
  clock.fault = undefined;
  for (const each of [before, { outages, write }]) {
    await each.outages.note();
    assert.equal(each.outages.wideningMs, 0);
    assert.equal((await each.write(0)).status, 204);
  }
  await pass(HOUR_MS, clock, outages);
  assert.deepEqual(await sql.all(clock.nowMs + aheadMs), []);
});

test('a clock that is behind refuses no sample for good', async (t) => {
  const { start, clock } = await setUpOutages(t);
  const { push } = await start();
  const live = [series({ a: '1' }, clock.nowMs)];
  clock.nowMs -= 3 * HOUR_MS;
  clock.fault = 'the clock is 3 h behind';
  assert.equal((await push(live)).status, 503);
});

test('a time in which every clock is wrong is an outage', async (t) => {
  const { start, clock } = await setUpOutages(t);
  const { outages, write } = await start();
  clock.fault = 'the clock is 3 h behind';
  await pass(HOUR_MS, clock, outages);
  clock.fault = undefined;
  await outages.note();
  assert.equal(outages.wideningMs, HOUR_MS);
  assert.equal((await write(WINDOW_MS + HOUR_MS)).status, 204);
});
