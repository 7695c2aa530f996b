import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Labels } from '@xscaler/model';
import type { UpstreamResponse } from '@xscaler/rpc';
import { connectHttpUpstream, type HttpUpstream } from '@xscaler/rpc/network';
import { encodeWriteRequest } from '@xscaler/wire/remote-write';
import { packSnappy } from '@xscaler/wire/snappy';
import { type Client, eventually, series, sleep } from '../harness/index.ts';
import { CLUSTER_SECRET, type ServiceProcess, skipWithoutCluster, TestCluster } from './harness/index.ts';

const LIMIT = 50;
const SCRAPE_MS = 15_000;

let cluster: TestCluster;
/** To each distributor alone. */
let distributors: HttpUpstream[];

const connectionTo = ({ address }: ServiceProcess) =>
  connectHttpUpstream({ addresses: [address], secret: CLUSTER_SECRET });

/** Writes one sample of each label set. */
function write(
  distributor: HttpUpstream,
  tenant: string,
  labelSets: readonly Record<string, string>[],
  timeMs: number,
): Promise<UpstreamResponse> {
  const all = labelSets.map((record) => ({ labels: Labels.of(record), timestamps: [timeMs], values: [1] }));
  const request = {
    tenant,
    method: 'POST',
    path: '/api/v1/push',
    query: '',
    headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
    body: packSnappy(encodeWriteRequest(all)),
  };
  return distributor.handle(request, AbortSignal.timeout(30_000));
}

interface Debug {
  readonly tenants: readonly {
    readonly tenant: string;
    readonly activeSeries?: number;
    readonly haPairs: readonly { readonly cluster: string; readonly elected: string }[];
  }[];
}

const ofTenant = async (service: ServiceProcess, id: string) =>
  (await service.debug<Debug>()).tenants.find(({ tenant }) => tenant === id);

async function electedAt(service: ServiceProcess, tenant: string): Promise<string | undefined> {
  return (await ofTenant(service, tenant))?.haPairs[0]?.elected;
}

const countOf = (client: Client, query: string, timeMs: number) => client.value(query, timeMs);

