import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { migrate, SqlBlockStore, SqlCompactionStore, SqlDeletionStore } from '@xscaler/database';
import { freePort, RunningProgram, sleep } from '../harness/index.ts';
import { Random } from '../harness/random.ts';
import { openTestDatabase } from './open-test-database.ts';
import { PostgresServer, skipWithoutPostgres } from './postgres-server.ts';
import { dayBefore, StoredHeads, TENANTS } from './stored-heads.ts';

const MAIN = join(import.meta.dirname, '../../services/all/main.ts');
const KILLS = 5;
const DONE_WITHIN_MS = 120_000;

describe('compactors on PostgreSQL', { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.dispose());

  test('killed with kill -9 in the middle of merges, they change no answer, and get the work done', async () => {
    const random = Random.seeded();
    const { db, name, dispose } = await openTestDatabase(server, { maxConnections: 4 });
    await migrate(db);
    const blocks = new SqlBlockStore(db);
    const deletions = new SqlDeletionStore(db);
    const store = new SqlCompactionStore(db);
    const heads = new StoredHeads(blocks, deletions, dayBefore(Date.now()));
    await heads.store(200, 60);

    // What answers are expected changes with each deletion, and with nothing else; it isn't known at an odd generation.
    let expected = new Map<string, ReadonlyMap<string, string>>();
    let generation = 0;
    const learn = async () => {
      expected = new Map(
        await Promise.all(TENANTS.map(async (id) => [id, await heads.answers(id)] as const)),
      );
    };
    await learn();
    let reads = 0;
    const stopped = new AbortController();
    const reading = (async () => {
      while (!stopped.signal.aborted) {
        const begun = generation;
        const tenant = TENANTS[reads % TENANTS.length];
        const found = await heads.answers(tenant);
        if (generation === begun && begun % 2 === 0)
          assert.deepEqual(found, expected.get(tenant), `read ${reads}`);
        reads++;
        await sleep(50);
      }
    })();

    const receipts: [tenant: string, id: string][] = [];
    const compactor = async () => {
      const opsPort = await freePort();
      return new RunningProgram(
        process.execPath,
        ['--disable-warning=ExperimentalWarning', MAIN, 'compactor'],
        {
          XSCALER_DATABASE_URL: server.url(name),
          XSCALER_OPS_LISTEN: `127.0.0.1:${opsPort}`,
          XSCALER_COMPACTOR_INTERVAL: '50ms',
          XSCALER_COMPACTOR_LEASE: '1s',
        },
      );
    };
    for (let kill = 0; kill < KILLS; kill++) {
      const running = await compactor();
      await until(async () => (await store.counts()).leasedJobs > 0, running);
      await sleep(random.between(0, 400));
      await running.end('SIGKILL');
      if (kill % 2 === 1) {
        generation++;
        const tenant = TENANTS[random.between(0, TENANTS.length)];
        const metric = `metric_${random.between(0, 10)}`;
        receipts.push([tenant, await heads.delete(tenant, metric, random.between(0, 11))]);
        await learn();
        generation++;
      }
    }
    assert.ok(reads > 0);

    const last = [await compactor(), await compactor()];
    await until(
      async () => {
        const { jobs, unfinishedDeletions, liveBlocks } = await store.counts();
        return jobs === 0 && unfinishedDeletions === 0 && liveBlocks === 4;
      },
      ...last,
    );
    stopped.abort();
    await reading;
    for (const tenant of TENANTS) assert.deepEqual(await heads.answers(tenant), expected.get(tenant));
    for (const [tenant, id] of receipts)
      assert.notEqual((await deletions.progress(tenant, id))?.doneMs, undefined, id);
    for (const running of last) assert.deepEqual(await running.end('SIGTERM'), { code: 0, signal: null });

    // What nobody finished and what was replaced goes, and every part that is left belongs to a live block.
    await blocks.sweepStaged(Number.MAX_SAFE_INTEGER);
    await store.purgeRetired(Number.MAX_SAFE_INTEGER);
    const [{ orphans }] = await db.query<{ orphans: number }>(
      'SELECT COUNT(*) AS orphans FROM block_parts WHERE block_id NOT IN (SELECT block_id FROM blocks)',
    );
    assert.equal(orphans, 0);
    for (const tenant of TENANTS) assert.deepEqual(await heads.answers(tenant), expected.get(tenant));
    await dispose();
  });
});

async function until(condition: () => Promise<boolean>, ...programs: RunningProgram[]): Promise<void> {
  const deadline = Date.now() + DONE_WITHIN_MS;
  while (!(await condition())) {
    for (const { isRunning, output } of programs) assert.ok(isRunning, `ended by itself:\n${output}`);
    assert.ok(Date.now() < deadline, `not in time:\n${programs.map(({ output }) => output).join('\n')}`);
    await sleep(10);
  }
}
