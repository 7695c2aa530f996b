import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Client, eventually, series, sleep, snappyBody, Xscaler } from '../harness/index.ts';
import { writeRequestBytes } from '../harness/write-request.ts';
import {
  CLUSTER_SECRET,
  type ServiceProcess,
  SteadyLoad,
  skipWithoutCluster,
  TestCluster,
  WrongClock,
} from './harness/index.ts';

const HOUR_MS = 3_600_000;
const THREE_HOURS_MS = 3 * HOUR_MS;
const DATABASE = 'test_1';
/** How late samples may come, and how far a clock may be off, here. */
const LATE_MS = 10_000;
const SKEW_MS = 1_000;
/** After which nothing of a range can come any more: see `ReadHorizon`. */
const SETTLES_AFTER_MS = LATE_MS + 30_000 + 2 * SKEW_MS;
/** Longer than an ingester and a distributor wait from one note to the next. */
const NOTED_WITHIN_MS = 20_000;
const NOTICED_WITHIN_MS = 30_000;

let cluster: TestCluster;
let client: Client;
let load: SteadyLoad;
let clock: WrongClock;

/** Starts some services again, with the clock that the test sets or with the machine's. */
async function startAgain(services: readonly ServiceProcess[], env = {}): Promise<void> {
  for (const service of services) await service.kill();
  for (const service of services) service.spawn(env);
}

/** A sample of now, given to a distributor itself, as a gateway would. */
async function writeTo(distributor: ServiceProcess): Promise<Response> {
  const body = snappyBody(writeRequestBytes({ series: [series({ __name__: 'direct' }, [[Date.now(), 1]])] }));
  return fetch(`http://${distributor.address}/api/v1/push`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
      'x-xscaler-tenant': 'acme',
      'x-xscaler-secret': CLUSTER_SECRET,
    },
    body: new Uint8Array(body),
  });
}

async function futureRows(): Promise<Record<string, unknown>> {
  const soon = `(extract(epoch FROM clock_timestamp()) + 60) * 1000`;
  const [row] = await cluster.postgres.query(
    `SELECT (SELECT count(*)::int FROM resume_offsets WHERE committed_until_ms > ${soon}) AS notes,
       (SELECT count(*)::int FROM outages WHERE end_ms > ${soon}) AS outages,
       (SELECT count(*)::int FROM accepted_writes WHERE until_ms > ${soon}) AS accepted`,
    DATABASE,
  );
  return row;
}

const NO_FUTURE = { notes: 0, outages: 0, accepted: 0 };

