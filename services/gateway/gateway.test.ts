import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UpstreamResponse } from '@xscaler/rpc';
import {
  type GatewayUnderTest,
  RawConnection,
  READER,
  startGateway,
  until,
  WRITER,
} from './gateway-under-test.ts';
import { ROUTES } from './routing/routes.ts';

const push = (gateway: GatewayUnderTest, headers: Record<string, string>, body = 'bytes') =>
  gateway.fetch('/api/v1/push', { method: 'POST', headers, body });

test('a write goes to the distributor with its body unread, and the answer comes back unchanged', async () => {
  await using gateway = await startGateway();
  gateway.distributor.answer = async () => ({
    status: 200,
    headers: { 'X-Prometheus-Remote-Write-Samples-Written': '3', connection: 'close' },
    body: new Uint8Array(0),
  });
  const body = new Uint8Array(100_000).map((_, i) => i);
  const answer = await gateway.fetch('/api/v1/push', {
    method: 'POST',
    headers: {
      ...WRITER,
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
      'x-prometheus-remote-write-version': '0.1.0',
      cookie: 'a=b',
    },
    body,
  });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('x-prometheus-remote-write-samples-written'), '3');
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  assert.equal(answer.headers.get('x-powered-by'), null);
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
  const [request] = gateway.distributor.requests;
  assert.deepEqual(request.body, body);
  assert.equal(request.body.byteLength, request.body.buffer.byteLength);
  assert.equal(request.tenant, 'acme');
  assert.equal(request.path, '/api/v1/push');
  assert.equal(request.query, '');
  assert.deepEqual(Object.keys(request.headers).sort(), [
    'accept',
    'accept-encoding',
    'content-encoding',
    'content-type',
    'user-agent',
    'x-prometheus-remote-write-version',
    'x-request-id',
  ]);
  assert.equal(gateway.querier.requests.length, 0);
});

test('reads go to the querier under both prefixes, by GET and POST like Prometheus', async () => {
  await using gateway = await startGateway();
  gateway.querier.answer = async () => ({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from('{"status":"success"}'),
  });
  for (const route of ROUTES.filter(({ service }) => service === 'querier')) {
    for (const path of route.paths.map((pattern) => pattern.replace(':name', 'a%2Fb'))) {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS']) {
        gateway.querier.requests.length = 0;
        const form = method === 'POST' || method === 'PUT';
        const answer = await gateway.fetch(`${path}?a=1&a=%20`, {
          method,
          headers: READER,
          ...(form && { body: 'query=up' }),
        });
        if (!(route.methods as readonly string[]).includes(method)) {
          assert.equal(answer.status, 405, `${method} ${path}`);
          assert.equal(answer.headers.get('allow'), route.methods.join(', '));
          assert.equal(((await answer.json()) as { status: string }).status, 'error');
          continue;
        }
        assert.equal(answer.status, 200, `${method} ${path}`);
        assert.deepEqual(await answer.json(), { status: 'success' });
        const [request] = gateway.querier.requests;
        assert.equal(request.path, path.replace('/prometheus', ''));
        assert.equal(request.method, method);
        assert.equal(request.query, 'a=1&a=%20');
        assert.equal(Buffer.from(request.body).toString(), form ? 'query=up' : '');
      }
    }
  }
  assert.equal(gateway.distributor.requests.length, 0);
});

test('a tenant sees what the distributor knows of it with a token that reads', async () => {
  await using gateway = await startGateway();
  assert.equal((await gateway.fetch('/debug', { headers: READER })).status, 204);
  assert.deepEqual(
    gateway.distributor.requests.map(({ method, path, tenant }) => [method, path, tenant]),
    [['GET', '/debug', 'acme']],
  );
  assert.equal((await gateway.fetch('/debug', { method: 'POST', headers: READER })).status, 405);
  assert.equal((await gateway.fetch('/debug')).status, 400);
  assert.equal((await gateway.fetch('/debug', { headers: { 'x-scope-orgid': 'acme' } })).status, 401);
  const other = { ...READER, 'x-scope-orgid': 'other' };
  assert.equal((await gateway.fetch('/debug', { headers: other })).status, 401);
  assert.equal((await gateway.fetch('/debug', { headers: WRITER })).status, 403);
  assert.equal(gateway.distributor.requests.length, 1);
});