describe('limits and HA pairs in a cluster', { concurrency: false, skip: skipWithoutCluster() }, () => {
  before(async () => {
    const env = {
      XSCALER_LIMITS_MAX_GLOBAL_SERIES_PER_USER: String(LIMIT),
      XSCALER_INGESTER_HEAD_WINDOW: '2h',
      XSCALER_INGESTER_CUT_GRACE: '5m',
    };
    cluster = await TestCluster.start({ env });
    distributors = cluster.ofRole('distributor').map(connectionTo);
  });

  after(async () => {
    await Promise.all((distributors ?? []).map((each) => each.close()));
    await cluster?.dispose();
  });

  test('two distributors store one replica of a pair, over failovers, a Redis that is unreachable, and their own restart', async () => {
    const client = await cluster.createTenant('pairs');
    const [one, two] = distributors;
    const [, second] = cluster.ofRole('distributor');
    const firstMs = Date.now() - 3_600_000;
    let timeMs = firstMs;
    let sent = 0;
    let stored = 0;
    const push = async (distributor: HttpUpstream, replica: string, atMs: number): Promise<boolean> => {
      const labels = { __name__: 'paired', cluster: 'eu', __replica__: replica };
      const { status, body } = await write(distributor, 'pairs', [labels, { ...labels, i: '2' }], atMs);
      assert.ok(status === 202 || status === 204, `${status} ${Buffer.from(body)}`);
      sent += 2;
      if (status === 204) stored += 2;
      return status === 204;
    };

    for (let i = 0; i < 20; i++, timeMs += SCRAPE_MS) {
      assert.ok(await push(one, 'a', timeMs), 'the first one is elected');
      assert.ok(!(await push(two, 'b', timeMs + 4_000)), 'the other one is not, by the other distributor');
    }
    const lastOfA = timeMs - SCRAPE_MS;
    for (let i = 0; i < 6; i++, timeMs += SCRAPE_MS) {
      const isLate = timeMs + 4_000 - lastOfA > 30_000;
      assert.equal(await push(two, 'b', timeMs + 4_000), isLate, `${(timeMs - lastOfA) / 1_000} s after a`);
    }
    // What it knew of a second ago it takes for true.
    await sleep(1_100);
    assert.ok(!(await push(one, 'a', timeMs)), 'a is back, and no longer elected');
    assert.equal(await electedAt(second, 'pairs'), 'b');

    await cluster.redis.kill();
    for (let i = 0; i < 4; i++, timeMs += SCRAPE_MS) {
      assert.ok(await push(two, 'b', timeMs + 4_000), 'the last election goes on');
    }
    assert.equal(
      (await write(one, 'pairs', [{ __name__: 'x', cluster: 'new', __replica__: 'z' }], timeMs)).status,
      204,
    );
    await cluster.redis.start();
    await eventually('the election is told to Redis again', 30_000, async () => {
      timeMs += SCRAPE_MS;
      assert.ok(await push(two, 'b', timeMs + 4_000));
      const leases = await cluster.redis.withClient((redis) => redis.keys('xscaler:1:lease:pairs:eu'));
      return leases.length > 0 ? true : undefined;
    });

    await second.kill();
    await second.start();
    await eventually('the restarted distributor has learnt who is elected', 30_000, async () => {
      const isStored = await push(two, 'a', timeMs - SCRAPE_MS);
      assert.ok(!isStored, 'it asks the others before it decides');
      return (await electedAt(second, 'pairs')) === 'b' ? true : undefined;
    });

    const nowMs = Date.now();
    const count = await countOf(client, 'sum(count_over_time(paired[2h]))', nowMs);
    assert.equal(count, stored);
    assert.equal(
      await countOf(client, 'count(last_over_time(paired{__replica__=~".+"}[2h]))', nowMs),
      undefined,
    );
    const series = await client.data('/api/v1/series', { 'match[]': 'paired', start: firstMs / 1000 });
    assert.deepEqual(series, [
      { __name__: 'paired', cluster: 'eu' },
      { __name__: 'paired', cluster: 'eu', i: '2' },
    ]);
    assert.ok(sent > stored);
  });

  test('active series are limited over all distributors; existing ones go on, right after a restart too', async () => {
    const client = await cluster.createTenant('limited');
    const [one, two] = distributors;
    const services = cluster.ofRole('distributor');
    const of = (i: number | string) => ({ __name__: 'limited', i: String(i) });
    const existing = Array.from({ length: LIMIT }, (_, i) => of(i));
    const half = LIMIT / 2;
    assert.equal((await write(one, 'limited', existing.slice(0, half), Date.now())).status, 204);
    assert.equal((await write(two, 'limited', existing.slice(half), Date.now())).status, 204);
    for (const distributor of distributors) {
      let tries = 0;
      await eventually(
        'a new series is refused, whichever distributor accepted the others',
        60_000,
        async () => {
          const news = [of(0), of(`new ${tries++}`)];
          const { status, body } = await write(distributor, 'limited', news, Date.now());
          if (status === 204) return undefined;
          assert.equal(status, 400);
          assert.match(Buffer.from(body).toString(), /i="new \d+".*max_global_series_per_user \(limit 50\)/);
          return true;
        },
      );
      const { status, body } = await write(distributor, 'limited', existing, Date.now());
      assert.equal(
        status,
        204,
        `existing series are accepted, whichever distributor accepted them first: ${Buffer.from(body)}`,
      );
    }
    await Promise.all(services.map((service) => service.kill()));
    await Promise.all(services.map((service) => service.start()));
    for (let i = 0; i < 10; i++) {
      for (const distributor of distributors) {
        assert.equal((await write(distributor, 'limited', existing, Date.now())).status, 204);
      }
    }
    for (const [i, distributor] of distributors.entries()) {
      let tries = 0;
      await eventually('a new series is refused after the restart', 60_000, async () => {
        const { status } = await write(distributor, 'limited', [of(`newer ${i} ${tries++}`)], Date.now());
        return status === 400 ? true : undefined;
      });
      assert.equal((await write(distributor, 'limited', existing, Date.now())).status, 204);
    }
    const atGateway = await client.push([
      series({ __name__: 'limited', i: 'at the gateway' }, [[Date.now(), 1]]),
    ]);
    assert.equal(atGateway.status, 400);
    assert.ok(((await ofTenant(services[0], 'limited'))?.activeSeries ?? 0) >= LIMIT);
  });
});
