import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Client, encodeParams, eventually, series, sleep, Xscaler } from './harness/index.ts';

const SERIES = 1_000;
const SAMPLES = 700;
const INTERVAL_MS = 10_000;
const SERIES_A_REQUEST = 14;
/** One thread: while it is running, no other query is answered. */
const ONE_THREAD = { XSCALER_QUERIER_EVALUATION_THREADS: '1' };

let xscaler: Xscaler;
let client: Client;
let endMs: number;

before(async () => {
  xscaler = await Xscaler.start({ env: ONE_THREAD });
  client = xscaler.client();
  endMs = Date.now();
  for (let first = 0; first < SERIES; first += SERIES_A_REQUEST) await writeSeries(first);
});

after(() => xscaler?.dispose());

async function writeSeries(first: number): Promise<void> {
  const numbers = Array.from({ length: Math.min(SERIES_A_REQUEST, SERIES - first) }, (_, i) => first + i);
  const answer = await client.push(
    numbers.map((number) =>
      series(
        { __name__: 'heavy', number: String(number) },
        Array.from({ length: SAMPLES }, (_, i) => {
          const value = Math.sin(number + i) * 1e3;
          return [endMs - (SAMPLES - 1 - i) * INTERVAL_MS, value] as const;
        }),
      ),
    ),
  );
  assert.equal(answer.status, 204, answer.text);
}

/** Windows of an hour at 7,000 steps over every series, sixty times: minutes of work, were it let. */
function heavyQuery(): string {
  const terms = Array.from({ length: 60 }, (_, i) => `sum(quantile_over_time(${i / 60}, heavy[1h]))`);
  const params = { query: terms.join(' + '), step: '1', end: endMs / 1000 };
  return `/api/v1/query_range?${encodeParams({ ...params, start: endMs / 1000 - 7_000 })}`;
}

test('closing a query ends its evaluation', async () => {
  const closing = new AbortController();
  const query = client.alone(heavyQuery(), { headers: client.credentials, signal: closing.signal });
  const outcome = query.then(
    (answer) => `${answer.status}`,
    () => 'closed',
  );
  await eventually('the query is being evaluated', 30_000, async () =>
    (await client.ownMetric('xscaler_querier_evaluation_threads_busy')) === 1 ? true : undefined,
  );
  await sleep(1_000);
  assert.equal(await client.ownMetric('xscaler_querier_evaluation_threads_busy'), 1, 'it would have gone on');
  closing.abort();
  assert.equal(await outcome, 'closed');

  await eventually('the thread is free', 10_000, async () =>
    (await client.ownMetric('xscaler_querier_evaluation_threads_busy')) === 0 ? true : undefined,
  );
  const before = await client.ownMetric('xscaler_querier_samples_read_total');
  const cpuBefore = await client.ownMetric('process_cpu_seconds_total');
  await sleep(2_000);
  assert.equal(
    await client.ownMetric('xscaler_querier_samples_read_total'),
    before,
    'nothing is read any more',
  );
  const cpuSeconds = (await client.ownMetric('process_cpu_seconds_total')) - cpuBefore;
  assert.ok(cpuSeconds < 1, `${cpuSeconds} CPU-seconds in two seconds of rest`);
});

test('the thread that was freed answers the next query', async () => {
  assert.equal(await client.value('count(heavy)', endMs), SERIES);
  const closing = new AbortController();
  const abandoned = [1, 2, 3].map(() =>
    client.alone(heavyQuery(), { headers: client.credentials, signal: closing.signal }).catch(() => 'closed'),
  );
  await eventually('queries wait behind one', 30_000, async () =>
    (await client.ownMetric('xscaler_querier_queries_queued')) === 2 ? true : undefined,
  );
  closing.abort();
  assert.deepEqual(await Promise.all(abandoned), ['closed', 'closed', 'closed']);
  assert.equal(await client.value('count(heavy)', endMs), SERIES);
  assert.equal(await client.ownMetric('xscaler_querier_queries_queued'), 0);
});
