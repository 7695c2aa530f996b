import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BlockStore, type Database, migrate, SqlBlockStore } from '@xscaler/database';
import { rejectsWith } from '@xscaler/database/contracts';
import { openPostgresDatabase, type PostgresOptions } from '@xscaler/database/postgres';
import { CuttingProxy } from './cutting-proxy.ts';
import { openTestDatabase } from './open-test-database.ts';
import { PostgresServer, skipWithoutPostgres } from './postgres-server.ts';
import { CHUNK_BYTES, commitHead, commitUntil, TENANT } from './replica-writer.ts';

const PARTITION = 3;

describe('PostgreSQL that dies, stalls and comes back', { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.dispose());

  async function open(t: TestContext, options: PostgresOptions = {}) {
    const subject = await openTestDatabase(server, options);
    t.after(() => subject.dispose());
    await migrate(subject.db);
    return { ...subject, store: new SqlBlockStore(subject.db) };
  }

  test('killed amid commits it has every head once and whole, or not at all', async (t) => {
    const { db, store, connect } = await open(t);
    const other = new SqlBlockStore(await connect());
    const stop = new AbortController();
    t.after(() => stop.abort());
    const replicas = [
      commitUntil(stop.signal, store, 0, 'a'),
      commitUntil(stop.signal, other, 0, 'b'),
      commitUntil(stop.signal, store, 1, 'a'),
      commitUntil(stop.signal, other, 1, 'b'),
    ];
    for (let round = 0; round < 4; round++) {
      await sleep(300 + Math.random() * 200);
      await server.kill();
      await server.start();
    }
    await sleep(300);
    stop.abort();
    const reports = await Promise.all(replicas);
    for (const [i, partition] of [0, 0, 1, 1].entries()) {
      const { acknowledged, unavailable } = reports[i];
      assert.ok(unavailable > 0, 'no commit met a server that was unreachable');
      const offsets = await checkPartition(db, store, partition);
      assert.ok(offsets > Math.max(...acknowledged), 'an acknowledged head is missing');
    }
  });

  test('a connection cut at any answer of a commit leaves one block after the next try', async (t) => {
    const proxy = await CuttingProxy.start(server.port);
    t.after(() => proxy.dispose());
    const { name, db, store } = await open(t);
    const outcomes: string[] = [];
    let offset = 0;
    for (let answers = 0; ; answers++) {
      const cut = openPostgresDatabase({ url: server.url(name, proxy.port), maxConnections: 1 });
      await cut.query('SELECT 1 AS one');
      const cutsBefore = proxy.cuts;
      proxy.cutAfterAnswers(answers);
      const first = commitHead(new SqlBlockStore(cut), PARTITION, offset, 'a');
      const outcome = await first.catch((error) => error);
      proxy.passAll();
      if (proxy.cuts === cutsBefore) {
        assert.equal(outcome, 'committed');
        await cut.close();
        offset++;
        break;
      }
      assert.equal(outcome.code, 'unavailable');
      outcomes.push(await commitHead(new SqlBlockStore(cut), PARTITION, offset, 'a'));
      await cut.close();
      offset++;
      assert.equal(await checkPartition(db, store, PARTITION), offset);
    }
    // Cut at the answer to COMMIT alone it was committed before, and the next try found it.
    assert.ok(outcomes.length > 8, `only ${outcomes.length} answers`);
    assert.equal(outcomes.at(-1), 'already');
    assert.ok(outcomes.slice(0, -1).every((outcome) => outcome === 'committed'));
  });

  test('a session ended in the middle of a transaction leaves nothing', async (t) => {
    const { db } = await open(t);
    await db.query('CREATE TABLE t (a bigint)');
    const ended = db.transaction(async (tx) => {
      await tx.query('INSERT INTO t VALUES (1)');
      const [{ pid }] = await tx.query('SELECT pg_backend_pid() AS pid');
      await db.query('SELECT pg_terminate_backend($1)', [pid]);
      await sleep(20);
      await tx.query('INSERT INTO t VALUES (2)');
    });
    await rejectsWith(ended, 'unavailable');
    const atCommit = db.transaction(async (tx) => {
      await tx.query('INSERT INTO t VALUES (3)');
      const [{ pid }] = await tx.query('SELECT pg_backend_pid() AS pid');
      await db.query('SELECT pg_terminate_backend($1)', [pid]);
    });
    await rejectsWith(atCommit, 'unavailable');
    assert.deepEqual(await db.query('SELECT a FROM t'), []);
  });

  test('a restart costs no more than the calls under way', async (t) => {
    const lost: string[] = [];
    const { db } = await open(t, { onConnectionLost: (message) => lost.push(message) });
    await Promise.all(Array.from({ length: 5 }, () => db.query('SELECT pg_sleep(0.05)')));
    await server.stop();
    await rejectsWith(db.query('SELECT 1 AS one'), 'unavailable');
    await rejectsWith(
      db.transaction((tx) => tx.query('SELECT 1 AS one')),
      'unavailable',
    );
    await server.start();
    assert.deepEqual({ ...(await db.query('SELECT 1 AS one'))[0] }, { one: 1 });
    assert.equal(lost.length, 5);
    assert.equal(db.stats.lostConnections, 5);
  });

  test('a server that stands still holds nobody up for ever', async (t) => {
    const { connect } = await open(t);
    const timeouts = { connectTimeoutMs: 1_000, statementTimeoutMs: 1_000 };
    const db = await connect(timeouts);
    const other = await connect({ ...timeouts, maxConnections: 1 });
    await db.query('SELECT 1 AS one');
    await other.query('SELECT 1 AS one');
    server.pause();
    try {
      await Promise.all([
        rejectsWith(db.query('SELECT 1 AS one'), 'unavailable'),
        rejectsWith(
          other.transaction((tx) => tx.query('SELECT 1 AS one')),
          'unavailable',
        ),
        rejectsWith((await connect(timeouts)).query('SELECT 1 AS one'), 'unavailable'),
      ]);
      await other.close();
    } finally {
      server.resume();
    }
    assert.deepEqual({ ...(await db.query('SELECT 1 AS one'))[0] }, { one: 1 });
  });
});

/** Blocks, ledger, resume offset and parts of a partition tell one story; returns the resume offset. */
async function checkPartition(db: Database, store: BlockStore, partition: number): Promise<number> {
  const resumeOffset = await store.resumeOffset(partition);
  const offsets = Array.from({ length: resumeOffset }, (_, i) => i);
  const ledger = await store.ledger(partition);
  assert.deepEqual(
    ledger.map(({ toOffset }) => toOffset),
    offsets,
  );
  const all = await store.list(TENANT, 0, Number.MAX_SAFE_INTEGER);
  const blocks = all.filter((block) => block.partition === partition).sort((a, b) => a.toOffset - b.toOffset);
  assert.deepEqual(
    blocks.map(({ toOffset }) => toOffset),
    offsets,
  );
  const [{ n }] = await db.query(
    `SELECT count(*) AS n FROM blocks JOIN block_parts USING (block_id)
     WHERE partition = $1 AND kind = 'chunks' AND length(bytes) = $2`,
    [partition, CHUNK_BYTES],
  );
  assert.equal(n, resumeOffset);
  if (resumeOffset > 0) {
    const last = blocks[resumeOffset - 1];
    const index = await store.readPart(last.blockId, 'index', 0);
    assert.equal(new TextDecoder().decode(index), String(resumeOffset - 1));
    const [metadata] = await store.metadata(TENANT, `last_${partition}`);
    assert.equal(metadata.help, String(resumeOffset - 1));
  }
  return resumeOffset;
}
