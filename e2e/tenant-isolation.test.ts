import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type Answer, type Client, type Exchange, series, Xscaler } from './harness/index.ts';
import { addTokens, createTenant } from './harness/tenants.ts';

/** In every value, label, help text and exemplar of the other tenant: wherever it shows, something leaked. */
const SECRET = 'zqbravoqz';
const SECRET_VALUE = 424242.5;

let xscaler: Xscaler;
/** The curious tenant, and the one with the secret. */
let alpha: Client;
let bravo: Client;
let alphaReader: Client;
let alphaWriter: Client;
let nowMs: number;

before(async () => {
  xscaler = await Xscaler.start({ tenant: 'alpha' });
  await xscaler.stop();
  const [bravoToken] = await createTenant(xscaler.dataDir, 'bravo', ['read+write']);
  const [readToken, writeToken] = await addTokens(xscaler.dataDir, 'alpha', ['read', 'write']);
  await xscaler.start();
  alpha = xscaler.client();
  bravo = xscaler.client('bravo', bravoToken);
  alphaReader = xscaler.client('alpha', readToken);
  alphaWriter = xscaler.client('alpha', writeToken);
  nowMs = Date.now();
  await writeAll(alpha, 'open', 1);
  await writeAll(bravo, SECRET, SECRET_VALUE);
});

after(() => xscaler?.dispose());

async function writeAll(client: Client, text: string, value: number): Promise<void> {
  const samples = [[nowMs, value]] as const;
  const shared = series({ __name__: 'shared', job: 'same' }, samples);
  const answer = await client.pushRequest({
    series: [
      {
        ...shared,
        exemplars: [{ labels: [['trace_id', text]], value, timestampMs: nowMs }],
      },
      series({ __name__: `only_${text}`, [`label_${text}`]: text, job: 'same' }, samples),
    ],
    metadata: [{ type: 2, metric: 'shared', help: `help of ${text}`, unit: '' }],
  });
  assert.equal(answer.status, 204, answer.text);
}

function assertNothingOfBravo(answer: Answer, what: string): void {
  assert.ok(!answer.text.includes(SECRET), `${what}: ${answer.text}`);
  assert.ok(!answer.text.includes(String(SECRET_VALUE)), `${what}: ${answer.text}`);
}

const QUERIES = [
  'shared',
  '{__name__=~".+"}',
  '{__name__=~".+",__tenant_id__="bravo"}',
  '{__name__=~".+",__tenant_id__=~".*"}',
  '{__tenant_id__="bravo"}',
  '{job="same"} or {tenant="bravo"}',
  `only_${SECRET}`,
  `{label_${SECRET}=~".*"}`,
  'shared @ end()',
];

const PREFIXES = ['/api/v1', '/prometheus/api/v1'];

/** Every read, as path and parameters. */
function reads(): [path: string, params: Record<string, string>][] {
  const range = { start: String(nowMs / 1000 - 60), end: String(nowMs / 1000 + 1) };
  const found: [string, Record<string, string>][] = [];
  for (const query of QUERIES) {
    found.push(['/query', { query, time: range.end }]);
    found.push(['/query_range', { query, ...range, step: '5' }]);
    found.push(['/query_exemplars', { query, ...range }]);
    found.push(['/series', { 'match[]': query, ...range }]);
    found.push(['/labels', { 'match[]': query, ...range }]);
    found.push(['/label/__name__/values', { 'match[]': query, ...range }]);
    found.push(['/label/job/values', { 'match[]': query, ...range }]);
  }
  found.push(['/labels', {}], ['/label/__name__/values', {}], [`/label/label_${SECRET}/values`, {}]);
  found.push(['/label/__tenant_id__/values', {}], ['/metadata', {}], ['/metadata', { metric: 'shared' }]);
  found.push(['/cardinality/label_names', {}], ['/cardinality/active_series', { selector: '{job="same"}' }]);
  for (const name of ['__name__', 'job', 'label_open'])
    found.push(['/cardinality/label_values', { 'label_names[]': name }]);
  found.push(['/rules', {}], ['/alerts', {}], ['/status/buildinfo', {}], ['/status/tsdb', {}]);
  return found;
}

