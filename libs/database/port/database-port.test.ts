import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MessageChannel, Worker } from 'node:worker_threads';
import { blockStoreContract } from '../blocks/block-store-contract.ts';
import { SqlBlockStore } from '../blocks/sql-block-store.ts';
import type { Database } from '../sql/database.ts';
import { databaseContract, rejectsWith } from '../sql/database-contract.ts';
import { migrate } from '../sql/migrate.ts';
import type { ServeDatabaseOptions } from './database-port.ts';
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
