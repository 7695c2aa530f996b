import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { migrate, SqlBlockStore } from '@xscaler/database';
import { rejectsWith } from '@xscaler/database/contracts';
import { openPostgresDatabase, type PostgresOptions } from '@xscaler/database/postgres';
import { openTestDatabase } from './open-test-database.ts';
import { PostgresServer, skipWithoutPostgres } from './postgres-server.ts';

describe('a database in PostgreSQL', { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start({ deadlock_timeout: '50ms' });
  });
  after(() => server.dispose());

  async function open(t: TestContext, options: PostgresOptions = {}) {
    const subject = await openTestDatabase(server, options);
    t.after(() => subject.dispose());
    return subject;
  }

  test('numbers and truth come back like SQLite', async (t) => {
    const { db } = await open(t);
    const [row] = await db.query(
      'SELECT count(*) AS n, sum(x) AS total, 1.5::float8 AS half, max(x) > 2 AS more, max(x) > 9 AS most ' +
        'FROM unnest(ARRAY[1, 2, 3]::bigint[]) x',
    );
    assert.deepEqual({ ...row }, { n: 3, total: 6, half: 1.5, more: 1, most: 0 });
    await rejectsWith(db.query('SELECT 9007199254740993 AS large'), 'invalid');
    assert.deepEqual({ ...(await db.query('SELECT 2 AS two'))[0] }, { two: 2 });
  });

  test('bytes come back as plain arrays of bytes', async (t) => {
    const { db } = await open(t);
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const [row] = await db.query('SELECT $1::bytea AS bytes', [bytes]);
    assert.deepEqual(row.bytes, bytes);
  });

  test('one text is one statement', async (t) => {
    const { db } = await open(t);
    await rejectsWith(db.query('SELECT 1; SELECT 2'), 'invalid');
  });

  test('eight services that start at once migrate an empty database once', async (t) => {
    const { connect } = await open(t);
    const clients = await Promise.all(Array.from({ length: 8 }, () => connect({ maxConnections: 2 })));
    const applied = await Promise.all(clients.map(migrate));
    assert.equal(applied.filter((names) => names.length > 0).length, 1);
    assert.deepEqual(await migrate(clients[0]), []);
  });

  test('a slice of a part is read without the rest', async (t) => {
    const { db } = await open(t);
    await migrate(db);
    const store = new SqlBlockStore(db);
    const bytes = new Uint8Array(1_000_000);
    await store.stage('b', 'team', [{ kind: 'chunks', number: 0, bytes }]);
    const [{ attstorage }] = await db.query(
      "SELECT attstorage FROM pg_attribute WHERE attrelid = 'block_parts'::regclass AND attname = 'bytes'",
    );
    assert.equal(attstorage, 'e');
    const pagesOf = async (from: number, length: number) => {
      const [row] = await db.query(
        `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT md5(substr(bytes, ${from}, ${length})) FROM block_parts`,
      );
      const [{ Plan: plan }] = JSON.parse(String(row['QUERY PLAN']));
      return Number(plan['Shared Hit Blocks']) + Number(plan['Shared Read Blocks']);
    };
    const whole = await pagesOf(1, 1_000_000);
    const slice = await pagesOf(500_001, 8_192);
    assert.ok(whole > 100, `${whole} pages for all of it`);
    assert.ok(slice < 20, `${slice} pages for a slice`);
  });

  test('transactions that deadlock are run again, and both happen', async (t) => {
    const { db } = await open(t);
    await db.query('CREATE TABLE counters (id bigint PRIMARY KEY, value bigint NOT NULL)');
    await db.query('INSERT INTO counters VALUES (1, 0), (2, 0)');
    let arrived = 0;
    const both = Promise.withResolvers<void>();
    const runs = [0, 0];
    const increment = (who: number, ids: readonly number[]) =>
      db.transaction(async (tx) => {
        runs[who]++;
        await tx.query('UPDATE counters SET value = value + 1 WHERE id = $1', [ids[0]]);
        if (++arrived === 2) both.resolve();
        await both.promise;
        await tx.query('UPDATE counters SET value = value + 1 WHERE id = $1', [ids[1]]);
      });
    await Promise.all([increment(0, [1, 2]), increment(1, [2, 1])]);
    const rows = await db.query('SELECT value FROM counters');
    assert.deepEqual(
      rows.map(({ value }) => value),
      [2, 2],
    );
    assert.equal(runs[0] + runs[1], 3);
    assert.equal(db.stats.rerunTransactions, 1);
  });

  test('a statement past its time is ended, and its connection goes on', async (t) => {
    const { db } = await open(t, { statementTimeoutMs: 500, maxConnections: 1 });
    const [before] = await db.query('SELECT pg_backend_pid() AS pid');
    await rejectsWith(db.query('SELECT pg_sleep(20)'), 'unavailable');
    const [after] = await db.query('SELECT pg_backend_pid() AS pid');
    assert.equal(after.pid, before.pid);
  });

  test('a transaction that says nothing for long is rolled back', async (t) => {
    const { db } = await open(t, { transactionIdleMs: 50 });
    await db.query('CREATE TABLE t (a bigint)');
    const idle = db.transaction(async (tx) => {
      await tx.query('INSERT INTO t VALUES (1)');
      await sleep(400);
    });
    await rejectsWith(idle, 'unavailable');
    assert.deepEqual(await db.query('SELECT a FROM t'), []);
  });

  test('calls past the bound of those that wait are refused', async (t) => {
    const { db } = await open(t, { maxConnections: 1, maxQueuedCalls: 2 });
    await db.transaction(async () => {
      const waiting = [db.query('SELECT 1 AS one'), db.query('SELECT 1 AS one')];
      await rejectsWith(db.query('SELECT 1 AS one'), 'unavailable');
      void Promise.allSettled(waiting);
    });
    assert.equal(db.stats.refusedCalls, 1);
  });

  test('a full disk is named', async (t) => {
    const { db } = await open(t);
    // Stands in for a disk that is full: the server answers with the same SQLSTATE.
    const raise = "DO $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$";
    await rejectsWith(db.query(raise), 'disk_full');
    await rejectsWith(
      db.transaction((tx) => tx.query(raise)),
      'disk_full',
    );
  });

  test('close waits for what was begun', async (t) => {
    const { db, connect } = await open(t);
    await db.query('CREATE TABLE t (a bigint)');
    const other = await connect();
    const inserted = other.transaction(async (tx) => {
      await sleep(50);
      await tx.query('INSERT INTO t VALUES (1)');
    });
    await other.close();
    await inserted;
    assert.equal((await db.query('SELECT a FROM t')).length, 1);
  });

  test('a wrong password is unavailable, and no error holds it', async () => {
    const db = openPostgresDatabase({ url: server.url(), password: 'wr0ng-s3cret' });
    await assert.rejects(db.query('SELECT 1 AS one'), (error) => {
      const text = inspect(error, { depth: null, showHidden: true });
      assert.match(text, /password authentication failed/);
      assert.doesNotMatch(text, /s3cret/);
      assert.ok(!text.includes(server.password));
      return true;
    });
    assert.doesNotMatch(inspect(db, { depth: null, showHidden: true }), /s3cret/);
    await db.close();
  });
});
