import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually, sleep } from '../harness/index.ts';
import { type ServiceProcess, SteadyLoad, skipWithoutCluster, TestCluster } from './harness/index.ts';

/** How long a killed service stays down, and a paused one paused. */
const PAUSE_MS = Number(process.env.XSCALER_E2E_PAUSE_MS ?? 3_000);
/** How long Redis, Kafka and PostgreSQL stay down. */
const OUTAGE_MS = Number(process.env.XSCALER_E2E_OUTAGE_MS ?? 15_000);
/** By then an ingester that sends no heartbeats is not an owner any more. */
const FORGOTTEN_AFTER_MS = 18_000;
const STEADY_WITHIN_MS = 60_000;

let cluster: TestCluster;
let load: SteadyLoad;

/** Nothing acknowledged is missing, nothing is there twice, and no answer had a hole. */
async function assertNothingLost(): Promise<void> {
  await load.untilSteady(STEADY_WITHIN_MS);
  assert.deepEqual(await load.check(), []);
  assert.deepEqual(load.faults, []);
}

/** Whatever happened, nobody was refused. */
function assertNobodyRefused(): void {
  const { queries, lastQuery, writes, lastWrite } = load.takeFailures();
  assert.equal(queries, 0, lastQuery);
  assert.equal(writes, 0, lastWrite);
}

async function killed(service: ServiceProcess): Promise<void> {
  await service.kill();
  await sleep(PAUSE_MS);
  await service.start();
}

describe('under a steady load', { concurrency: false, skip: skipWithoutCluster() }, () => {
  before(async () => {
    cluster = await TestCluster.start({ brokers: 3, withKafkaProxies: true });
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
        assertNobodyRefused();
      });
    }
  }

  for (const role of ['distributor', 'querier'] as const) {
    for (const number of [0, 1]) {
      test(`a ${role} is killed, ${number}: its twin goes on`, async () => {
        load.takeFailures();
        await killed(cluster.service(`${role}-${number}`));
        await assertNothingLost();
        assertNobodyRefused();
      });
    }
  }

  test('the gateway is killed', async () => {
    await killed(cluster.service('gateway-0'));
    await assertNothingLost();
  });

  test('both owners of some partitions are killed: queries are refused, none has a hole', async () => {
    const owners = [cluster.service('ingester-a-0'), cluster.service('ingester-b-0')];
    for (const owner of owners) await owner.kill();
    load.takeFailures();
    await sleep(PAUSE_MS);
    const { queries, writes, lastWrite } = load.takeFailures();
    assert.ok(queries > 0, 'queries were refused');
    assert.equal(writes, 0, lastWrite);
    for (const owner of owners) owner.spawn();
    for (const owner of owners) await owner.untilReady();
    await assertNothingLost();
  });

  test('an ingester stands still: queries go on from the other zone', async () => {
    const ingester = cluster.service('ingester-a-0');
    const answered = load.answeredQueries;
    ingester.pause();
    await sleep(Math.max(OUTAGE_MS, FORGOTTEN_AFTER_MS));
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
    assertNobodyRefused();
  });

  test('one Kafka broker of three is killed', async () => {
    await cluster.kafka.broker(1).kill();
    await sleep(OUTAGE_MS);
    await load.untilSteady(STEADY_WITHIN_MS);
    await cluster.kafka.start();
    await assertNothingLost();
  });

  test('connections to Kafka are cut between append and answer', async () => {
    for (const { proxy } of cluster.kafka.brokers) {
      proxy?.swallowAnswers();
      await eventually('an answer was lost', 20_000, async () =>
        (proxy?.swallowedBytes ?? 0) > 0 ? true : undefined,
      );
      await sleep(1_000);
      proxy?.cut();
      proxy?.passAnswers();
    }
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
    load.takeFailures();
    for (const service of cluster.services) {
      // There is one gateway: clients that find it unreachable try again.
      if (service.role === 'gateway') assertNobodyRefused();
      await service.stop();
      await service.start();
    }
    await assertNothingLost();
  });
});
