import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { test } from 'node:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { RpcError } from '@xscaler/rpc';
import { RawConnection, READER, startGateway, until, untilAborted, WRITER } from './gateway-under-test.ts';

const JSON_BODY = Buffer.from(JSON.stringify({ status: 'success', data: 'x'.repeat(5000) }));

test('a service that fails is a 503 with Retry-After, and nothing of its error is told', async () => {
  await using gateway = await startGateway();
  gateway.distributor.answer = () => Promise.reject(new RpcError('unavailable', 'disk full on node 7'));
  gateway.querier.answer = () => Promise.reject(new RpcError('unavailable', 'no owner at 10.1.2.3:9009'));
  const write = await gateway.fetch('/api/v1/push', { method: 'POST', headers: WRITER, body: 'x' });
  assert.equal(write.status, 503);
  assert.equal(write.headers.get('retry-after'), '1');
  assert.equal(await write.text(), 'not accepted, try again\n');
  const read = await gateway.fetch('/api/v1/query', { headers: READER });
  assert.equal(read.status, 503);
  assert.equal(read.headers.get('retry-after'), '1');
  assert.equal(((await read.json()) as { errorType: string }).errorType, 'unavailable');
});

test('an answer of the service that asks to come back says when', async () => {
  await using gateway = await startGateway();
  gateway.distributor.answer = async () => ({ status: 503, headers: {}, body: Buffer.from('log is full') });
  const refused = await gateway.fetch('/api/v1/push', { method: 'POST', headers: WRITER, body: 'x' });
  assert.equal(refused.headers.get('retry-after'), '1');
  assert.equal(await refused.text(), 'log is full');
  gateway.distributor.answer = async () => ({
    status: 429,
    headers: { 'retry-after': '7' },
    body: new Uint8Array(0),
  });
  const limited = await gateway.fetch('/api/v1/push', { method: 'POST', headers: WRITER, body: 'x' });
  assert.equal(limited.headers.get('retry-after'), '7');
});

test('a client that takes nothing of its answer is cut off, and what was held for it given back', async () => {
  await using gateway = await startGateway({
    gatewayLimits: { minAnswerPace: { windowMs: 50, bytesPerSecond: 1 } },
  });
  const body = new Uint8Array(64 * 1024 * 1024);
  gateway.querier.answer = async () => ({ status: 200, headers: {}, body });
  await using connection = new RawConnection(gateway.server);
  connection.socket.pause();
  connection.send(
    'GET /api/v1/query HTTP/1.1\r\nHost: x\r\nX-Scope-OrgID: acme\r\nAuthorization: Bearer acme:read\r\n\r\n',
  );
  await until(() => gateway.logLines.some((line) => line.includes('"status":499')));
  connection.socket.resume();
  await connection.closed;
  assert.ok(connection.received.startsWith('HTTP/1.1 200'));
  assert.ok(connection.received.length < body.length);
});

test('a service that does not answer in time is cancelled, and the client told', async () => {
  await using gateway = await startGateway({ gatewayLimits: { readTimeoutMs: 20, writeTimeoutMs: 20 } });
  gateway.querier.answer = untilAborted;
  gateway.distributor.answer = untilAborted;
  const read = await gateway.fetch('/api/v1/query', { headers: READER });
  assert.equal(read.status, 503);
  assert.equal(((await read.json()) as { errorType: string }).errorType, 'timeout');
  const write = await gateway.fetch('/api/v1/push', { method: 'POST', headers: WRITER, body: 'x' });
  assert.equal(write.status, 503);
  assert.ok(gateway.querier.signals[0].aborted);
  assert.ok(gateway.distributor.signals[0].aborted);
});

test('a client that leaves ends the work of the service', async () => {
  await using gateway = await startGateway();
  gateway.querier.answer = untilAborted;
  const canceler = new AbortController();
  const answer = gateway.fetch('/api/v1/query', { headers: READER, signal: canceler.signal });
  await until(() => gateway.querier.signals.length === 1);
  assert.equal(gateway.querier.signals[0].aborted, false);
  canceler.abort();
  await assert.rejects(answer);
  await until(() => gateway.querier.signals[0].aborted);
  await until(() => gateway.logLines.some((line) => line.includes('"status":499')));
  assert.match(await gateway.metricsText(), /requests_total\{route="query",status="499"/);
  assert.match(await gateway.metricsText(), /in_flight_requests\{service="gateway"\} 0/);
});

test('a request that was answered leaves its signal alone', async () => {
  await using gateway = await startGateway();
  await (await gateway.fetch('/api/v1/push', { method: 'POST', headers: WRITER, body: 'x' })).text();
  await until(() => gateway.logLines.length > 0);
  assert.equal(gateway.distributor.signals[0].aborted, false);
});

test('more requests than may be in flight are a 503', async () => {
  await using gateway = await startGateway({ gatewayLimits: { maxInFlightRequests: 1 } });
  gateway.querier.answer = untilAborted;
  const canceler = new AbortController();
  const first = gateway.fetch('/api/v1/query', { headers: READER, signal: canceler.signal });
  await until(() => gateway.querier.signals.length === 1);
  const second = await gateway.fetch('/api/v1/query', { headers: READER });
  assert.equal(second.status, 503);
  assert.equal(second.headers.get('retry-after'), '1');
  canceler.abort();
  await assert.rejects(first);
});

/** Node's own client, which leaves an encoded answer unchanged. */
function rawRead(
  port: number,
  acceptEncoding: string,
): Promise<{ encoding: string | undefined; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const headers = { ...READER, 'accept-encoding': acceptEncoding };
    const request = httpRequest({ port, host: '127.0.0.1', path: '/api/v1/query', headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ encoding: response.headers['content-encoding'], body: Buffer.concat(chunks) }),
      );
    });
    request.on('error', reject);
    request.end();
  });
}

