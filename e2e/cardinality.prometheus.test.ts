import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ReceivingPrometheus, writeToBoth } from './differential/receiving-prometheus.ts';
import { dataSpan, seededSeries } from './differential/seeded-data.ts';
import { type Client, Random, series, Xscaler } from './harness/index.ts';
import { createTenant } from './harness/tenants.ts';

const span = dataSpan(Date.now(), 5);

interface Counted {
  readonly name: string;
  readonly value: number;
}

interface TsdbStatus {
  readonly headStats: Readonly<Record<string, number>>;
  readonly seriesCountByMetricName: readonly Counted[];
  readonly labelValueCountByLabelName: readonly Counted[];
  readonly memoryInBytesByLabelName: readonly Counted[];
  readonly seriesCountByLabelValuePair: readonly Counted[];
}

const LISTS = [
  'seriesCountByMetricName',
  'labelValueCountByLabelName',
  'seriesCountByLabelValuePair',
] as const;

async function start() {
  const xscaler = await Xscaler.start();
  await xscaler.stop();
  const [token] = await createTenant(xscaler.dataDir, 'counted', ['read+write']);
  const [otherToken] = await createTenant(xscaler.dataDir, 'other', ['read+write']);
  const [prometheus] = await Promise.all([ReceivingPrometheus.start(), xscaler.start()]);
  const client = xscaler.client('counted', token);
  const other = xscaler.client('other', otherToken);
  try {
    await writeToBoth(seededSeries(new Random(3), span), prometheus, client);
    await other.push([series({ __name__: 'lonely', job: 'x' }, [[span.endMs, 1]])]);
  } catch (error) {
    await Promise.all([prometheus.dispose(), xscaler.dispose()]);
    throw error;
  }
  return { xscaler, prometheus, client, other };
}

/** Entries above the last count of a list: which of equal ones a list ends with is anybody's guess. */
function sure(list: readonly Counted[]): string[] {
  const last = list.at(-1)?.value ?? 0;
  return list
    .filter(({ value }) => value > last)
    .map(({ name, value }) => `${name} ${value}`)
    .sort();
}

