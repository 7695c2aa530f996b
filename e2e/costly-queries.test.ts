import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Client, eventually, type Params, series, sleep, Xscaler } from './harness/index.ts';

/** Short, so that a thread which is deaf to its query's end is seen soon. */
const TIMEOUT_MS = 5_000;
const MB = 1024 * 1024;
/** Above what the process takes before; two of the queries below took more than three gigabytes. */
const MAX_GROWTH_BYTES = 500 * MB;

let xscaler: Xscaler;
let attacker: Client;
let other: Client;
let endMs: number;

before(async () => {
  xscaler = await Xscaler.start({
    env: { XSCALER_QUERIER_TIMEOUT: `${TIMEOUT_MS}ms` },
  });
  const clients = await xscaler.addTenants('attacker', 'other');
  [attacker, other] = clients;
  endMs = Math.floor(Date.now() / 1_000) * 1_000;
  for (const client of clients) {
    const samples = Array.from({ length: 60 }, (_, i) => [endMs - (59 - i) * 1_000, i] as const);
    const answer = await client.push([
      series({ __name__: 'x', s: 'a'.repeat(1_024) }, samples),
      ...Array.from({ length: 50 }, (_, i) => series({ __name__: 'many', number: String(i) }, samples)),
    ]);
    assert.equal(answer.status, 204, answer.text);
  }
});

after(() => xscaler?.dispose());

/** A label of 1 MB, grown from 1 KB by ten joins with itself. */
const GROWN = Array.from({ length: 10 }).reduce<string>(
  (inner) => `label_join(${inner}, "s", "", "s", "s")`,
  'x',
);
const PATTERN = `${'(a?)'.repeat(5_000)}a*`;

/** Sends each of the queries, and has the other tenant read all the while; its answers' statuses, and the attacker's answers. */
async function attack(path: string, queries: readonly Params[]) {
  let going = true;
  const reads = (async () => {
    const statuses: number[] = [];
    while (going) {
      statuses.push((await other.get('/api/v1/query', { query: 'count(x)', time: endMs / 1_000 })).status);
      await sleep(20);
    }
    return statuses;
  })();
  const before = await other.ownMetric('process_resident_memory_bytes');
  let most = before;
  const answers = Promise.all(queries.map((query) => attacker.post(path, query)));
  const finished = answers.then(() => sleep(1_000));
  for (let over = false; !over; ) {
    over = await Promise.race([finished.then(() => true), sleep(200).then(() => false)]);
    most = Math.max(most, await other.ownMetric('process_resident_memory_bytes'));
  }
  going = false;
  return { answers: await answers, statuses: await reads, growth: most - before };
}

async function threadsAreFree(): Promise<void> {
  await eventually('every evaluation thread is free', 10_000, async () =>
    (await other.ownMetric('xscaler_querier_evaluation_threads_busy')) === 0 ? true : undefined,
  );
}

test('labels grown to a megabyte and a pattern of five thousand groups are refused, and stop nobody', async () => {
  const query = `label_replace(${GROWN}, "d", "$1", "s", "${PATTERN}")`;
  const params = { query, time: endMs / 1_000 };
  const { answers, statuses, growth } = await attack('/api/v1/query', [params, params]);
  assert.deepEqual([...new Set(statuses)], [200]);
  for (const { status, text } of answers) {
    assert.equal(status, 422, text.slice(0, 1_000));
    assert.match(JSON.parse(text).error, /label_(join|replace)\(\)/);
  }
  assert.ok(growth < MAX_GROWTH_BYTES, `${growth} bytes more`);
  await threadsAreFree();
});

test('a pattern of many states on a value of ordinary length is refused by the function that has it', async () => {
  const query = `label_replace(x, "d", "$1", "s", "${PATTERN}")`;
  const params = { query, time: endMs / 1_000 };
  const { answers, statuses } = await attack('/api/v1/query', [params, params]);
  assert.deepEqual([...new Set(statuses)], [200]);
  for (const { status, text } of answers) {
    assert.equal(status, 422, text.slice(0, 1_000));
    assert.match(JSON.parse(text).error, /label_replace\(\)/);
  }
  await threadsAreFree();
});

test('a selector whose pattern would take seconds with a stored value is refused wherever it comes in', async () => {
  const selector = `x{s=~"${'(?:a?){900}'.repeat(3)}a*"}`;
  for (const [path, params] of [
    ['/api/v1/query', { query: selector, time: endMs / 1_000 }],
    ['/api/v1/series', { 'match[]': selector }],
    ['/api/v1/labels', { 'match[]': selector }],
    ['/api/v1/label/s/values', { 'match[]': selector }],
    ['/api/v1/cardinality/label_values', { 'label_names[]': 's', selector }],
  ] as const) {
    const { status, text } = await attacker.get(path, params);
    assert.equal(status, 422, `${path}: ${text.slice(0, 1_000)}`);
    assert.match(JSON.parse(text).error, /regular expression is too large for the values of its label/);
  }
  assert.equal(await attacker.value('count(x{s=~"(?i)A+"})', endMs), 1);
});

test('a tenant that holds every evaluation thread until its timeout does not stop the reads of another', async () => {
  // A minute of work, were it let.
  const query = Array(20).fill('sum(mad_over_time(mad_over_time((many @ end())[1h:1s])[1h:1s]))').join(' + ');
  const params = { query, start: endMs / 1_000 - 3_600, end: endMs / 1_000, step: 1 };
  const { answers, statuses } = await attack('/api/v1/query_range', Array(6).fill(params));
  assert.ok(statuses.length > 0);
  assert.deepEqual([...new Set(statuses)], [200]);
  for (const { status, text } of answers) {
    assert.equal(status, 503, text.slice(0, 1_000));
    assert.equal(JSON.parse(text).errorType, 'timeout');
  }
  await threadsAreFree();
});
