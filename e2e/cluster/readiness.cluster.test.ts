import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Answer, type Client, eventually, series, sleep } from '../harness/index.ts';
import { deleteTopic } from '../kafka/index.ts';
import { type Role, skipWithoutCluster, TestCluster } from './harness/index.ts';

const DATABASE = 'test_1';
const OPERATORS = 'ops';
/** A range is committed once its end is as old as the lateness window, the time that a write may take, and twice the skew of clocks. */
const LATE_MS = 1_000;
const SETTLES_AFTER_MS = LATE_MS + 30_000 + 2 * 1_000;
/** Longer than any time limit on one answer that a start has. */
const PAUSE_MS = 6_500;
const BURST_MS = 200;
const BURSTS = 5;
/** A question to the log is given up after ten seconds, and asked every two. */
const NOTICED_WITHIN_MS = 40_000;

let cluster: TestCluster;
let client: Client;
/** When the samples were written that are history later. */
let writtenMs: number;

async function assertReady(role: Role, warning?: RegExp): Promise<void> {
  for (const service of cluster.ofRole(role)) {
    const { status, text } = await service.readyPage();
    assert.equal(status, 200, `${service.name}: ${text}`);
    if (warning !== undefined) assert.match(text, warning);
  }
}

async function untilNotReady(role: Role, reason: RegExp): Promise<void> {
  for (const service of cluster.ofRole(role)) await service.untilNotReady(reason, NOTICED_WITHIN_MS);
}

async function assertWriteIsForLater(): Promise<void> {
  const answer: Answer = await client.push([series({ __name__: 'later' }, [[Date.now(), 1]])]);
  assert.equal(answer.status, 503, answer.text);
  assert.match(String(answer.headers['retry-after']), /^\d+$/);
}

async function assertHistoryIsRead(): Promise<void> {
  assert.equal(await client.value('count_over_time(history[2s])', writtenMs + 1), 1);
}

describe('readiness of services', { concurrency: false, skip: skipWithoutCluster() }, () => {
  before(async () => {
    const env = {
      XSCALER_LIMITS_OUT_OF_ORDER_TIME_WINDOW: `${LATE_MS}ms`,
      XSCALER_CLUSTER_MAX_CLOCK_SKEW: '1s',
      XSCALER_SELF_METRICS_TENANT: OPERATORS,
      XSCALER_SELF_METRICS_INTERVAL: '1s',
    };
    cluster = await TestCluster.start({ compactors: 1, env });
    client = await cluster.createTenant('acme');
    writtenMs = Date.now();
    assert.equal((await client.push([series({ __name__: 'history' }, [[writtenMs, 1]])])).status, 204);
  });

  after(() => cluster?.dispose());

  test('own metrics of all services go into the operator’s tenant, and none into a customer’s', async () => {
    const operator = await cluster.createTenant(OPERATORS);
    const services = async () => {
      const data = await operator.query('count by (service) ({job="xscaler"})');
      assert.ok(data.resultType === 'vector');
      const found = data.result.map(({ metric }) => metric.service.replace(/-main$/, ''));
      return new Set(found).size >= 5 ? found : undefined;
    };
    const found = await eventually('every service writes them', 60_000, services);
    for (const name of ['gateway', 'distributor', 'ingester', 'querier', 'compactor'])
      assert.ok(found.includes(name), `${name} in ${found}`);
    const stored = 'sum(xscaler_distributor_samples_stored_total{tenant="acme"})';
    assert.ok(((await operator.value(stored)) ?? 0) > 0);
    const names = await client.get('/api/v1/label/__name__/values');
    assert.deepEqual(JSON.parse(names.text).data, ['history']);
  });

  test('a start waits as long as it takes, whatever part of it the database is silent at', async () => {
    const started = ['gateway-0', 'distributor-0', 'ingester-a-0', 'querier-0', 'compactor-0'].map((name) =>
      cluster.service(name),
    );
    for (const service of started) await service.kill();
    cluster.postgres.pause();
    for (const service of started) service.spawn();
    try {
      for (let i = 0; i < BURSTS; i++) {
        await sleep(PAUSE_MS);
        for (const { isRunning, name, logs } of started)
          assert.ok(isRunning, `${name}: ${logs.slice(-3_000)}`);
        cluster.postgres.resume();
        await sleep(BURST_MS);
        cluster.postgres.pause();
      }
    } finally {
      cluster.postgres.resume();
    }
    for (const service of started) await service.untilReady();
  });

  test('an ingester that starts while Kafka and Redis stand still waits for both, and says so', async () => {
    const ingester = cluster.service('ingester-b-0');
    await ingester.kill();
    for (const broker of cluster.kafka.brokers) broker.pause();
    cluster.redis.pause();
    try {
      ingester.spawn();
      await sleep(2 * PAUSE_MS);
      assert.ok(ingester.isRunning, ingester.logs.slice(-3_000));
      const { status, text } = await ingester.readyPage();
      assert.equal(status, 503, text);
      assert.match(text, /write-log: /);
    } finally {
      cluster.redis.resume();
      for (const broker of cluster.kafka.brokers) broker.resume();
    }
    await ingester.untilReady();
  });

  test('what was written becomes history', async () => {
    await eventually('it is committed', 120_000, async () => {
      const [row] = await cluster.postgres.query(
        'SELECT COUNT(*)::int AS partitions, MIN(committed_until_ms)::float8 AS until FROM resume_offsets',
        DATABASE,
      );
      return row.partitions === 4 && Number(row.until) > writtenMs + SETTLES_AFTER_MS ? true : undefined;
    });
    await assertHistoryIsRead();
  });

  test('without distributors the gateway is ready and refuses writes for now', async () => {
    for (const distributor of cluster.ofRole('distributor')) await distributor.kill();
    await assertWriteIsForLater();
    await assertReady('gateway');
    for (const distributor of cluster.ofRole('distributor')) await distributor.start();
  });

  test('brokers that stand still make distributors unready; they are ready again by themselves', async () => {
    for (const broker of cluster.kafka.brokers) broker.pause();
    try {
      await untilNotReady('distributor', /write-log: .*has not answered/);
      await assertWriteIsForLater();
      await assertReady('gateway');
      await assertReady('querier', /^warning: write-log: /m);
      await assertHistoryIsRead();
    } finally {
      for (const broker of cluster.kafka.brokers) broker.resume();
    }
    for (const distributor of cluster.ofRole('distributor')) await distributor.untilReady();
    await eventually('writes are taken', 30_000, async () =>
      (await client.push([series({ __name__: 'again' }, [[Date.now(), 1]])])).status === 204
        ? true
        : undefined,
    );
  });

  test('a topic that is gone makes distributors unready; gateways and queriers stay, and history answers', async () => {
    await deleteTopic(cluster.kafka.addresses, 'xscaler-log');
    await assertWriteIsForLater();
    await untilNotReady('distributor', /write-log: .*has not answered|appends: writes are refused/);
    await assertWriteIsForLater();
    await assertReady('gateway');
    await assertReady('querier', /^warning: write-log: /m);
    await assertHistoryIsRead();
  });
});
