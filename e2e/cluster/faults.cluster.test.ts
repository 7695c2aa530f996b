import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sleep } from '../harness/index.ts';
import { type ServiceProcess, SteadyLoad, skipWithoutCluster, TestCluster } from './harness/index.ts';

/** How long a killed service stays away, and a paused one paused. */
const PAUSE_MS = Number(process.env.XSCALER_E2E_PAUSE_MS ?? 3_000);
/** How long Redis, Kafka and PostgreSQL stay away. */
const OUTAGE_MS = Number(process.env.XSCALER_E2E_OUTAGE_MS ?? 20_000);
const STEADY_WITHIN_MS = 60_000;

let cluster: TestCluster;
let load: SteadyLoad;

/** Nothing acknowledged is missing, nothing is there twice, and no answer had a hole. */
async function assertNothingLost(): Promise<void> {
  await load.untilSteady(STEADY_WITHIN_MS);
  assert.deepEqual(await load.check(), []);
  assert.deepEqual(load.faults, []);
}

async function killed(service: ServiceProcess): Promise<void> {
  await service.kill();
  await sleep(PAUSE_MS);
  await service.start();
}

describe('under a steady load', { concurrency: false, skip: skipWithoutCluster() }, () => {
  before(async () => {
    cluster = await TestCluster.start({ brokers: 3 });
    load = SteadyLoad.start(await cluster.createTenant('acme'));
    await load.untilSteady(STEADY_WITHIN_MS);
  });

  after(async () => {
    await load?.stop();
    await cluster?.dispose();
  });

  for (const zone of ['a', 'b']) {
    for (const ordinal of [0, 1]) {
      test(`an ingester is killed, ${zone}-${ordinal}: queries go on from the other zone`, async () => {
        load.takeFailures();
        await killed(cluster.service(`ingester-${zone}-${ordinal}`));
        await assertNothingLost();
        const { queries, lastQuery, writes, lastWrite } = load.takeFailures();
        assert.equal(queries, 0, lastQuery);
        assert.equal(writes, 0, lastWrite);
      });
    }
  }

  for (const role of ['distributor', 'querier'] as const) {
    for (const number of [0, 1]) {
      test(`a ${role} is killed, ${number}: its twin goes on`, async () => {
        load.takeFailures();
        await killed(cluster.service(`${role}-${number}`));
        await assertNothingLost();
        const { queries, lastQuery, writes, lastWrite } = load.takeFailures();
        assert.equal(queries, 0, lastQuery);
        assert.equal(writes, 0, lastWrite);
      });
    }
  }

  test('the gateway is killed', async () => {
    await killed(cluster.service('gateway-0'));
    await assertNothingLost();
  });

  test('an ingester stands still: queries go on from the other zone', async () => {
    const ingester = cluster.service('ingester-a-0');
    const answered = load.answeredQueries;
    ingester.pause();
    await sleep(Math.max(OUTAGE_MS, 15_000));
    const during = load.answeredQueries - answered;
    ingester.resume();
    assert.ok(during > 5, `${during} queries were answered`);
    await assertNothingLost();
  });

  test('Redis is stopped and comes back empty: nobody notices', async () => {
    load.takeFailures();
    await cluster.redis.stop();
    await sleep(OUTAGE_MS);
    await cluster.redis.start();
    await assertNothingLost();
    const { queries, lastQuery, writes, lastWrite } = load.takeFailures();
    assert.equal(queries, 0, lastQuery);
    assert.equal(writes, 0, lastWrite);
  });

  test('one Kafka broker of three is killed', async () => {
    await cluster.kafka.broker(1).kill();
    await sleep(PAUSE_MS);
    await load.untilSteady(STEADY_WITHIN_MS);
    await cluster.kafka.start();
    await assertNothingLost();
  });

  test('Kafka is stopped', async () => {
    await cluster.kafka.stop();
    const before = load.acknowledged;
    await sleep(OUTAGE_MS);
    assert.ok(load.acknowledged <= before + 1, 'nothing is acknowledged without the log');
    await cluster.kafka.start();
    await assertNothingLost();
  });

  test('PostgreSQL is stopped: writes go on', async () => {
    await cluster.postgres.stop();
    const before = load.acknowledged;
    await sleep(OUTAGE_MS);
    const during = load.acknowledged - before;
    await cluster.postgres.start();
    assert.ok(during > 5, `${during} samples of each series were acknowledged`);
    await assertNothingLost();
  });

  test('every service is restarted, one after the other', async () => {
    for (const service of cluster.services) {
      await service.stop();
      await service.start();
    }
    await assertNothingLost();
  });
});