describe('wrong clocks', { concurrency: false, skip: skipWithoutCluster() }, () => {
  before(async () => {
    clock = new WrongClock(THREE_HOURS_MS);
    const env = {
      XSCALER_LIMITS_OUT_OF_ORDER_TIME_WINDOW: `${LATE_MS}ms`,
      XSCALER_CLUSTER_MAX_CLOCK_SKEW: `${SKEW_MS}ms`,
      // What is written stays in heads.
      XSCALER_INGESTER_HEAD_WINDOW: '2h',
      XSCALER_INGESTER_LATE_HEAD_AGE: '2h',
    };
    cluster = await TestCluster.start({ env });
    client = await cluster.createTenant('acme');
  });

  after(async () => {
    await load?.stop();
    await cluster?.dispose();
    clock?.[Symbol.dispose]();
  });

  test('what is acknowledged beside ingesters whose clock is ahead is read, when it has settled too', async () => {
    const ahead = cluster.ofRole('ingester').filter(({ name }) => name.startsWith('ingester-a'));
    await startAgain(ahead, clock.env);
    await sleep(NOTED_WITHIN_MS);
    load = SteadyLoad.start(client);
    await load.untilSteady(30_000);
    const { acknowledged } = load;
    const lastMs = Date.now();
    assert.ok(acknowledged > 0);
    await sleep(SETTLES_AFTER_MS);
    const faults = await eventually('an answer', 30_000, () =>
      load.checkUntil(lastMs).catch(() => undefined),
    );
    assert.deepEqual(faults, []);
    assert.deepEqual(await futureRows(), NO_FUTURE);
    for (const ingester of ahead)
      await ingester.untilNotReady(
        /^clock: .* is 3h 0m \ds ahead of the clock of PostgreSQL and Kafka and Redis;/,
        NOTICED_WITHIN_MS,
      );
  });

  test('an ingester whose clock is set right is ready again, by itself', async () => {
    clock.set(0);
    await cluster.untilReady();
    assert.deepEqual(await load.check(), []);
  });

  test('a distributor whose clock is behind refuses nothing for good: 503, and the reason', async () => {
    await load.untilSteady(30_000);
    const [distributor] = cluster.ofRole('distributor');
    clock.set(-THREE_HOURS_MS);
    await startAgain([distributor], clock.env);
    const answer = await eventually('an answer', 60_000, () => writeTo(distributor).catch(() => undefined));
    const text = await answer.text();
    assert.equal(answer.status, 503, text);
    assert.match(text, /nothing was stored: the local clock is (2h 59m|3h 0m) \d+s behind the clock of/);
    assert.ok(Number(answer.headers.get('retry-after')) > 0);
    await distributor.untilNotReady(/^clock: .* behind/, NOTICED_WITHIN_MS);
    await sleep(NOTED_WITHIN_MS);
    assert.deepEqual(load.faults, [], 'a sender was not told to drop anything');
    assert.equal((await distributor.metric('xscaler_clock_skew_seconds')) < -3 * 10_000, true);
  });

  test('a clock that jumps while its process runs is noticed, and notes no outage', async () => {
    const [distributor] = cluster.ofRole('distributor');
    clock.set(THREE_HOURS_MS);
    await distributor.untilNotReady(/^clock: .* ahead/, NOTICED_WITHIN_MS);
    await sleep(NOTED_WITHIN_MS);
    assert.deepEqual(await futureRows(), NO_FUTURE);
    assert.equal((await writeTo(distributor)).status, 503);
    clock.set(0);
    await distributor.untilReady();
    await load.untilSteady(60_000);
    assert.deepEqual(load.faults, []);
    assert.equal((await writeTo(distributor)).status, 204);
    assert.deepEqual(await load.check(), []);
  });

  test('a querier whose clock is wrong answers nothing', async () => {
    const [querier, other] = cluster.ofRole('querier');
    await other.kill();
    clock.set(THREE_HOURS_MS);
    await startAgain([querier], clock.env);
    await querier.untilNotReady(/^clock: .* ahead/, NOTICED_WITHIN_MS);
    const { status, text } = await client.get('/api/v1/query', { query: 'steady_samples' });
    assert.equal(status, 503, text);
    clock.set(0);
    other.spawn();
    await cluster.untilReady();
    await load.untilSteady(60_000);
  });

  test('when PostgreSQL alone is wrong it is warned of, and work goes on', async () => {
    await cluster.postgres.stop();
    using serverClock = new WrongClock(THREE_HOURS_MS);
    await cluster.postgres.start(serverClock.env);
    const [distributor] = cluster.ofRole('distributor');
    await eventually('a warning', 60_000, async () =>
      /the clock of postgresql is wrong/.test(distributor.logs) ? true : undefined,
    );
    await cluster.untilReady();
    await load.untilSteady(60_000);
    assert.deepEqual(load.faults, []);
    const create = () => cluster.command('tenant', 'create', 'other');
    await assert.rejects(create(), /nothing was changed: the local clock is \S+ \S+ \S+ behind/);
    await cluster.postgres.stop();
    await cluster.postgres.start();
    await create();
    await load.untilSteady(60_000);
  });

  test('what a wrong clock noted before is not believed, and taken back', async () => {
    const wrongMs = Date.now() + THREE_HOURS_MS;
    await load.stop();
    await cluster.postgres.query(`UPDATE resume_offsets SET committed_until_ms = ${wrongMs}`, DATABASE);
    await cluster.postgres.query(`UPDATE accepted_writes SET until_ms = ${wrongMs}`, DATABASE);
    await cluster.postgres.query(`INSERT INTO outages VALUES (${Date.now()}, ${wrongMs})`, DATABASE);
    await sleep(SETTLES_AFTER_MS);
    assert.deepEqual(await load.check(), []);
    assert.deepEqual(await futureRows(), NO_FUTURE);
  });
});

test('one process, whose clock was ahead and is set back, answers with what it acknowledged since', async (t) => {
  using ownClock = new WrongClock(0);
  const env = {
    ...ownClock.env,
    XSCALER_LIMITS_OUT_OF_ORDER_TIME_WINDOW: `${LATE_MS}ms`,
    XSCALER_CLUSTER_MAX_CLOCK_SKEW: `${SKEW_MS}ms`,
    XSCALER_SELF_METRICS_ENABLED: 'false',
  };
  const xscaler = await Xscaler.start({ env });
  t.after(() => xscaler.dispose());
  ownClock.set(THREE_HOURS_MS);
  await sleep(NOTED_WITHIN_MS);
  ownClock.set(0);
  await sleep(5_000);
  const timeMs = Date.now();
  const { status, text } = await xscaler.client().push([series({ __name__: 'since' }, [[timeMs, 1]])]);
  assert.equal(status, 204, text);
  await sleep(SETTLES_AFTER_MS);
  const [found] = await xscaler.client().samples('since', timeMs, 60_000);
  assert.deepEqual(found?.values, [[timeMs / 1_000, '1']]);
});
