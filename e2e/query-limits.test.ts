import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Client, encodeParams, eventually, type Params, series, Xscaler } from './harness/index.ts';
import { setLimits } from './harness/tenants.ts';

const SERIES = 200;
const SAMPLES = 60;
const INTERVAL_MS = 10_000;
const SERIES_A_REQUEST = 50;
/** Limits reach every process within this. */
const LIVE_WITHIN_MS = 15_000;

let xscaler: Xscaler;
let limited: Client;
let other: Client;
let endMs: number;

before(async () => {
  xscaler = await Xscaler.start({
    env: { XSCALER_QUERIER_EVALUATION_THREADS: '2' },
  });
  const clients = await xscaler.addTenants('limited', 'other');
  [limited, other] = clients;
  endMs = Math.floor(Date.now() / 1_000) * 1_000;
  for (const client of clients) {
    for (let first = 0; first < SERIES; first += SERIES_A_REQUEST) await writeSeries(client, first);
  }
});

after(() => xscaler?.dispose());

async function writeSeries(client: Client, first: number): Promise<void> {
  const numbers = Array.from({ length: SERIES_A_REQUEST }, (_, i) => first + i);
  const samples = Array.from({ length: SAMPLES }, (_, i) => [endMs - i * INTERVAL_MS, i] as const).reverse();
  const exemplars = [{ labels: [['trace_id', 'abc']] as const, value: 1, timestampMs: endMs }];
  const answer = await client.pushRequest({
    series: numbers.map((number) => ({
      ...series({ __name__: 'x', number: String(number) }, samples),
      exemplars,
    })),
  });
  assert.equal(answer.status, 204, answer.text);
}

interface LimitCase {
  readonly limit: string;
  readonly value: string | number;
  readonly status: number;
  readonly message: RegExp;
  readonly path: string;
  readonly params: () => Params;
}

const instant = (query: string) => ({
  path: '/api/v1/query',
  params: () => ({ query, time: endMs / 1_000 }),
});

const range = (query: string) => ({
  path: '/api/v1/query_range',
  params: () => ({ query, start: endMs / 1_000 - 599, end: endMs / 1_000, step: 1 }),
});

const lookup = (path: string, params: Params) => ({ path, params: () => params });

const exemplars = {
  path: '/api/v1/query_exemplars',
  params: () => ({ query: 'x', start: endMs / 1_000 - 60, end: endMs / 1_000 }),
};

/** What each limit is set to and which query then is over it. */
const CASES: readonly LimitCase[] = [
  {
    limit: 'max_fetched_series_per_query',
    value: 150,
    status: 422,
    message: /\(150\)/,
    ...instant('count(x)'),
  },
  {
    limit: 'max_samples_per_query',
    value: 5_000,
    status: 422,
    message: /\(5000\)/,
    ...instant('sum(sum_over_time(x[10m]))'),
  },
  {
    limit: 'max_fetched_chunk_bytes_per_query',
    value: 999,
    status: 422,
    message: /\(999\)/,
    ...instant('count(x)'),
  },
  {
    limit: 'max_estimated_memory_consumption_per_query',
    value: 500_000,
    status: 422,
    message: /\(500000\)/,
    ...range('sum(x + x)'),
  },
  {
    limit: 'max_total_query_length',
    value: '5m',
    status: 422,
    message: /\(5m\)/,
    ...instant('sum(count_over_time(x[9m]))'),
  },
  { limit: 'max_query_response_size_bytes', value: 9_000, status: 422, message: /\(9000\)/, ...range('x') },
  {
    limit: 'max_points_per_series',
    value: 500,
    status: 400,
    message: /exceeded maximum resolution of 500 points per timeseries/,
    ...range('count(x)'),
  },
  {
    limit: 'max_query_expression_size_bytes',
    value: 10,
    status: 400,
    message: /\(10\)/,
    ...instant('count(x) + 1'),
  },
  {
    limit: 'max_fetched_series_per_query',
    value: 150,
    status: 422,
    message: /\(150\)/,
    ...lookup('/api/v1/series', { 'match[]': 'x' }),
  },
  {
    limit: 'max_query_response_size_bytes',
    value: 2_000,
    status: 422,
    message: /\(2000\)/,
    ...lookup('/api/v1/series', { 'match[]': 'x' }),
  },
  {
    limit: 'max_estimated_memory_consumption_per_query',
    value: 2_000,
    status: 422,
    message: /\(2000\)/,
    ...lookup('/api/v1/label/number/values', {}),
  },
  { limit: 'max_fetched_series_per_query', value: 150, status: 422, message: /\(150\)/, ...exemplars },
  { limit: 'max_query_response_size_bytes', value: 2_000, status: 422, message: /\(2000\)/, ...exemplars },
  {
    limit: 'max_estimated_memory_consumption_per_query',
    value: 2_000,
    status: 422,
    message: /\(2000\)/,
    ...exemplars,
  },
  {
    limit: 'max_estimated_memory_consumption_per_query',
    value: 2_000,
    status: 422,
    message: /\(2000\)/,
    ...lookup('/api/v1/cardinality/label_values', { 'label_names[]': 'number' }),
  },
];