describe('two tenants with the same series', { concurrency: false }, () => {
  test('each reads its own', async () => {
    const at = nowMs + 1;
    assert.equal(await alpha.value('shared', at), 1);
    assert.equal(await bravo.value('shared', at), SECRET_VALUE);
    assert.equal(await bravo.value('count({job="same"})', at), 2);
    const exemplars = await bravo.get('/api/v1/query_exemplars', {
      query: 'shared',
      start: nowMs / 1000 - 1,
      end: nowMs / 1000 + 1,
    });
    assert.ok(exemplars.text.includes(SECRET), 'the secret is there to be found');
    assert.ok((await bravo.get('/api/v1/metadata')).text.includes(SECRET));
    assert.ok((await bravo.get('/api/v1/labels')).text.includes(SECRET));
  });

  test('no read of one shows anything of the other', async () => {
    for (const [path, params] of reads())
      for (const prefix of PREFIXES) {
        assertNothingOfBravo(await alpha.get(prefix + path, params), `GET ${prefix}${path}`);
        assertNothingOfBravo(await alpha.post(prefix + path, params), `POST ${prefix}${path}`);
      }
  });

  test('each sees which replica of its own HA pairs is elected', async () => {
    const pair = (replica: string) =>
      series({ __name__: 'up', cluster: 'eu', __replica__: replica }, [[nowMs, 1]]);
    assert.equal((await alpha.push([pair('first')])).status, 204);
    assert.equal((await alpha.push([pair('second')])).status, 202);
    assert.equal((await bravo.push([pair(SECRET)])).status, 204);
    const electedOf = async (client: Client) => {
      const answer = await client.get('/debug');
      assert.equal(answer.status, 200, answer.text);
      const { tenant, haPairs } = JSON.parse(answer.text);
      assert.equal(tenant, client.tenant);
      return haPairs.map(({ cluster, elected }: Record<string, string>) => [cluster, elected]);
    };
    assert.deepEqual(await electedOf(alpha), [['eu', 'first']]);
    assert.deepEqual(await electedOf(alphaReader), [['eu', 'first']]);
    assert.deepEqual(await electedOf(bravo), [['eu', SECRET]]);
    assert.equal((await alphaWriter.get('/debug')).status, 403);
    assert.equal((await xscaler.client('alpha', bravo.token).get('/debug')).status, 401);
  });

  test('a label that claims to be the other tenant changes nothing', async () => {
    for (const label of ['__tenant_id__', 'tenant', 'X-Scope-OrgID', '__org_id__']) {
      const pair = [label, 'bravo'] as const;
      await alpha.push([{ labels: [['__name__', 'forged'], pair], samples: [[nowMs, 13]] }]);
    }
    const found = await bravo.get('/api/v1/series', { 'match[]': 'forged' });
    assert.ok(!found.text.includes('forged'), found.text);
  });

  test('the same series written again by one leaves the other as before', async () => {
    assert.equal(
      (await alpha.push([series({ __name__: 'shared', job: 'same' }, [[nowMs + 5, 2]])])).status,
      204,
    );
    assert.equal(await bravo.value('count_over_time(shared[1m])', nowMs + 1_000), 1);
    assert.equal(await alpha.value('count_over_time(shared[1m])', nowMs + 1_000), 2);
  });
});