test('X-Scope-OrgID that is missing or malformed is a 400 that says which', async () => {
  await using gateway = await startGateway();
  const faults: [string | undefined, RegExp][] = [
    [undefined, /no org id/],
    ['', /no org id/],
    ['a,b', /^x-scope-orgid header must not contain commas\n$/],
    ['a|b', /may only contain/],
    ['a b', /may only contain/],
    ['a/b', /may only contain/],
    ['.', /must not be/],
    ['..', /must not be/],
    ['a'.repeat(151), /longer than 150/],
  ];
  for (const [tenant, expected] of faults) {
    const headers: Record<string, string> = { authorization: WRITER.authorization };
    if (tenant !== undefined) headers['x-scope-orgid'] = tenant;
    const answer = await push(gateway, headers);
    assert.equal(answer.status, 400, String(tenant));
    assert.match(await answer.text(), expected);
    const read = await gateway.fetch('/api/v1/query', { headers });
    assert.equal(read.status, 400);
    const envelope = (await read.json()) as { status: string; errorType: string; error: string };
    assert.equal(envelope.status, 'error');
    assert.equal(envelope.errorType, 'bad_data');
    assert.match(`${envelope.error}\n`, expected);
  }
  assert.equal(gateway.distributor.requests.length, 0);
});

test('a header given twice is refused, same value or not', async () => {
  await using gateway = await startGateway();
  const head = 'POST /api/v1/push HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n';
  const cases: [string, string, RegExp][] = [
    [
      'X-Scope-OrgID: acme\r\nx-scope-orgid: acme\r\nAuthorization: Bearer acme:write',
      '400',
      /more than once/,
    ],
    [
      'X-Scope-OrgID: acme\r\nX-SCOPE-ORGID: other\r\nAuthorization: Bearer acme:write',
      '400',
      /more than once/,
    ],
    [
      'X-Scope-OrgID: acme\r\nAuthorization: Bearer acme:write\r\nauthorization: Bearer acme:write',
      '401',
      /credentials/,
    ],
    [
      'X-Scope-OrgID: acme\r\nAuthorization: Bearer acme:write\r\nauthorization: Bearer x',
      '401',
      /credentials/,
    ],
  ];
  for (const [headers, status, text] of cases) {
    await using connection = new RawConnection(gateway.server);
    connection.send(`${head}${headers}\r\nConnection: close\r\n\r\n`);
    await connection.closed;
    assert.ok(connection.received.startsWith(`HTTP/1.1 ${status} `), connection.received);
    assert.match(connection.received, text);
  }
  assert.equal(gateway.distributor.requests.length, 0);
});

test('every unknown caller gets the same 401', async () => {
  await using gateway = await startGateway();
  const wrong = [
    undefined,
    '',
    'acme:write',
    'Basic YWNtZTp3cml0ZQ==',
    'Bearer',
    'Bearer ',
    'Bearer acme:write extra',
    'Bearer nobody',
    'Bearer other:write',
    'Token acme:write',
  ];
  for (const path of ['/api/v1/push', '/api/v1/query']) {
    const bodies = new Set<string>();
    const headersSeen = new Set<string>();
    for (const authorization of wrong) {
      for (const tenant of ['acme', 'unheard-of']) {
        const headers: Record<string, string> = { 'x-scope-orgid': tenant };
        if (authorization !== undefined) headers['authorization'] = authorization;
        const answer = await gateway.fetch(path, { method: 'POST', headers, body: 'x' });
        assert.equal(answer.status, 401, `${authorization}`);
        bodies.add(await answer.text());
        headersSeen.add([...answer.headers.keys()].join());
        assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
      }
    }
    assert.equal(bodies.size, 1);
    assert.equal(headersSeen.size, 1);
  }
  const lower = await push(gateway, { ...WRITER, authorization: 'bearer  acme:write' });
  assert.equal(lower.status, 204);
});

