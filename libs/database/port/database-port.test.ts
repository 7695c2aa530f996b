import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MessageChannel, Worker } from 'node:worker_threads';
import { blockStoreContract } from '../blocks/block-store-contract.ts';
import { SqlBlockStore } from '../blocks/sql-block-store.ts';
import { type Database, DatabaseError, type SqlRunner } from '../sql/database.ts';
import { databaseContract, rejectsWith } from '../sql/database-contract.ts';
import { migrate } from '../sql/migrate.ts';
import { type ServeDatabaseOptions, serveDatabase } from './database-port.ts';
import { connectDatabase } from './database-port-client.ts';

async function openInThread(options: ServeDatabaseOptions = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'database-port-'));
  const worker = new Worker(new URL('../testdata/database-worker.ts', import.meta.url), {
    workerData: { path: join(folder, 'xscaler.db'), options },
  });
  const clients: Database[] = [];
  const connect = async () => {
    const { port1, port2 } = new MessageChannel();
    worker.postMessage(port1, [port1]);
    const client = connectDatabase(port2);
    clients.push(client);
    return client;
  };
  return {
    worker,
    db: await connect(),
    connect,
    async dispose() {
      for (const client of clients) await client.close();
      worker.postMessage('close');
      await once(worker, 'exit');
      await rm(folder, { recursive: true });
    },
  };
}

databaseContract('through a port', openInThread);

blockStoreContract('through a port', async () => {
  const { db, dispose } = await openInThread();
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

test('a client that disappears in a transaction leaves nothing and blocks nobody', async () => {
  const { db, connect, dispose } = await openInThread();
  await db.query('CREATE TABLE t (a bigint)');
  const other = await connect();
  const lost = other.transaction(async (tx) => {
    await tx.query('INSERT INTO t VALUES (1)');
    await other.close();
    await tx.query('INSERT INTO t VALUES (2)');
  });
  await rejectsWith(lost, 'unavailable');
  await db.query('INSERT INTO t VALUES (3)');
  assert.deepEqual(
    (await db.query('SELECT a FROM t')).map(({ a }) => a),
    [3],
  );
  await dispose();
});

test('a transaction whose client says nothing for long is rolled back', async () => {
  const { db, connect, dispose } = await openInThread({ transactionIdleMs: 50 });
  const other = await connect();
  await db.query('CREATE TABLE t (a bigint)');
  const idle = db.transaction(async (tx) => {
    await tx.query('INSERT INTO t VALUES (1)');
    // Gets its turn once the idle one has lost its own.
    await other.query('INSERT INTO t VALUES (2)');
    await rejectsWith(tx.query('INSERT INTO t VALUES (3)'), 'unavailable');
  });
  await rejectsWith(idle, 'unavailable');
  assert.deepEqual(
    (await db.query('SELECT a FROM t')).map(({ a }) => a),
    [2],
  );
  await dispose();
});

test('a thread that dies rejects what is under way', async () => {
  const { db, worker } = await openInThread();
  await db.query('CREATE TABLE t (a bigint)');
  const lost = db.transaction(async (tx) => {
    await tx.query('INSERT INTO t VALUES (1)');
    await worker.terminate();
    await tx.query('INSERT INTO t VALUES (2)');
  });
  await rejectsWith(lost, 'unavailable');
  await rejectsWith(db.query('SELECT a FROM t'), 'unavailable');
});

test('a statement that arrives while its idle transaction is rolled back is told so, and may be tried again', async () => {
  const rollingBack = Promise.withResolvers<void>();
  const rolledBack = Promise.withResolvers<void>();
  const slow: Database = {
    dialect: 'sqlite',
    query: async () => [],
    async transaction<T>(work: (tx: SqlRunner) => Promise<T>): Promise<T> {
      let isOver = false;
      const query: SqlRunner['query'] = async () => {
        if (isOver) throw new DatabaseError('invalid', 'the transaction is over');
        return [];
      };
      try {
        return await work({ query });
      } finally {
        isOver = true;
        rollingBack.resolve();
        await rolledBack.promise;
      }
    },
    close: async () => {},
  };
  const { port1, port2 } = new MessageChannel();
  serveDatabase(slow, port1, { transactionIdleMs: 1 });
  const db = connectDatabase(port2);
  const transaction = db.transaction(async (tx) => {
    await rollingBack.promise;
    try {
      await rejectsWith(tx.query('SELECT 1'), 'unavailable');
    } finally {
      rolledBack.resolve();
    }
  });
  await rejectsWith(transaction, 'unavailable');
  await db.close();
});