describe('cardinality', { concurrency: false }, () => {
  let servers: Awaited<ReturnType<typeof start>>;
  before(async () => {
    servers = await start();
  });
  after(async () => {
    await servers?.prometheus.dispose();
    await servers?.xscaler.dispose();
  });

  const json = async (client: Client, path: string, params = {}) => {
    const answer = await client.get(path, params);
    assert.equal(answer.status, 200, answer.text);
    return JSON.parse(answer.text);
  };

  test('status/tsdb counts what a Prometheus with the same series counts', async () => {
    const { prometheus, client } = servers;
    const theirs = await prometheus.client.data<TsdbStatus>('/api/v1/status/tsdb');
    for (const prefix of ['', '/prometheus']) {
      const ours = await client.data<TsdbStatus>(`${prefix}/api/v1/status/tsdb`);
      assert.deepEqual(Object.keys(ours).sort(), Object.keys(theirs).sort());
      assert.deepEqual(Object.keys(ours.headStats).sort(), Object.keys(theirs.headStats).sort());
      for (const name of ['numSeries', 'numLabelPairs', 'minTime', 'maxTime'])
        assert.equal(ours.headStats[name], theirs.headStats[name], name);
      assert.ok(ours.headStats.chunkCount >= ours.headStats.numSeries);
      for (const name of LISTS) {
        assert.deepEqual(sure(ours[name]), sure(theirs[name]), name);
        const counts = (list: readonly Counted[]) => list.map(({ value }) => value);
        assert.deepEqual(counts(ours[name]), counts(theirs[name]), name);
      }
    }
  });

  test('status/tsdb takes a limit, and says nothing of other tenants', async () => {
    const { client, other } = servers;
    const all = await client.data<TsdbStatus>('/api/v1/status/tsdb', { limit: 1000 });
    const pairs = all.seriesCountByLabelValuePair;
    assert.equal(pairs.length, all.headStats.numLabelPairs);
    // Prometheus 2.42 counts each value once, later ones once for each series that has it.
    const bytes = new Map<string, number>();
    for (const { name: pair, value: count } of pairs) {
      const [name, value] = pair.split(/=(.*)/s);
      bytes.set(name, (bytes.get(name) ?? 0) + Buffer.byteLength(value) * count);
    }
    assert.deepEqual(new Map(all.memoryInBytesByLabelName.map(({ name, value }) => [name, value])), bytes);
    assert.equal(
      (await client.data<TsdbStatus>('/api/v1/status/tsdb', { limit: 1 })).seriesCountByMetricName.length,
      1,
    );
    for (const limit of ['0', '-1', 'x', '10001'])
      assert.equal((await client.get('/api/v1/status/tsdb', { limit })).status, 400, limit);
    const lonely = await other.data<TsdbStatus>('/api/v1/status/tsdb');
    assert.deepEqual(lonely.seriesCountByLabelValuePair, [
      { name: '__name__=lonely', value: 1 },
      { name: 'job=x', value: 1 },
    ]);
    assert.ok(!JSON.stringify(all).includes('lonely'));
  });

  test('cardinality/label_names counts the values of each label', async () => {
    const { client } = servers;
    const labels = await client.data<string[]>('/api/v1/labels');
    const counted = await json(client, '/api/v1/cardinality/label_names', { limit: 500 });
    assert.equal(counted.label_names_count, labels.length);
    let total = 0;
    for (const { label_name: name, label_values_count: count } of counted.cardinality) {
      assert.equal(count, (await client.data<string[]>(`/api/v1/label/${name}/values`)).length, name);
      total += count;
    }
    assert.equal(counted.cardinality.length, labels.length);
    assert.equal(counted.label_values_count_total, total);
    const selected = await json(client, '/api/v1/cardinality/label_names', {
      selector: 'requests_total',
      limit: 1,
    });
    assert.equal(selected.cardinality.length, 1);
    assert.ok(selected.label_names_count < counted.label_names_count);
  });

  test('cardinality/label_values counts the series of each value, by GET and POST', async () => {
    const { client } = servers;
    const names = ['__name__', 'nothing', 'host'];
    const params = { 'label_names[]': names, limit: 500, count_method: 'active' };
    const counted = await json(client, '/api/v1/cardinality/label_values', params);
    const posted = await client.post('/prometheus/api/v1/cardinality/label_values', params);
    assert.deepEqual(JSON.parse(posted.text), counted);
    const all = await client.data<object[]>('/api/v1/series', { 'match[]': '{__name__=~".+"}' });
    assert.equal(counted.series_count_total, all.length);
    const [metrics, , nothing] = counted.labels;
    assert.equal(metrics.label_name, '__name__');
    assert.equal(metrics.series_count, all.length);
    assert.equal(metrics.label_values_count, metrics.cardinality.length);
    assert.deepEqual(nothing, {
      label_name: 'nothing',
      label_values_count: 0,
      series_count: 0,
      cardinality: [],
    });
    for (const { label_value: value, series_count: count } of metrics.cardinality)
      assert.equal(
        count,
        (await client.data<object[]>('/api/v1/series', { 'match[]': value })).length,
        value,
      );
    const selected = await json(client, '/api/v1/cardinality/label_values', {
      ...params,
      selector: 'requests_total',
    });
    assert.equal(selected.labels[0].cardinality.length, 1);
  });

  test('cardinality/active_series has the labels of the series', async () => {
    const { client, other } = servers;
    const selector = '{__name__=~"requests_total|load"}';
    const sorted = (all: Record<string, string>[]) =>
      all.map((labels) => JSON.stringify(Object.entries(labels).sort())).sort();
    const { data } = await json(client, '/api/v1/cardinality/active_series', { selector });
    assert.ok(data.length > 5);
    assert.deepEqual(sorted(data), sorted(await client.data('/api/v1/series', { 'match[]': selector })));
    assert.deepEqual(await json(other, '/api/v1/cardinality/active_series', { selector }), { data: [] });
  });

  test('what cannot be read is a 400 that says why', async () => {
    const { client } = servers;
    const faults: [string, Record<string, string>, RegExp][] = [
      ['label_names', { limit: '501' }, /limit/],
      ['label_names', { count_method: 'guess' }, /count_method/],
      ['label_names', { selector: '{' }, /selector/],
      ['label_values', {}, /label_names/],
      ['active_series', {}, /selector/],
    ];
    for (const [path, params, message] of faults) {
      const answer = await client.get(`/api/v1/cardinality/${path}`, params);
      assert.equal(answer.status, 400, path);
      assert.match(answer.text, message);
    }
  });
});
