import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { blockStoreContract } from '../blocks/block-store-contract.ts';
import { SqlBlockStore } from '../blocks/sql-block-store.ts';
import { databaseContract, rejectsWith } from '../sql/database-contract.ts';
import { migrate } from '../sql/migrate.ts';
import { openSqliteDatabase, type SqliteDatabaseOptions } from './sqlite-database.ts';

async function openInFolder(options?: SqliteDatabaseOptions) {
  const folder = await mkdtemp(join(tmpdir(), 'database-'));
  const path = join(folder, 'xscaler.db');
  const db = openSqliteDatabase(path, options);
  return {
    path,
    db,
    async dispose() {
      await db.close();
      await rm(folder, { recursive: true });
    },
  };
}

// Two connections of one thread would wait for each other in it: its clients share one.
databaseContract('sqlite', async () => {
  const subject = await openInFolder();
  return { ...subject, connect: async () => subject.db };
});

blockStoreContract('sqlite', async () => {
  const { db, dispose } = await openInFolder();
  await migrate(db);
  let nowMs = 0;
  const store = new SqlBlockStore(db, () => nowMs);
  return {
    store,
    dispose,
    setTimeMs(ms) {
      nowMs = ms;
    },
  };
});

test('reads go on while a transaction is open', async () => {
  const { db, dispose } = await openInFolder();
  await db.query('CREATE TABLE t (a bigint)');
  let finish = () => {};
  const open = db.transaction(async (tx) => {
    await tx.query('INSERT INTO t VALUES (1)');
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
  });
  assert.deepEqual(await db.query('SELECT a FROM t'), []);
  assert.deepEqual(await db.query('WITH u AS (SELECT a FROM t) SELECT a FROM u'), []);
  finish();
  await open;
  assert.equal((await db.query('SELECT a FROM t')).length, 1);
  await dispose();
});

test('transactions past the bound of those that wait are refused', async () => {
  const { db, dispose } = await openInFolder({ maxQueuedTransactions: 2 });
  await db.query('CREATE TABLE t (a bigint)');
  const insert = () => db.query('INSERT INTO t VALUES (1)');
  const inserts = await Promise.allSettled([insert(), insert(), insert()]);
  assert.deepEqual(
    inserts.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected'],
  );
  assert.deepEqual(db.stats, { queuedTransactions: 0, transactions: 3, refusedTransactions: 1 });
  await insert();
  await dispose();
});

test('close waits for the transactions that were begun', async () => {
  const { db, path, dispose } = await openInFolder();
  await db.query('CREATE TABLE t (a bigint)');
  const inserted = db.query('INSERT INTO t VALUES (1)');
  await db.close();
  await inserted;
  const again = openSqliteDatabase(path);
  assert.equal((await again.query('SELECT a FROM t')).length, 1);
  await again.close();
  await dispose();
});

test('a full disk is named, and what had been committed stays readable', async () => {
  const { db, dispose } = await openInFolder();
  await db.query('CREATE TABLE t (a bigint, b blob)');
  const [{ page_count }] = await db.transaction((tx) => tx.query('PRAGMA page_count'));
  // Stands in for a disk that is full: SQLite answers with the same result code.
  await db.query(`PRAGMA max_page_count = ${Number(page_count) + 3}`);
  await db.query('INSERT INTO t VALUES ($1, $2)', [1, new Uint8Array(100)]);
  const large = db.transaction(async (tx) => {
    await tx.query('INSERT INTO t VALUES ($1, $2)', [2, new Uint8Array(100)]);
    await tx.query('INSERT INTO t VALUES ($1, $2)', [3, new Uint8Array(1_000_000)]);
  });
  await rejectsWith(large, 'disk_full');
  assert.deepEqual(
    (await db.query('SELECT a FROM t')).map(({ a }) => a),
    [1],
  );
  await db.query('INSERT INTO t VALUES ($1, $2)', [4, new Uint8Array(100)]);
  await dispose();
});

test('a file that can’t be opened is unavailable', () => {
  assert.throws(() => openSqliteDatabase('/nowhere/at/all.db'), { code: 'unavailable' });
});
