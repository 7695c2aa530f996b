import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Client, eventually } from '../harness/index.ts';
import { type ServiceProcess, SteadyLoad, skipWithoutCluster, TestCluster } from './harness/index.ts';

/** How late samples may come here. A range settles that long after its end, the time that a write may take, and what clocks may be apart. */
const LATE_MS = 20_000;
const SETTLES_AFTER_MS = LATE_MS + 30_000 + 2_000;
/** How much of what is written is to be committed, and known to be, before the log disappears. */
const HISTORY_MS = 15_000;
const COMMITTED_WITHIN_MS = 240_000;
const DATABASE = 'test_1';

let cluster: TestCluster;
let client: Client;
let load: SteadyLoad;
/** Until when everything acknowledged is in blocks, as ingesters have noted. */
let committedMs = 0;
/** When every querier had yet to ask for the log's end once more. */
let askedMs = 0;

async function committedUntil(): Promise<number> {
  const [row] = await cluster.postgres.query(
    'SELECT COUNT(*)::int AS partitions, MIN(committed_until_ms)::float8 AS until FROM resume_offsets',
    DATABASE,
  );
  return row.partitions === 4 ? Number(row.until) : 0;
}

/** A query about now has no right answer while the log is unreachable. */
async function assertNowIsRefused(): Promise<void> {
  const { status, text } = await client.get('/api/v1/query', { query: 'steady_samples' });
  assert.equal(status, 503, text);
  assert.match(text, /what was written last cannot be known/);
}

async function saysWhy(service: ServiceProcess, reason: RegExp): Promise<void> {
  await service.untilSays(reason, 30_000);
  assert.ok(service.isRunning, `${service.name} waits`);
}

describe('unreachable servers', { concurrency: false, skip: skipWithoutCluster() }, () => {
  before(async () => {
    const env = {
      XSCALER_LIMITS_OUT_OF_ORDER_TIME_WINDOW: `${LATE_MS}ms`,
      XSCALER_CLUSTER_MAX_CLOCK_SKEW: '1s',
    };
    cluster = await TestCluster.start({ env });
    client = await cluster.createTenant('acme');
    load = SteadyLoad.start(client);
  });

  after(async () => {
    await load?.stop();
    await cluster?.dispose();
  });

  test('ingesters note until when everything acknowledged is in blocks', async () => {
    const enoughMs = load.startMs + HISTORY_MS + SETTLES_AFTER_MS;
    await eventually('enough is committed', COMMITTED_WITHIN_MS, async () =>
      (await committedUntil()) >= enoughMs ? true : undefined,
    );
    await load.untilSteady(60_000);
    await load.stop();
    assert.deepEqual(load.faults, []);
    askedMs = Date.now();
    // Some for each querier.
    for (let i = 0; i < 10; i++) assert.deepEqual(await load.check(), []);
    committedMs = await committedUntil();
    assert.ok(committedMs < askedMs, 'what comes now is not committed yet');
  });

  test('Kafka is unreachable: what had settled is read, of the rest nothing is made up', async () => {
    await cluster.kafka.stop();
    assert.deepEqual(await load.checkUntil(committedMs - SETTLES_AFTER_MS), []);
    assert.deepEqual(await load.checkUntil(askedMs - SETTLES_AFTER_MS), []);
    await assertNowIsRefused();
  });

  test('ingesters are unreachable too and queriers start anew: what is committed is read', async () => {
    for (const ingester of cluster.ofRole('ingester')) await ingester.kill();
    const queriers = cluster.ofRole('querier');
    for (const querier of queriers) {
      await querier.kill();
      querier.spawn();
    }
    for (const querier of queriers) await saysWhy(querier, /write-log: .*no broker answers/);
    const faults = await eventually('an answer', 60_000, () =>
      load.checkUntil(committedMs - SETTLES_AFTER_MS).catch(() => undefined),
    );
    assert.deepEqual(faults, []);
    await assertNowIsRefused();
    await assert.rejects(load.checkUntil(askedMs - SETTLES_AFTER_MS), /^Error: 503/);
  });

  test('a service that starts while its log, database or Redis is unreachable waits, and says for what', async () => {
    const [distributor] = cluster.ofRole('distributor');
    const [ingester, other] = cluster.ofRole('ingester');
    const [gateway] = cluster.ofRole('gateway');
    await distributor.kill();
    for (const service of [distributor, ingester]) {
      service.spawn();
      await saysWhy(service, /write-log: .*no broker answers/);
    }
    await cluster.kafka.start();
    for (const service of [distributor, ingester]) await service.untilReady();

    await cluster.postgres.stop();
    await gateway.kill();
    for (const service of [gateway, other]) {
      service.spawn();
      await saysWhy(service, /database: /);
    }
    await cluster.postgres.start();
    for (const service of [gateway, other]) await service.untilReady();

    await cluster.redis.stop();
    await ingester.stop();
    ingester.spawn();
    await saysWhy(ingester, /Redis has never answered/);
    await cluster.redis.start();
    await ingester.untilReady();
  });

  test('once all servers are back, every sample is readable', async () => {
    for (const service of cluster.services) if (!service.isRunning) service.spawn();
    await cluster.untilReady();
    const faults = await eventually('an answer', 60_000, () => load.check().catch(() => undefined));
    assert.deepEqual(faults, []);
  });
});
