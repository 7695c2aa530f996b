import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Client, dataOf, eventually, series } from '../harness/index.ts';
import { skipWithoutCluster, TestCluster } from './harness/index.ts';

const PATH = '/api/v1/admin/tsdb/delete_series';
const SERIES = 20;

let cluster: TestCluster;

/** Writes a sample of each series at `timeMs`; the series are spread over all partitions. */
async function write(client: Client, name: string, timeMs: number): Promise<void> {
  const rows = Array.from({ length: SERIES }, (_, i) =>
    series({ __name__: name, i: String(i) }, [[timeMs, i]]),
  );
  assert.equal((await client.push(rows)).status, 204);
}

/** How many samples of a metric there are, of all series together. */
async function samplesOf(client: Client, name: string, nowMs: number): Promise<number> {
  return (await client.value(`sum(count_over_time(${name}[10m]))`, nowMs + 60_000)) ?? 0;
}

describe('deleting series in a cluster', { concurrency: false, skip: skipWithoutCluster() }, () => {
  before(async () => {
    const env = { XSCALER_COMPACTOR_INTERVAL: '200ms', XSCALER_COMPACTOR_FRESH_BLOCKS: '6' };
    cluster = await TestCluster.start({ compactors: 1, env });
  });

  after(() => cluster?.dispose());

  test('what was deleted is seen by nobody from then on: heads and blocks, both zones, both queriers, until it is nowhere', async () => {
    const client = await cluster.createTenant('acme');
    const token = await cluster.command('token', 'create', 'acme', '--scope', 'admin');
    const admin = cluster.client('acme', token);
    await eventually('the token is known', 10_000, async () =>
      (await admin.get(`${PATH}/unknown`)).status === 404 ? true : undefined,
    );
    const startMs = Date.now() - 90_000;
    let written = 0;
    for (; written < 60; written++) {
      for (const name of ['doomed', 'kept']) await write(client, name, startMs + written * 1_000);
    }
    // Some of it in blocks, some in heads.
    await eventually('blocks', 60_000, async () => {
      const { counts } = await cluster.service('compactor-0').debug<{ counts: { liveBlocks: number } }>();
      return counts.liveBlocks > 0 ? true : undefined;
    });
    for (; written < 70; written++) {
      for (const name of ['doomed', 'kept']) await write(client, name, startMs + written * 1_000);
    }
    const nowMs = Date.now();
    assert.equal(await samplesOf(client, 'doomed', nowMs), SERIES * written);

    const { id } = dataOf<{ id: string }>(await admin.post(PATH, { 'match[]': 'doomed' }));
    const check = async (doomed: number, when: string) => {
      // Queriers take turns.
      for (let i = 0; i < 4; i++) {
        assert.equal(await samplesOf(client, 'doomed', nowMs), SERIES * doomed, `doomed ${when}`);
        assert.equal(await samplesOf(client, 'kept', nowMs), SERIES * written, `kept ${when}`);
      }
    };
    await check(0, 'right after');
    assert.deepEqual(await client.data('/api/v1/series', { 'match[]': 'doomed' }), []);

    for (const i of [0, 30, 69]) await write(client, 'doomed', startMs + i * 1_000);
    await check(3, 'written anew');

    for (const zone of ['a', 'b']) {
      const ingesters = [0, 1].map((ordinal) => cluster.service(`ingester-${zone}-${ordinal}`));
      await Promise.all(ingesters.map((ingester) => ingester.kill()));
      await check(3, `with zone ${zone} away`);
      for (const ingester of ingesters) ingester.spawn();
      await Promise.all(ingesters.map((ingester) => ingester.untilReady()));
      await check(3, `after a replay in zone ${zone}`);
    }

    await eventually('the receipt says done', 180_000, async () => {
      const { state } = dataOf<{ state: string }>(await admin.get(`${PATH}/${id}`));
      return state === 'done' ? true : undefined;
    });
    await check(3, 'once blocks were written again');
  });
});
