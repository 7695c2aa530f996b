import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Database, DatabaseError, type DatabaseErrorCode } from './database.ts';
import { databaseTimeMs } from './database-time.ts';
import { migrate } from './migrate.ts';

/** A database under test, empty at first. */
export interface DatabaseUnderTest {
  readonly db: Database;
  /** Another client of the same database. */
  connect(): Promise<Database>;
  /** Closes everything that is open. */
  dispose(): Promise<void>;
}

type Check = (title: string, run: (subject: DatabaseUnderTest) => Promise<void>) => void;

/** What every `Database` promises, as tests. `open` makes an empty one. */
export function databaseContract(name: string, open: () => Promise<DatabaseUnderTest>): void {
  const check: Check = (title, run) =>
    test(`${name}: ${title}`, async () => {
      const subject = await open();
      try {
        await run(subject);
      } finally {
        await subject.dispose();
      }
    });
  querying(check);
  transactions(check);
  migrations(check);
}

export async function rejectsWith(promise: Promise<unknown>, code: DatabaseErrorCode): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof DatabaseError, `not a DatabaseError: ${error}`);
    assert.equal(error.code, code);
    return true;
  });
}

async function createTable(db: Database): Promise<void> {
  const blob = db.dialect === 'sqlite' ? 'BLOB' : 'bytea';
  await db.query(`CREATE TABLE things (id bigint PRIMARY KEY, name text, bytes ${blob})`);
}

async function idsOf(db: Pick<Database, 'query'>): Promise<number[]> {
  const rows = await db.query<{ id: number }>('SELECT id FROM things ORDER BY id');
  return rows.map(({ id }) => id);
}

function querying(check: Check): void {
  check('it tells the time', async ({ db }) => {
    const beforeMs = Date.now();
    const timeMs = await databaseTimeMs(db);
    // SQLite rounds what it takes as a day with a fraction.
    assert.ok(
      timeMs >= beforeMs - 1 && timeMs <= Date.now() + 1,
      `${timeMs - beforeMs} ms after it was asked`,
    );
  });

  check('values come back as they were stored', async ({ db }) => {
    await createTable(db);
    const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i);
    const insert = 'INSERT INTO things (id, name, bytes) VALUES ($1, $2, $3) RETURNING id';
    const largest = Number.MAX_SAFE_INTEGER;
    assert.equal((await db.query(insert, [largest, 'naïve ☃ \0'.slice(0, 7), bytes]))[0].id, largest);
    await db.query(insert, [-5, null, new Uint8Array(0)]);
    const rows = await db.query('SELECT id, name, bytes FROM things ORDER BY id');
    assert.equal(rows[0].id, -5);
    assert.equal(rows[0].name, null);
    assert.equal((rows[0].bytes as Uint8Array).length, 0);
    assert.equal(rows[1].id, largest);
    assert.equal(rows[1].name, 'naïve ☃');
    assert.ok(Buffer.from(rows[1].bytes as Uint8Array).equals(bytes));
  });

  check('parameters are placed by number and may be used twice', async ({ db }) => {
    await createTable(db);
    await db.query('INSERT INTO things (name, id) VALUES ($2, $1)', [1, 'one']);
    await db.query('INSERT INTO things (name, id) VALUES ($2, $1)', [2, 'two']);
    const sql = 'SELECT name FROM things WHERE (id = $2 OR id > $2) AND name <> $1 ORDER BY id';
    assert.deepEqual(
      (await db.query(sql, ['one', 1])).map(({ name }) => name),
      ['two'],
    );
  });

  check('a blob parameter stays its caller’s', async ({ db }) => {
    await createTable(db);
    const buffer = new Uint8Array(1000).fill(9);
    await db.query('INSERT INTO things (id, bytes) VALUES ($1, $2)', [1, buffer.subarray(10, 20)]);
    await db.query('INSERT INTO things (id, bytes) VALUES ($1, $2)', [2, buffer]);
    assert.equal(buffer.length, 1000);
    const rows = await db.query('SELECT bytes FROM things ORDER BY id');
    assert.deepEqual(
      rows.map(({ bytes }) => (bytes as Uint8Array).length),
      [10, 1000],
    );
  });

  check('faults carry their code', async ({ db }) => {
    await createTable(db);
    await db.query('INSERT INTO things (id) VALUES (1)');
    await rejectsWith(db.query('INSERT INTO things (id) VALUES ($1)', [1]), 'constraint');
    await rejectsWith(db.query('SELECT * FROM nowhere'), 'invalid');
    await rejectsWith(db.query('SELECT id FROM things WHERE id = $1', []), 'invalid');
    await rejectsWith(db.query('SELECT id FROM things WHERE id = $1', [1, 2]), 'invalid');
  });

  check('a closed database refuses', async ({ connect }) => {
    const db = await connect();
    await db.close();
    await rejectsWith(db.query('SELECT 1 AS one'), 'unavailable');
    await rejectsWith(
      db.transaction(() => Promise.resolve()),
      'unavailable',
    );
  });
}

