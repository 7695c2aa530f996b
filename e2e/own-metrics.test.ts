import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Client, createTenant, dataOf, eventually, series, Xscaler } from './harness/index.ts';

/** In the other tenant's name, and in the names that it gives to its HA pairs. */
const SECRET = 'zqbravoqz';
const OTHER = `${SECRET}-tenant`;
const OPERATORS = 'ops';

let xscaler: Xscaler;
/** The first tenant, the other one, and one of the operator's. */
let first: Client;
let other: Client;
let operator: Client;

/** Writes of both kinds that metrics count by tenant: one that is stored, of an HA pair, and one that is refused. */
async function writeBothWays(client: Client): Promise<void> {
  const nowMs = Date.now();
  const stored = series(
    { __name__: 'requests', cluster: `${SECRET}-cluster`, __replica__: `${SECRET}-replica` },
    [[nowMs, 1]],
  );
  assert.equal((await client.push([stored])).status, 204);
  const tooLate = series({ __name__: 'requests' }, [[nowMs - 30 * 86_400_000, 1]]);
  assert.equal((await client.push([tooLate])).status, 400);
  assert.equal((await client.get('/api/v1/query', { query: 'requests' })).status, 200);
}

/** Until what was counted so far is in own metrics. */
async function untilWritten(client: Client, query: string): Promise<void> {
  await eventually(query, 30_000, async () => ((await client.value(query)) ?? 0) > 0 || undefined);
}

async function restart(env: Readonly<Record<string, string>>): Promise<void> {
  await xscaler.stop();
  await xscaler.start(env);
}

/** Every answer in which a label's value, a name, a help text could show. */
async function everything(client: Client): Promise<string[]> {
  const all = '{__name__=~".+"}';
  const start = (Date.now() - 3_600_000) / 1000;
  const answers = [
    await client.get('/api/v1/query', { query: all }),
    await client.get('/api/v1/query', { query: `last_over_time(${all}[1h])` }),
    await client.get('/api/v1/series', { 'match[]': all, start }),
    await client.get('/api/v1/labels', { start }),
    await client.get('/api/v1/label/tenant/values', { start }),
    await client.get('/api/v1/label/cluster/values', { start }),
    await client.get('/api/v1/label/replica/values', { start }),
    await client.get('/api/v1/metadata'),
    await client.get('/api/v1/status/tsdb'),
    await client.get('/api/v1/cardinality/label_values', { 'label_names[]': 'tenant' }),
    await client.get('/api/v1/cardinality/active_series', { selector: all }),
    await client.get('/debug'),
  ];
  return answers.map(({ status, text }) => {
    assert.equal(status, 200, text);
    return text;
  });
}

describe('own metrics on one machine', { concurrency: false }, () => {
  before(async () => {
    xscaler = await Xscaler.start({ tenant: 'alpha', env: { XSCALER_SELF_METRICS_INTERVAL: '1s' } });
    const [token] = await createTenant(xscaler.dataDir, OTHER, ['read+write']);
    const [operatorToken] = await createTenant(xscaler.dataDir, OPERATORS, ['read+write']);
    first = xscaler.client();
    other = xscaler.client(OTHER, token);
    operator = xscaler.client(OPERATORS, operatorToken);
    await eventually('the other tenant is known', 10_000, async () =>
      (await other.get('/api/v1/labels')).status === 200 ? true : undefined,
    );
    await writeBothWays(other);
  });

  after(() => xscaler?.dispose());

  test('the first tenant finds its own name in them, and what others do without their names', async () => {
    await untilWritten(first, 'sum(xscaler_distributor_samples_stored_total{tenant="",job="xscaler"})');
    await untilWritten(first, 'sum(xscaler_distributor_samples_refused_total{tenant="",reason="too_old"})');
    await untilWritten(first, 'sum(xscaler_distributor_samples_stored_total{tenant="alpha"})');
    await untilWritten(first, 'sum(xscaler_distributor_ha_elected_replica{tenant="",cluster=""})');
    for (const text of await everything(first)) assert.ok(!text.includes(SECRET), text);
  });

  test('the other tenant has none of them', async () => {
    const names = dataOf<string[]>(await other.get('/api/v1/label/__name__/values'));
    assert.deepEqual(names, ['requests']);
  });

  test('the page of metrics that anybody may read names no tenant and nothing that a tenant has named', async () => {
    const { status, text } = await first.raw('/metrics');
    assert.equal(status, 200);
    assert.match(text, /^xscaler_distributor_ha_elected_replica\{service="distributor"\} 1$/m);
    assert.ok(!text.includes(SECRET), text);
    assert.doesNotMatch(text, /alpha/);
  });

  test('a tenant of the operator’s own, given by a setting, has them with all names; the first tenant none', async () => {
    await restart({ XSCALER_SELF_METRICS_TENANT: OPERATORS });
    await writeBothWays(other);
    await untilWritten(operator, `sum(xscaler_distributor_samples_stored_total{tenant="${OTHER}"})`);
    const stored = await first.query('xscaler_distributor_samples_stored_total', Date.now() + 3_600_000);
    assert.deepEqual(stored.result, []);
    for (const text of await everything(first)) assert.ok(!text.includes(SECRET), text);
  });

  test('a tenant that does not exist gets nothing, and the log says why', async () => {
    await restart({ XSCALER_SELF_METRICS_TENANT: 'nobody' });
    assert.match(xscaler.program.output, /"tenant":"nobody","state":"unknown".*the tenant is not active/);
  });
});