for (const { limit, value, status, message, path, params } of CASES) {
  test(`${limit} takes hold of ${path} while the program runs, on its tenant alone`, async () => {
    assert.equal((await limited.get(path, params())).status, 200);
    await setLimits(xscaler.dataDir, 'limited', { [limit]: value });
    const refused = await eventually(`${limit} holds`, LIVE_WITHIN_MS, async () => {
      const answer = await limited.get(path, params());
      return answer.status === 200 ? undefined : answer;
    });
    assert.equal(refused.status, status, refused.text);
    const { errorType, error } = JSON.parse(refused.text);
    assert.equal(errorType, status === 422 ? 'execution' : 'bad_data');
    assert.match(error, message);
    if (status === 422) assert.ok(error.includes(limit), error);
    assert.equal((await other.get(path, params())).status, 200);
    await setLimits(xscaler.dataDir, 'limited', {});
    await eventually(`${limit} is gone`, LIVE_WITHIN_MS, async () =>
      (await limited.get(path, params())).status === 200 ? true : undefined,
    );
  });
}

test('queries that would exhaust memory die by a limit, and those of another tenant go on', async () => {
  const bombs = [
    'count_over_time(vector(1)[20d:1ms])',
    'sum(sum_over_time((x + on (number) x)[10h:10ms]))',
    'sort(max_over_time(rate(x[5m])[100d:1s]))',
  ];
  let going = true;
  const steady = (async () => {
    const statuses: number[] = [];
    while (going)
      statuses.push((await other.get('/api/v1/query', { query: 'count(x)', time: endMs / 1_000 })).status);
    return statuses;
  })();
  const answers = await Promise.all(
    [...bombs, ...bombs].map((query) => limited.get('/api/v1/query', { query, time: endMs / 1_000 })),
  );
  going = false;
  for (const { status, text } of answers) {
    assert.equal(status, 422, text);
    assert.match(JSON.parse(text).error, /limit max_(samples|estimated_memory_consumption)_per_query/);
  }
  const statuses = await steady;
  assert.ok(statuses.length > 0);
  assert.deepEqual([...new Set(statuses)], [200]);
});

test('queries above what a tenant may run and queue are told to come back; another tenant’s go on', async () => {
  const limits = { max_concurrent_queries_per_tenant: 1, max_outstanding_requests_per_tenant: 1 };
  await setLimits(xscaler.dataDir, 'limited', limits);
  // Billions of steps, were it let.
  const query = 'sum(stddev_over_time(stddev_over_time((x @ end())[1h:1s])[1h:1s]))';
  const path = `/api/v1/query_range?${encodeParams({ query, start: endMs / 1_000 - 3_600, end: endMs / 1_000, step: 1 })}`;
  const closing = new AbortController();
  const outcomes: Promise<unknown>[] = [];
  const refused = await eventually('a query is refused', LIVE_WITHIN_MS, async () => {
    const asked = limited.alone(path, { headers: limited.credentials, signal: closing.signal });
    outcomes.push(asked.catch(() => 'closed'));
    // A query that is not refused at once runs or waits.
    return Promise.race([asked, new Promise<undefined>((resolve) => setTimeout(resolve, 500, undefined))]);
  });
  assert.equal(refused.status, 429, refused.text);
  assert.ok(Number(refused.headers['retry-after']) > 0);
  const { errorType, error } = JSON.parse(refused.text);
  assert.equal(errorType, 'too_many_requests');
  assert.match(error, /max_outstanding_requests_per_tenant \(1\)/);
  assert.equal(await other.value('count(x)', endMs), SERIES);
  closing.abort();
  await Promise.all(outcomes);
  await setLimits(xscaler.dataDir, 'limited', {});
});
