import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Client, dataOf, type MatrixSeries, series, sleep, Xscaler } from './harness/index.ts';
import { addTokens, auditLog } from './harness/tenants.ts';

/** Windows, merges and rewrites within seconds. */
const SETTINGS = {
  XSCALER_INGESTER_HEAD_WINDOW: '2s',
  XSCALER_INGESTER_CUT_GRACE: '200ms',
  XSCALER_INGESTER_LATE_HEAD_AGE: '500ms',
  XSCALER_INGESTER_COMMITTED_HEAD_LINGER: '1s',
  XSCALER_COMPACTOR_INTERVAL: '100ms',
  // A merge that was killed is done again once its lease is over.
  XSCALER_COMPACTOR_LEASE: '2s',
  XSCALER_COMPACTOR_FRESH_BLOCKS: '8',
};
const PATH = '/api/v1/admin/tsdb/delete_series';
const RANGE_MS = 600_000;

async function start(t: TestContext): Promise<{ xscaler: Xscaler; admin: Client }> {
  const xscaler = await Xscaler.create({ env: SETTINGS });
  t.after(() => xscaler.dispose());
  await xscaler.start();
  const [token] = await addTokens(xscaler.dataDir, xscaler.tenant, ['admin']);
  const admin = xscaler.client(xscaler.tenant, token);
  await until(async () => (await admin.get(`${PATH}/unknown`)).status === 404, 'the token is not known');
  return { xscaler, admin };
}

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > deadline) assert.fail(what);
    await sleep(100);
  }
}

async function write(client: Client, name: string, times: readonly number[], value: number): Promise<void> {
  const rows = [0, 1, 2].map((i) =>
    series(
      { __name__: name, i: String(i) },
      times.map((ms) => [ms, value + i] as const),
    ),
  );
  assert.equal((await client.push(rows)).status, 204);
}

/** All samples of both metrics, as text to be compared. */
async function everything(client: Client, nowMs: number): Promise<readonly MatrixSeries[]> {
  const found = await client.samples('{__name__=~"doomed|kept"}', nowMs + 60_000, RANGE_MS);
  return [...found].sort((a, b) => (JSON.stringify(a.metric) < JSON.stringify(b.metric) ? -1 : 1));
}

test('deleted series are gone at once, through kill -9, and from the blocks in the end', async (t) => {
  const { xscaler, admin } = await start(t);
  const nowMs = Math.floor(Date.now() / 1_000) * 1_000;
  const old = Array.from({ length: 60 }, (_, i) => nowMs - 120_000 + i * 1_000);
  const young = Array.from({ length: 20 }, (_, i) => nowMs - 20_000 + i * 1_000);
  let client = xscaler.client();
  for (const name of ['doomed', 'kept']) await write(client, name, old, 1);
  await until(
    async () => (await client.ownMetric('xscaler_compactor_live_blocks')) > 2,
    'nothing became a block',
  );
  for (const name of ['doomed', 'kept']) await write(client, name, young, 1);

  const keptFromMs = young[15];
  const answer = await admin.post(PATH, {
    'match[]': ['doomed{i=~"[01]"}', 'absent'],
    end: (keptFromMs - 1) / 1_000,
  });
  const { id } = dataOf<{ id: string }>(answer);
  const [{ action, who, from, tenant, detail }] = await auditLog(xscaler.dataDir);
  assert.deepEqual([action, tenant, JSON.parse(detail).id], ['series.delete', xscaler.tenant, id]);
  assert.match(who, /^token .+/);
  assert.match(from, /127\.0\.0\.1$/);
  const visible = await everything(client, nowMs);
  const counts = Object.fromEntries(
    visible.map(({ metric, values }) => [`${metric.__name__}${metric.i}`, values.length]),
  );
  assert.deepEqual(counts, { doomed0: 5, doomed1: 5, doomed2: 80, kept0: 80, kept1: 80, kept2: 80 });

  // What is written anew stands, at the times of what was deleted too.
  await write(client, 'doomed', young.slice(10, 17), 5);
  const after = await everything(client, nowMs);
  const doomed = (await client.samples('doomed{i="0"}', nowMs, RANGE_MS))[0].values.map(([, value]) => value);
  assert.deepEqual(doomed, ['5', '5', '5', '5', '5', '1', '1', '1', '1', '1'].slice(0, doomed.length));
  assert.equal(doomed.length, 10);

  await xscaler.kill();
  await xscaler.start();
  client = xscaler.client();
  assert.deepEqual(await everything(client, nowMs), after, 'after kill -9');

  const receipt = async () =>
    dataOf<{ state: string; blocksLeft?: number }>(await admin.get(`${PATH}/${id}`));
  await until(async () => (await receipt()).state === 'done', 'the blocks were not written again');
  assert.deepEqual(await everything(client, nowMs), after, 'once the blocks were written again');
});

test('a series of which nothing is left is in no label either; the range that is left out is all times', async (t) => {
  const { xscaler, admin } = await start(t);
  const client = xscaler.client();
  const nowMs = Date.now();
  await write(client, 'kept', [nowMs], 1);
  await write(client, 'doomed', [nowMs - 100_000, nowMs - 50_000, nowMs], 1);
  const names = async () =>
    (await client.data<string[]>('/api/v1/label/__name__/values')).filter((name) =>
      /^(doomed|kept)$/.test(name),
    );
  assert.deepEqual(await names(), ['doomed', 'kept']);
  const { id } = dataOf<{ id: string }>(await admin.post(`${PATH}?match[]=doomed`));
  assert.deepEqual(await names(), ['kept']);
  assert.deepEqual(await client.data('/api/v1/series', { 'match[]': 'doomed' }), []);
  const receipt = async () => dataOf<{ state: string }>(await admin.get(`${PATH}/${id}`));
  await until(async () => (await receipt()).state === 'done', 'the blocks were not written again');
  assert.deepEqual(await names(), ['kept']);
  assert.equal((await client.get(`${PATH}/${id}`)).status, 403, 'for the admin scope alone');
});