test('a token without the scope is a 403, as are suspended tenants and writes of locked ones', async () => {
  await using gateway = await startGateway();
  assert.equal((await push(gateway, READER)).status, 403);
  assert.equal((await gateway.fetch('/api/v1/labels', { headers: WRITER })).status, 403);
  assert.equal((await gateway.fetch('/api/v1/rules', { headers: WRITER })).status, 403);

  gateway.tokens.refusals.set('acme', { ok: false, code: 'tenant_suspended', reason: 'fraud' });
  const suspended = await gateway.fetch('/api/v1/query', { headers: READER });
  assert.equal(suspended.status, 403);
  assert.equal(((await suspended.json()) as { error: string }).error, 'tenant is suspended: fraud');

  gateway.tokens.refusals.set('acme', { ok: false, code: 'tenant_soft_locked', reason: 'plan lapsed' });
  const locked = await push(gateway, WRITER);
  assert.equal(locked.status, 403);
  assert.equal(await locked.text(), 'tenant is locked for writes: plan lapsed\n');

  gateway.tokens.refusals.set('acme', { ok: false, code: 'unavailable', reason: 'database is gone' });
  const unknown = await push(gateway, WRITER);
  assert.equal(unknown.status, 503);
  assert.equal(unknown.headers.get('retry-after'), '1');
});

test('an unknown path is a 404, credentials or not', async () => {
  await using gateway = await startGateway();
  const paths = [
    '/',
    '/api/v1',
    '/api/v1/push/',
    '/API/v1/push',
    '/api/v1/pushx',
    '//api/v1/push',
    '/prometheus/api/v1/push',
    '/prometheus',
    '/otlp/v1/traces',
    '/v1/traces',
    '/api/v1/label/a/b/values',
    '/api/v1/admin/tsdb/snapshot',
    '/-/reload',
    '/debug/pprof',
  ];
  for (const path of paths) {
    for (const headers of [{}, WRITER]) {
      const answer = await gateway.fetch(path, { method: 'POST', headers, body: 'x' });
      assert.equal(answer.status, 404, path);
      assert.equal(await answer.text(), 'no such path\n');
    }
  }
  assert.equal((await gateway.fetch('/api/v1/push', { headers: WRITER })).status, 405);
  assert.equal((await gateway.fetch('/api/v1/label/%zz/values', { headers: READER })).status, 400);
});

test('health, readiness and metrics need no credentials', async () => {
  await using gateway = await startGateway();
  assert.equal((await gateway.fetch('/-/healthy')).status, 200);
  assert.equal((await gateway.fetch('/-/ready')).status, 200);
  gateway.notReady = 'ingester: replaying';
  const unready = await gateway.fetch('/-/ready');
  assert.equal(unready.status, 503);
  assert.equal(await unready.text(), 'ingester: replaying\n');
  await push(gateway, WRITER);
  await gateway.fetch('/some/%E2%82%AC/path');
  const metrics = await gateway.fetch('/metrics');
  assert.match(metrics.headers.get('content-type')!, /^text\/plain/);
  const text = await metrics.text();
  assert.match(text, /xscaler_gateway_requests_total\{route="push",status="204",service="gateway"\} 1/);
  assert.match(text, /xscaler_gateway_requests_total\{route="unknown",status="404",service="gateway"\} 1/);
  assert.match(text, /xscaler_gateway_received_bytes_total\{route="push",service="gateway"\} 5/);
  assert.doesNotMatch(text, /acme|%E2/);
});

