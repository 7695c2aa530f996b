import assert from 'node:assert/strict';
import test from 'node:test';
import { ClusterError, type Leases, openMemoryCluster } from '@xscaler/cluster';
import { counts, NOW_MS, series, setUp, stored, textOf } from '../distributor.testbed.ts';
import { decodeElection, encodeElection } from './ha-lease.ts';

const SECOND = 1_000;

/** One series of a replica, with a sample this many seconds from now. */
const from = (replica: string, seconds: number, more: Record<string, string> = {}, value = 1) =>
  series({ __name__: 'up', cluster: 'eu', __replica__: replica, ...more }, NOW_MS + seconds * SECOND, value);

/** Leases in memory, which can become unreachable. */
function breakableLeases(): { leases: Leases; state: { away: boolean; calls: number } } {
  const { leases } = openMemoryCluster();
  const state = { away: false, calls: 0 };
  const called = () => {
    state.calls++;
    if (state.away) throw new ClusterError('unavailable', 'away');
  };
  return {
    state,
    leases: {
      get: async (key) => {
        called();
        return leases.get(key);
      },
      compareAndSet: async (...args) => {
        called();
        return leases.compareAndSet(...args);
      },
    },
  };
}

type TestBed = ReturnType<typeof setUp>;

const timesOf = ({ log }: TestBed, tenant?: string) =>
  stored(log, tenant)
    .flatMap(({ timestamps }) => timestamps.map((timestampMs) => (timestampMs - NOW_MS) / SECOND))
    .sort((a, b) => a - b);

async function reasonsOf({ registry }: TestBed): Promise<Record<string, number>> {
  const { values } = await registry.getSingleMetric('xscaler_distributor_samples_refused_total')!.get();
  return Object.fromEntries(values.map(({ labels, value }) => [labels['reason'], value]));
}

const electedOf = ({ distributor }: TestBed, cluster = 'eu') =>
  distributor
    .inspect()
    .tenants.flatMap(({ haPairs }) => haPairs)
    .find((pair) => pair.cluster === cluster)?.elected;

test('the first replica is stored without its label; the other’s samples are left out and answered 202', async () => {
  const bed = setUp();
  assert.equal((await bed.push([from('a', 0), from('a', 0, { i: '2' })])).status, 204);
  const answer = await bed.push([from('b', 5), from('b', 5, { i: '2' })]);
  assert.equal(answer.status, 202);
  assert.equal(textOf(answer).split('\n')[0], '0 samples refused, 0 stored, 2 left out');
  assert.equal((await bed.push([from('a', 15)])).status, 204);
  assert.deepEqual(
    stored(bed.log)
      .map(({ labels }) => labels.toString())
      .sort(),
    [
      '{__name__="up", cluster="eu", i="2"}',
      '{__name__="up", cluster="eu"}',
      '{__name__="up", cluster="eu"}',
    ],
  );
  assert.deepEqual(await counts(bed.registry), { received: 5, stored: 3, refused: 2 });
  assert.deepEqual(await reasonsOf(bed), { ha_deduplicated: 2 });
  assert.equal(electedOf(bed), 'a');
  const metrics = await bed.registry.metrics();
  assert.match(metrics, /xscaler_distributor_ha_elected_replica\{tenant="acme",cluster="eu",replica="a"\} 1/);
});

test('a tenant sees the elected replicas of its own pairs only', async () => {
  const { push, distributor } = setUp();
  await push([from('a', 0)]);
  await push([from('secret', 0)], 'other');
  const debugPage = async (tenant: string) => {
    const request = {
      tenant,
      method: 'GET',
      path: '/debug',
      query: '',
      headers: {},
      body: new Uint8Array(0),
    };
    const answer = await distributor.handle(request, new AbortController().signal);
    assert.equal(answer.status, 200);
    return JSON.parse(textOf(answer));
  };
  const latest = new Date(NOW_MS).toISOString();
  assert.deepEqual(await debugPage('acme'), {
    tenant: 'acme',
    knownSeries: 1,
    droppedExemplars: { count: 0 },
    haPairs: [{ cluster: 'eu', elected: 'a', latest, since: latest }],
  });
  assert.deepEqual((await debugPage('other')).haPairs[0].elected, 'secret');
  assert.deepEqual(await debugPage('nobody'), {
    tenant: 'nobody',
    knownSeries: 0,
    droppedExemplars: { count: 0 },
    haPairs: [],
  });
});

