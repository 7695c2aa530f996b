import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import {
  Client,
  dataOf,
  type QueryData,
  series,
  sleep,
  Xscaler,
  type XscalerOptions,
} from './harness/index.ts';
import { printedGrafanaSource, printedToken } from './harness/printed.ts';
import { LoadWriter } from './harness/write-load.ts';

async function start(t: TestContext, options: XscalerOptions = {}): Promise<Xscaler> {
  const xscaler = await Xscaler.create(options);
  t.after(() => xscaler.dispose());
  await xscaler.start();
  return xscaler;
}

test('SIGTERM ends it with exit code 0, and the next start finds everything', async (t) => {
  const xscaler = await start(t);
  const client = xscaler.client();
  const nowMs = Date.now();
  const samples = Array.from({ length: 100 }, (_, i) => [nowMs - 100_000 + i * 1000, i / 8] as const);
  assert.equal((await client.push([series({ __name__: 'kept', by: 'restart' }, samples)])).status, 204);
  const before = await client.samples('kept', nowMs, 200_000);
  assert.equal(before[0].values.length, 100);

  assert.deepEqual(await xscaler.stop(), { code: 0, signal: null });
  await xscaler.start();
  assert.deepEqual(await xscaler.client().samples('kept', nowMs, 200_000), before);
  assert.deepEqual(dataOf(await xscaler.client().get('/api/v1/label/by/values')), ['restart']);
  assert.ok(!xscaler.program.output.includes(xscaler.token), 'the token is printed at the first start alone');
});

test('SIGTERM in the middle of writes loses none that was acknowledged, and ends in time', async (t) => {
  const xscaler = await start(t);
  const nowMs = Date.now();
  const writers = [0, 1, 2, 3].map((i) => new LoadWriter(`w${i}`, nowMs - i * 1_800_000));
  for (const writer of writers) writer.run(xscaler.client());
  await sleep(1_000);
  assert.deepEqual(await xscaler.stop(), { code: 0, signal: null });
  await Promise.all(writers.map((writer) => writer.stop()));
  await xscaler.start();
  for (const writer of writers) {
    assert.ok(writer.acknowledged > 0);
    assert.deepEqual(await writer.faults(xscaler.client(), false), []);
  }
});

test('SIGINT ends it with exit code 0 as well', async (t) => {
  const xscaler = await start(t);
  assert.deepEqual(await xscaler.program.end('SIGINT'), { code: 0, signal: null });
});

test('queries that come first, all at once, are answered; a stop while their threads start ends in time', async (t) => {
  const xscaler = await start(t);
  const client = xscaler.client();
  const threads = () => client.ownMetric('xscaler_querier_evaluation_threads');
  assert.equal(await threads(), 0, 'none runs before it is asked for');
  const sums = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => client.value(`vector(${n}) + 1`));
  assert.deepEqual(await Promise.all(sums), [2, 3, 4, 5, 6, 7, 8, 9]);
  assert.equal(await threads(), 2, 'as many as it may have');

  await xscaler.stop();
  await xscaler.start();
  const cut = [1, 2, 3].map((n) => xscaler.client().value(`vector(${n})`));
  const outcomes = Promise.allSettled(cut);
  assert.deepEqual(await xscaler.stop(), { code: 0, signal: null });
  await outcomes;
});

test('a second process on the same data folder is refused and says why', async (t) => {
  const xscaler = await start(t);
  const second = xscaler.spawn({ XSCALER_LISTEN: '127.0.0.1:0' });
  const { code } = await second.exited;
  assert.notEqual(code, 0);
  assert.match(second.output, /lock|in use|another process/i);
  assert.ok(second.output.includes(xscaler.dataDir), second.output);
  assert.equal((await xscaler.client().get('/api/v1/labels')).status, 200);
});

test('a first query answers at once, from its own metrics', async (t) => {
  const xscaler = await start(t);
  const data = await xscaler.client().query('count({__name__=~"xscaler_.+"})');
  assert.ok(data.resultType === 'vector' && data.result.length === 1, JSON.stringify(data));
  assert.ok(Number(data.result[0].value[1]) > 10);
});

test('a first start without settings makes the tenant demo, and what it prints to copy works', async (t) => {
  const xscaler = await start(t, { withoutBootstrap: true });
  const text = xscaler.program.stdout;
  const token = printedToken(text);
  assert.match(token, /^xag_[A-Za-z0-9]{32}$/);

  const curl = /^curl .*$/m.exec(text)?.[0];
  assert.ok(curl, 'a curl command');
  const { stdout } = await promisify(execFile)('sh', ['-c', curl]);
  const answer: { status: string; data: QueryData } = JSON.parse(stdout);
  assert.equal(answer.status, 'success');
  assert.ok(answer.data.resultType === 'vector' && answer.data.result.length > 0, stdout);

  const grafana = printedGrafanaSource(text);
  const [, prefix] = /^http:\/\/[^/]+(\/.*)?$/.exec(grafana.url) ?? [];
  const asked = await new Client(xscaler.url, 'demo', token).raw(`${prefix ?? ''}/api/v1/query`, {
    method: 'POST',
    headers: [...grafana.headers, ['content-type', 'application/x-www-form-urlencoded']],
    body: 'query=1%2B1',
  });
  assert.deepEqual(dataOf<QueryData>(asked).result[1], '2');
});

test('a first start that cannot have its address leaves the token to the one that can', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  t.after(() => taken.close());
  await once(taken, 'listening');
  const xscaler = await Xscaler.create({ withoutBootstrap: true });
  t.after(() => xscaler.dispose());
  const failed = xscaler.spawn({ XSCALER_LISTEN: `127.0.0.1:${(taken.address() as AddressInfo).port}` });
  const { code } = await failed.exited;
  assert.notEqual(code, 0);
  assert.match(failed.output, /EADDRINUSE/);
  assert.equal(printedToken(failed.output), '');

  await xscaler.start();
  const token = printedToken(xscaler.program.stdout);
  const answer = await new Client(xscaler.url, 'demo', token).get('/api/v1/labels');
  assert.equal(answer.status, 200, answer.text);
});

test('an unknown setting is an error that names it', async () => {
  const xscaler = await Xscaler.create({ env: { XSCALER_INGESTER_HEAD_WINDWO: '1h' } });
  const program = xscaler.spawn();
  const { code } = await program.exited;
  assert.notEqual(code, 0);
  assert.match(program.output, /XSCALER_INGESTER_HEAD_WINDWO/);
  await xscaler.dispose();
});