test('of a rate a gateway gives out its share, and what comes counts whether it is let in or not', async () => {
  const offered: string[] = [];
  const rates = { offered: (tenant: string) => void offered.push(tenant), share: () => 0.25 };
  await using gateway = await startGateway({ limits: { request_rate: 8 }, rates });
  const statuses = [];
  for (let i = 0; i < 3; i++) statuses.push((await push(gateway, WRITER)).status);
  assert.deepEqual(statuses, [204, 204, 429]);
  assert.deepEqual(offered, ['acme', 'acme', 'acme']);
});

test('over the tenant request rate is a 429 that says when to come back; reads are not counted', async () => {
  await using gateway = await startGateway({ limits: { request_rate: 2 } });
  const statuses = [];
  for (let i = 0; i < 3; i++) statuses.push((await push(gateway, WRITER)).status);
  assert.deepEqual(statuses, [204, 204, 429]);
  const refused = await push(gateway, WRITER);
  assert.equal(refused.headers.get('retry-after'), '1');
  assert.equal((await gateway.fetch('/api/v1/labels', { headers: READER })).status, 204);
  const other = { authorization: 'Bearer other:write', 'x-scope-orgid': 'other' };
  assert.equal((await push(gateway, other)).status, 204);
  gateway.clock.nowMs += 500;
  assert.equal((await push(gateway, WRITER)).status, 204);
  assert.equal((await push(gateway, WRITER)).status, 429);
});

test('what the gateway refuses is counted by tenant and reason, of tenants whose token came along', async () => {
  const limits = { request_rate: 2, max_recv_msg_size: 10 };
  await using gateway = await startGateway({ limits, gatewayLimits: { maxInFlightRequests: 1 } });
  const send = (headers: Record<string, string>, body = 'x') =>
    gateway.fetch('/api/v1/push', { method: 'POST', headers, body });
  const of = (tenant: string, token = `${tenant}:write`) => ({
    authorization: `Bearer ${token}`,
    'x-scope-orgid': tenant,
  });
  assert.equal((await send(of('a'), 'x'.repeat(11))).status, 413);
  assert.equal((await send(of('a'))).status, 204);
  for (let i = 0; i < 3; i++) assert.equal((await send(of('a'))).status, 429);
  assert.equal((await send(of('b', 'b:read'))).status, 403);
  assert.equal((await send(of('stranger', 'a:write'))).status, 401);
  gateway.tokens.refusals.set('unknown', { ok: false, code: 'unavailable', reason: '' });
  assert.equal((await send(of('unknown'))).status, 503);
  const held = Promise.withResolvers<UpstreamResponse>();
  gateway.distributor.answer = () => held.promise;
  const first = send(of('c'));
  await until(() => gateway.distributor.requests.length === 2);
  assert.equal((await send(of('d'))).status, 503);
  held.resolve({ status: 204, headers: {}, body: new Uint8Array(0) });
  assert.equal((await first).status, 204);
  const name = /^xscaler_gateway_requests_refused_total\{(.*),service="gateway"\} (\d+)$/gm;
  assert.deepEqual(
    [...(await gateway.metricsText()).matchAll(name)].map(([, labels, count]) => `${labels} ${count}`).sort(),
    [
      'tenant="a",reason="body_too_large" 1',
      'tenant="a",reason="rate_limited" 3',
      'tenant="b",reason="forbidden" 1',
      'tenant="d",reason="unavailable" 1',
    ],
  );
});

test('no token, header or query string gets into the log, and no stack trace into an answer', async () => {
  await using gateway = await startGateway();
  const token = `xag_${'a'.repeat(32)}`;
  gateway.querier.answer = () => Promise.reject(new Error(`secret detail about ${token}`));
  const answer = await gateway.fetch(`/api/v1/query?query=up&token=${token}`, { headers: READER });
  assert.equal(answer.status, 500);
  const text = await answer.text();
  assert.doesNotMatch(text, /secret|at .*\.ts/);
  const log = gateway.logLines.join('');
  assert.match(log, /"tenant":"acme","route":"query","status":500/);
  assert.doesNotMatch(log, /aaaa|acme:read|query=up/);
});