test('the other replica takes over once its samples are more than 30 s younger, and stays elected', async () => {
  const bed = setUp();
  await bed.push([from('a', 0)]);
  assert.equal((await bed.push([from('b', 30)])).status, 202);
  assert.equal((await bed.push([from('b', 30.001)])).status, 204);
  assert.equal(electedOf(bed), 'b');
  assert.equal((await bed.push([from('a', 45)])).status, 202, 'it is back, and no longer elected');
  assert.equal((await bed.push([from('b', 45)])).status, 204);
  assert.deepEqual(timesOf(bed), [0, 30.001, 45]);
  assert.match(await bed.registry.metrics(), /ha_elections_total\{tenant="acme"\} 2/);
});

test('sample time decides, not arrival time', async () => {
  const bed = setUp();
  await bed.push([from('a', 0)]);
  bed.clock.nowMs += 600 * SECOND;
  assert.equal((await bed.push([from('b', 10)])).status, 202, 'a backlog that comes late');
  assert.equal((await bed.push([from('a', -100)])).status, 204, 'an old sample of the elected one');
  assert.equal((await bed.push([from('b', 25)])).status, 202);
});

test('a request that shows the elected replica to be silent is stored whole', async () => {
  const bed = setUp();
  await bed.push([from('a', 0)]);
  const answer = await bed.push([from('b', 20, { i: '1' }), from('b', 40, { i: '2' }), from('a', 5)]);
  assert.equal(answer.status, 202);
  assert.deepEqual(timesOf(bed), [0, 20, 40]);
  assert.deepEqual(await counts(bed.registry), { received: 4, stored: 3, refused: 1 });
});

test('each cluster of each tenant has its own election; series without both labels have none', async () => {
  const bed = setUp();
  await bed.push([from('a', 0), from('x', 0, { cluster: 'us' })]);
  assert.equal((await bed.push([from('b', 1, { cluster: 'us' })])).status, 202);
  assert.equal(electedOf(bed), 'a');
  assert.equal(electedOf(bed, 'us'), 'x');
  assert.equal((await bed.push([from('b', 1)], 'other')).status, 204);
  const alone = { __name__: 'up', __replica__: 'z' };
  assert.equal((await bed.push([series(alone), series({ __name__: 'up', cluster: 'eu' })])).status, 204);
  assert.equal(stored(bed.log).filter(({ labels }) => labels.get('__replica__') === 'z').length, 1);
});

test('without accept_ha_samples both replicas are stored unchanged', async () => {
  const bed = setUp({ accept_ha_samples: false });
  assert.equal((await bed.push([from('a', 0), from('b', 0)])).status, 204);
  assert.equal(new Set(stored(bed.log).map(({ id }) => id)).size, 2);
  bed.current.limits = { ...bed.current.limits, accept_ha_samples: true };
  assert.equal((await bed.push([from('a', 1), from('b', 1)])).status, 202, 'settings are live');
});

test('dropped samples cost no rate', async () => {
  const bed = setUp({ ingestion_rate: 2, ingestion_burst_size: 4 });
  await bed.push([from('a', 0), from('a', 0, { i: '1' })]);
  const many = Array.from({ length: 50 }, (_, i) => from('b', 1, { i: `${i}` }));
  assert.equal((await bed.push(many)).status, 202);
  assert.equal((await bed.push([from('a', 1), from('a', 1, { i: '1' })])).status, 204);
});