function transactions(check: Check): void {
  check('a transaction sees its own writes, others only after the commit', async ({ db, connect }) => {
    await createTable(db);
    const other = await connect();
    const result = await db.transaction(async (tx) => {
      await tx.query('INSERT INTO things (id) VALUES (1)');
      assert.deepEqual(await idsOf(tx), [1]);
      assert.deepEqual(await idsOf(db), []);
      assert.deepEqual(await idsOf(other), []);
      return 'done';
    });
    assert.equal(result, 'done');
    assert.deepEqual(await idsOf(other), [1]);
  });

  check('a transaction whose work rejects leaves nothing', async ({ db }) => {
    await createTable(db);
    const reason = new Error('changed my mind');
    const work = db.transaction(async (tx) => {
      await tx.query('INSERT INTO things (id) VALUES (1)');
      throw reason;
    });
    await assert.rejects(work, reason);
    assert.deepEqual(await idsOf(db), []);
    await db.query('INSERT INTO things (id) VALUES (1)');
  });

  check('a statement that fails fails its transaction, caught or not', async ({ db }) => {
    await createTable(db);
    const work = db.transaction(async (tx) => {
      await tx.query('INSERT INTO things (id) VALUES (1)');
      await rejectsWith(tx.query('INSERT INTO things (id) VALUES (1)'), 'constraint');
      await rejectsWith(tx.query('INSERT INTO things (id) VALUES (2)'), 'invalid');
    });
    await rejectsWith(work, 'constraint');
    assert.deepEqual(await idsOf(db), []);
  });

  check('transactions of several clients lose no update', async ({ db, connect }) => {
    await createTable(db);
    await db.query("INSERT INTO things (id, name) VALUES (0, '')");
    const clients = [db, await connect(), await connect()];
    const increment = (client: Database) =>
      client.transaction(async (tx) => {
        const [row] = await tx.query('UPDATE things SET id = id + 1 RETURNING id');
        await tx.query('UPDATE things SET name = $1', [`at ${row.id}`]);
      });
    await Promise.all(Array.from({ length: 30 }, (_, i) => increment(clients[i % 3])));
    assert.deepEqual({ ...(await db.query('SELECT id, name FROM things'))[0] }, { id: 30, name: 'at 30' });
  });

  check('a compare-and-swap is won once', async ({ db, connect }) => {
    await createTable(db);
    await db.query('INSERT INTO things (id) VALUES (7)');
    const clients = [db, await connect()];
    const swaps = Array.from({ length: 10 }, (_, i) =>
      clients[i % 2].query('UPDATE things SET id = $1 WHERE id = 7 RETURNING id', [100 + i]),
    );
    const winners = (await Promise.all(swaps)).filter((rows) => rows.length === 1);
    assert.equal(winners.length, 1);
    assert.deepEqual(await idsOf(db), [winners[0][0].id]);
  });

  check('a transaction that is over takes no more statements', async ({ db }) => {
    await createTable(db);
    const escaped = await db.transaction((tx) => Promise.resolve({ tx }));
    await assert.rejects(escaped.tx.query('INSERT INTO things (id) VALUES (1)'), DatabaseError);
    assert.deepEqual(await idsOf(db), []);
  });
}

function migrations(check: Check): void {
  check('many that migrate at once apply each migration once', async ({ db, connect }) => {
    const clients = [db, await connect(), await connect()];
    const applied = await Promise.all(clients.map(migrate));
    const all = applied.flat().sort();
    assert.ok(all.length >= 2);
    assert.equal(new Set(all).size, all.length);
    assert.deepEqual(await migrate(db), []);
    assert.equal((await db.query('SELECT change FROM changes'))[0].change, 0);
  });
}