describe('credentials', { concurrency: false }, () => {
  const read = (headers: Exchange['headers'], path = '/api/v1/query?query=shared'): Promise<Answer> =>
    alpha.raw(path, { headers: headers ?? [] });
  const bearer = (client: Client): [string, string] => ['authorization', `Bearer ${client.token}`];
  const org = (id: string): [string, string] => ['x-scope-orgid', id];

  test('a token that does not open the tenant gets one same 401, whether the tenant exists or not', async () => {
    const refused = [
      await read([bearer(alpha), org('bravo')]),
      await read([bearer(bravo), org('alpha')]),
      await read([bearer(alpha), org('nobody')]),
      await read([['authorization', `Bearer xag_${'x'.repeat(32)}`], org('bravo')]),
      await read([['authorization', 'Bearer '], org('alpha')]),
      await read([['authorization', alpha.token], org('alpha')]),
      await read([
        ['authorization', `Basic ${Buffer.from(`a:${alpha.token}`).toString('base64')}`],
        org('alpha'),
      ]),
      await read([org('alpha')]),
      await read([bearer(alpha), bearer(bravo), org('bravo')]),
      await read([bearer(bravo), bearer(alpha), org('bravo')]),
    ];
    for (const answer of refused) {
      assert.equal(answer.status, 401);
      assert.equal(answer.text, refused[0].text);
      assertNothingOfBravo(answer, '401');
    }
    const written = await xscaler
      .client('alpha', bravo.token)
      .push([series({ __name__: 'planted' }, [[nowMs, 1]])]);
    assert.equal(written.status, 401);
    for (const client of [alpha, bravo]) assert.equal(await client.value('planted', nowMs + 1), undefined);
  });

  test('a tenant id that is missing, malformed, listed or given twice is a 400 that says which', async () => {
    const cases: [Exchange['headers'], RegExp][] = [
      [[bearer(alpha)], /no org id/],
      [[bearer(alpha), org('')], /no org id/],
      [[bearer(alpha), org('alpha,bravo')], /x-scope-orgid header must not contain commas/],
      [[bearer(alpha), org('alpha, bravo')], /x-scope-orgid header must not contain commas/],
      [[bearer(alpha), org('alpha'), org('bravo')], /more than once|twice/],
      [[bearer(alpha), org('alpha'), org('alpha')], /more than once|twice/],
      [[bearer(alpha), org('a'.repeat(151))], /150/],
      [[bearer(alpha), org('..')], /'\.'/],
      [[bearer(alpha), org('../bravo')], /only contain/],
      [[bearer(alpha), org('alpha/bravo')], /only contain/],
      [[bearer(alpha), org('alpha bravo')], /only contain/],
    ];
    for (const [headers, text] of cases) {
      const answer = await read(headers);
      assert.equal(answer.status, 400, answer.text);
      assert.match(answer.text, text);
    }
  });

  test('a list of tenants opens nothing that the token does not', async () => {
    for (const id of ['alpha|bravo', 'bravo|alpha', '|bravo', 'bravo|']) {
      const answer = await read([bearer(alpha), org(id)]);
      assert.ok(answer.status === 400 || answer.status === 401, `${id}: ${answer.status}`);
      assertNothingOfBravo(answer, id);
    }
  });

  test('headers and parameters that name a tenant elsewhere are ignored', async () => {
    const names = [
      'x-tenant',
      'x-tenant-id',
      'thanos-tenant',
      'x-xscaler-tenant',
      'tenant',
      'x-forwarded-orgid',
    ];
    const own = [bearer(alpha), org('alpha')];
    assertNothingOfBravo(await read([...own, ...names.map((name) => [name, 'bravo'] as const)]), 'headers');
    for (const name of [...names, 'X-Scope-OrgID', '__tenant_id__', 'token']) {
      const path = `/api/v1/query?query=shared&${name}=bravo&X-Scope-OrgID=bravo`;
      assertNothingOfBravo(await read(own, path), name);
    }
  });

  test('no path leads to the other tenant', async () => {
    const paths = [
      '/bravo/api/v1/query?query=shared',
      '/api/v1/../v1/query?query=shared',
      '/prometheus/../api/v1/query?query=shared',
      '/api/v1/%2e%2e/v1/query?query=shared',
      '//api/v1/query?query=shared',
      '/api/v1/query/?query=shared',
      '/api/v1/query;tenant=bravo?query=shared',
      '/api/v1/query%00?query=shared',
      '/api/v1/label/..%2f..%2fbravo/values',
      '/api/v1/label/__name__%2f..%2f..%2fbravo/values',
      '/api/v1/label/%5f%5ftenant_id%5f%5f/values',
      '/api/v1/label//values',
      '/api/v1/tenants',
      '/api/v1/admin/tenants',
      '/federate?match[]=%7Bjob%3D%22same%22%7D',
      '/api/v1/read',
      '/debug/pprof/',
      '/config',
      '/database.sqlite',
      '/../data/database.sqlite',
    ];
    for (const path of paths) {
      const answer = await read([bearer(alpha), org('alpha')], path);
      assert.ok(answer.status < 500, `${path}: ${answer.status}`);
      assertNothingOfBravo(answer, path);
      const open = await read([], path);
      assert.notEqual(open.status, 200, `${path} without credentials`);
    }
    const absolute = await read([bearer(alpha), org('alpha'), ['host', 'bravo']]);
    assertNothingOfBravo(absolute, 'host header');
  });

  test('a request smuggled behind another is not answered as somebody else', async () => {
    const inner = `GET /api/v1/query?query=shared HTTP/1.1\r\nHost: x\r\nX-Scope-OrgID: bravo\r\n\r\n`;
    const outer = [
      'POST /api/v1/query HTTP/1.1',
      'Host: x',
      `Authorization: Bearer ${alpha.token}`,
      'X-Scope-OrgID: alpha',
      'Content-Type: application/x-www-form-urlencoded',
      `Content-Length: ${inner.length + 5}`,
      'Transfer-Encoding: chunked',
      '',
      `0\r\n\r\n${inner}`,
    ].join('\r\n');
    const answered = await exchangeRaw(outer);
    assert.ok(!answered.includes(SECRET) && !answered.includes(String(SECRET_VALUE)), answered);
    assert.doesNotMatch(answered, /HTTP\/1\.1 200/);
  });

  test('a token without the scope is a 403', async () => {
    assert.equal((await alphaReader.get('/api/v1/query', { query: 'shared' })).status, 200);
    assert.equal((await alphaReader.push([series({ __name__: 'planted' }, [[nowMs, 1]])])).status, 403);
    assert.equal((await alphaWriter.get('/api/v1/query', { query: 'shared' })).status, 403);
    assert.equal((await alphaWriter.push([series({ __name__: 'by_writer' }, [[nowMs, 1]])])).status, 204);
    assert.equal(await alpha.value('planted', nowMs + 1), undefined);
    assert.equal(await alpha.value('by_writer', nowMs + 1), 1);
  });
});

/** Sends bytes unchanged; returns what came until the other side closed or was silent for a second. */
function exchangeRaw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(xscaler.port, '127.0.0.1', () => socket.write(text));
    let received = '';
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
    });
    socket.on('close', () => resolve(received));
    socket.on('error', reject);
  });
}