test('clusters above the limit are refused by name; a cluster silent for an hour makes room', async () => {
  const bed = setUp({ ha_max_clusters: 2 });
  const of = (cluster: string, seconds: number) => from('a', seconds, { cluster });
  assert.equal((await bed.push([of('1', 0), of('2', 0)])).status, 204);
  const refused = await bed.push([of('3', 0), of('1', 1)]);
  assert.equal(refused.status, 400);
  assert.match(textOf(refused), /cluster="3".*the new HA cluster exceeds ha_max_clusters \(limit 2\)/);
  bed.clock.nowMs += 3_000 * SECOND;
  await bed.push([of('1', 3_000)]);
  bed.clock.nowMs += 1_000 * SECOND;
  assert.equal((await bed.push([of('3', 4_000), of('1', 4_000)])).status, 204);
  assert.equal((await bed.push([of('2', 4_000)])).status, 400);
});

test('two distributors agree on the elected replica, and on who takes over', async () => {
  const { leases } = openMemoryCluster();
  const [one, two] = [setUp({}, { leases }), setUp({}, { leases })];
  assert.equal((await one.push([from('a', 0)])).status, 204);
  assert.equal((await two.push([from('b', 10)])).status, 202, 'it asks before it decides');
  for (let seconds = 15; seconds <= 60; seconds += 15) {
    for (const { clock } of [one, two]) clock.nowMs += 15 * SECOND;
    assert.equal((await one.push([from('a', seconds)])).status, 204);
    assert.equal((await two.push([from('b', seconds + 10)])).status, 202);
  }
  for (let seconds = 75; seconds <= 105; seconds += 15) {
    for (const { clock } of [one, two]) clock.nowMs += 15 * SECOND;
    const expected = seconds + 10 - 60 > 30 ? 204 : 202;
    assert.equal((await two.push([from('b', seconds + 10)])).status, expected, `${seconds}`);
  }
  one.clock.nowMs += 100 * SECOND;
  assert.equal((await one.push([from('a', 110)])).status, 202, 'back after a silence, it asks first');
  assert.equal(electedOf(one), 'b');
});

test('of distributors that see a pair at the same time, one elects', async () => {
  const { leases } = openMemoryCluster();
  const beds = Array.from({ length: 4 }, () => setUp({}, { leases }));
  const answers = await Promise.all(beds.map((bed, i) => bed.push([from(`r${i}`, 0)])));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [202, 202, 202, 204].sort());
  assert.equal(new Set(beds.map((bed) => electedOf(bed))).size, 1);
});

test('while leases are unreachable the last election holds, and new pairs and failovers are decided locally', async () => {
  const { leases, state } = breakableLeases();
  const [one, two] = [setUp({}, { leases }), setUp({}, { leases })];
  await one.push([from('a', 0)]);
  state.away = true;
  assert.equal((await one.push([from('a', 10), from('b', 10)])).status, 202);
  assert.equal(electedOf(one), 'a');
  assert.equal((await one.push([from('b', 41)])).status, 204, 'the elected one is silent');
  assert.equal((await two.push([from('c', 41)])).status, 204, 'nothing is known of the pair');
  state.away = false;
  for (const bed of [one, two, one, two]) {
    bed.clock.nowMs += 5 * SECOND;
    await bed.push([from(electedOf(bed) as string, 50)]);
    await new Promise((next) => setImmediate(next));
  }
  assert.equal(electedOf(one), electedOf(two), 'they agree again');
});

test('a steady pair asks for its lease once a second at most, a series without pair never', async () => {
  const { leases, state } = breakableLeases();
  const bed = setUp({}, { leases });
  await bed.push([from('a', 0)]);
  const before = state.calls;
  for (let i = 1; i <= 10; i++) {
    bed.clock.nowMs += 100;
    await bed.push([from('a', i / 10), from('b', i / 10)]);
    await new Promise((next) => setImmediate(next));
  }
  assert.ok(state.calls - before <= 2, `${state.calls - before}`);
  const calls = state.calls;
  await bed.push([series({ __name__: 'plain' })]);
  assert.equal(state.calls, calls);
});

test('an election is read back unchanged; other values are not taken for one', () => {
  const election = { replica: 'a b\nc 1', latestMs: -5, sinceMs: 1_700_000_000_000 };
  assert.deepEqual(decodeElection(encodeElection(election)), election);
  for (const text of ['', '2 1 1 a', '1 1 a', '1 1.5 1 a']) assert.equal(decodeElection(text), undefined);
});
