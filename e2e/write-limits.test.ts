import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { eventually, series, Xscaler } from './harness/index.ts';
import { createTenant } from './harness/tenants.ts';

const LIMIT = 40;

const RULES = [
  { action: 'drop', source_labels: ['__name__'], regex: 'go_.*' },
  { source_labels: ['pod'], regex: '(.*)-[a-z0-9]+', target_label: 'deployment' },
];

test('everything in one process: HA pairs, relabelling and the series limit, over a kill', async (t) => {
  const xscaler = await Xscaler.create({
    env: {
      XSCALER_LIMITS_MAX_GLOBAL_SERIES_PER_USER: String(LIMIT),
      XSCALER_LIMITS_METRIC_RELABEL_CONFIGS: JSON.stringify(RULES),
      XSCALER_LIMITS_DROP_LABELS: 'pod,uid',
    },
  });
  t.after(() => xscaler.dispose());
  await xscaler.start();
  await xscaler.stop();
  // A tenant that gets nothing of the program's own metrics.
  const [token] = await createTenant(xscaler.dataDir, 'limited', ['read+write']);
  await xscaler.start();
  const client = xscaler.client('limited', token);
  const nowMs = Date.now();
  const at = (labels: Record<string, string>, ms = nowMs) => series(labels, [[ms, 1]]);
  const of = (i: number | string) => ({ __name__: 'm', i: String(i) });

  const pair = (replica: string) => ({ __name__: 'up', cluster: 'eu', __replica__: replica });
  assert.equal((await client.push([at(pair('a'))])).status, 204);
  assert.equal((await client.push([at(pair('b'), nowMs + 1_000)])).status, 202);
  assert.equal((await client.push([at(pair('b'), nowMs + 31_000)])).status, 204);
  const rewritten = { __name__: 'm', pod: 'web-5f4', uid: '1', i: '0' };
  assert.equal((await client.push([at({ __name__: 'go_gc' }), at(rewritten)])).status, 204);
  const stored = async () =>
    (await client.data('/api/v1/series', { 'match[]': '{__name__=~".+"}' })) as object[];
  assert.deepEqual(await stored(), [
    { __name__: 'm', deployment: 'web', i: '0' },
    { __name__: 'up', cluster: 'eu' },
  ]);

  // Where it starts it doesn't know yet what existed; every series is let in, until it does.
  const existing = Array.from({ length: LIMIT - 2 }, (_, i) => at(of(i)));
  assert.equal((await client.push(existing)).status, 204);
  const refused = await client.push([at(of('new')), at(of(0))]);
  assert.equal(refused.status, 400);
  assert.match(refused.text, /i="new".*max_global_series_per_user \(limit 40\)/);
  assert.match(refused.text, /40 series are active; fastest growing: metrics m \+39/);

  await xscaler.kill();
  await xscaler.start();
  for (let i = 0; i < 3; i++) {
    assert.equal((await client.push(existing)).status, 204, 'existing series go on');
    assert.equal((await client.push([at(pair('b'), nowMs + 40_000)])).status, 204);
  }
  let tries = 0;
  await eventually('a new series is refused again', 20_000, async () => {
    const { status } = await client.push([at(of(`new ${tries++}`))]);
    return status === 400 ? true : undefined;
  });
  assert.equal((await client.push(existing)).status, 204);
  assert.ok((await stored()).length <= LIMIT + tries);
});

test('after hours in which it did not run, samples may be later by as long, and are read at once', async (t) => {
  const HOUR_MS = 3_600_000;
  const xscaler = await Xscaler.start();
  t.after(() => xscaler.dispose());
  const client = xscaler.client();
  const write = (hours: number) =>
    client.push([
      series({ __name__: 'late', hours: String(hours) }, [[Date.now() - hours * HOUR_MS, hours]]),
    ]);
  const refused = await write(4);
  assert.equal(refused.status, 400);
  assert.match(refused.text, /too_old 1/);
  await xscaler.stop();
  // As if it had been three hours ago.
  const database = new DatabaseSync(join(xscaler.dataDir, 'database.sqlite'));
  database.prepare('UPDATE accepted_writes SET until_ms = until_ms - ?').run(3 * HOUR_MS);
  database.close();
  await xscaler.start();
  // Of what lies so far back nothing was in the log: a read that took it for settled would not see what comes now.
  const atMs = Date.now() - 4 * HOUR_MS + 60_000;
  assert.equal(await client.value('late', atMs), undefined);
  assert.equal((await write(4)).status, 204);
  assert.equal(await client.value('late{hours="4"}', atMs), 4);
  assert.equal((await write(5.1)).status, 400);
});