test('answers to reads are compressed as the client likes, small ones never', async () => {
  await using gateway = await startGateway();
  const answerWith = (body: Buffer, headers: Record<string, string> = {}) => {
    gateway.querier.answer = async () => ({ status: 200, headers, body: new Uint8Array(body) });
  };
  answerWith(JSON_BODY);
  const { port } = gateway.server;
  const gzipped = await rawRead(port, 'gzip, deflate');
  assert.equal(gzipped.encoding, 'gzip');
  assert.deepEqual(gunzipSync(gzipped.body), JSON_BODY);
  const zstd = await rawRead(port, 'gzip, deflate, br, zstd');
  assert.equal(zstd.encoding, 'zstd');
  assert.deepEqual(zstdDecompressSync(zstd.body), JSON_BODY);
  assert.equal((await rawRead(port, 'zstd;q=0.5, gzip;q=0.9')).encoding, 'gzip');
  assert.equal((await rawRead(port, '*')).encoding, 'zstd');
  assert.equal((await rawRead(port, 'gzip;q=0, *;q=0')).encoding, undefined);
  assert.deepEqual((await rawRead(port, 'identity')).body, JSON_BODY);
  answerWith(Buffer.from('{}'));
  assert.equal((await rawRead(port, 'gzip')).encoding, undefined);
  answerWith(JSON_BODY, { 'content-encoding': 'br' });
  const encoded = await rawRead(port, 'gzip, br');
  assert.equal(encoded.encoding, 'br');
  assert.deepEqual(encoded.body, JSON_BODY);
});

test('answers keep their order and framing on one connection', async () => {
  await using gateway = await startGateway();
  await using connection = new RawConnection(gateway.server);
  const head = 'Host: x\r\nX-Scope-OrgID: acme\r\n';
  connection.send(
    `POST /api/v1/push HTTP/1.1\r\n${head}Authorization: Bearer acme:write\r\nContent-Length: 3\r\n\r\nabc` +
      `GET /nowhere HTTP/1.1\r\n${head}\r\n` +
      `GET /api/v1/query HTTP/1.1\r\n${head}Authorization: Bearer acme:write\r\n\r\n`,
  );
  const received = await connection.until('HTTP/1.1 403');
  assert.deepEqual(received.match(/HTTP\/1.1 \d+/g), ['HTTP/1.1 204', 'HTTP/1.1 404', 'HTTP/1.1 403']);
});

test('writes that wait too long for those before them get a 503, reads and those running go on', async () => {
  await using gateway = await startGateway({ gatewayLimits: { maxWriteWaitMs: 1 } });
  const answer = { status: 204, headers: {}, body: new Uint8Array(0) };
  const done = Promise.withResolvers<void>();
  gateway.distributor.answer = () => done.promise.then(() => answer);
  const push = () => gateway.fetch('/api/v1/push', { method: 'POST', headers: WRITER, body: 'x' });
  const answers = Array.from({ length: 200 }, push);
  const refused: Response[] = [];
  for (const answered of answers) void answered.then((one) => one.status === 503 && refused.push(one));
  await until(() => refused.length + gateway.distributor.requests.length === answers.length);
  assert.ok(refused.length > 50);
  for (const one of refused) {
    assert.equal(one.headers.get('retry-after'), '1');
    assert.match(await one.text(), /too many writes wait/);
  }
  assert.match(await gateway.metricsText(), /gateway_writes_waiting\{service="gateway"\} 0\n/);
  assert.notEqual((await gateway.fetch('/api/v1/query', { headers: READER })).status, 503);
  done.resolve();
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 204).length, gateway.distributor.requests.length);
  assert.equal((await push()).status, 204);
});

test('requests refused because of other tenants are told to retry at different times', async () => {
  const retryAfter = async (random: number) => {
    await using gateway = await startGateway({
      gatewayLimits: { maxInFlightRequests: 0 },
      random: () => random,
    });
    const { status, headers } = await gateway.fetch('/api/v1/query', { headers: READER });
    assert.equal(status, 503);
    return headers.get('retry-after');
  };
  assert.deepEqual(await Promise.all([0, 0.4, 0.99].map(retryAfter)), ['1', '2', '3']);
});

test('a tenant has as many requests in flight as it leaves free, and each tenant at least one', async () => {
  await using gateway = await startGateway({ gatewayLimits: { maxInFlightRequests: 4 } });
  gateway.querier.answer = untilAborted;
  const canceler = new AbortController();
  const ask = (tenant: string, signal?: AbortSignal) =>
    gateway.fetch('/api/v1/query', {
      headers: { authorization: `Bearer ${tenant}:read`, 'x-scope-orgid': tenant },
      ...(signal && { signal }),
    });
  const asked = [ask('acme', canceler.signal), ask('acme', canceler.signal)];
  await until(() => gateway.querier.signals.length === 2);
  assert.equal((await ask('acme')).status, 503);
  asked.push(ask('other', canceler.signal));
  await until(() => gateway.querier.signals.length === 3);
  assert.equal((await ask('other')).status, 503);
  asked.push(ask('third', canceler.signal));
  await until(() => gateway.querier.signals.length === 4);
  assert.equal((await ask('fourth')).status, 503);
  canceler.abort();
  await Promise.all(asked.map((one) => assert.rejects(one)));
});
