import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UpstreamResponse } from '@xscaler/rpc';
import {
  type GatewayUnderTest,
  RawConnection,
  startGateway,
  until,
  untilAborted,
} from '../gateway-under-test.ts';

const MB = 1024 * 1024;

function reader(tenant: string): Record<string, string> {
  return { authorization: `Bearer ${tenant}:read`, 'x-scope-orgid': tenant };
}

function answerOf(bytes: number): UpstreamResponse {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: new Uint8Array(bytes) };
}

function read(gateway: GatewayUnderTest, tenant: string): Promise<Response> {
  return gateway.fetch('/api/v1/query', { headers: { ...reader(tenant), 'accept-encoding': 'identity' } });
}

/** A connection that asks, and takes what the system takes for it. */
function stalledRead(gateway: GatewayUnderTest, tenant: string, path = '/api/v1/query'): RawConnection {
  const connection = new RawConnection(gateway.server);
  connection.socket.pause();
  const lines = Object.entries(reader(tenant)).map(([name, value]) => `${name}: ${value}\r\n`);
  connection.send(`GET ${path} HTTP/1.1\r\nHost: x\r\n${lines.join('')}\r\n`);
  return connection;
}

async function heldAnswerBytes(gateway: GatewayUnderTest): Promise<number> {
  const text = await gateway.metricsText();
  return Number(/in_flight_answer_bytes\{service="gateway"\} (\d+)/.exec(text)?.[1]);
}

function holds(gateway: GatewayUnderTest, bytes: number): Promise<void> {
  return until(async () => (await heldAnswerBytes(gateway)) === bytes);
}

test('thirty slow readers hold a bounded part of their answers, and other tenants read on', async () => {
  const maxAnswerBytes = 64 * MB;
  await using gateway = await startGateway({ gatewayLimits: { maxAnswerBytes, maxAnswerWaitMs: 100 } });
  await using stack = new AsyncDisposableStack();
  gateway.querier.answer = async () => answerOf(10 * MB);
  const connections: RawConnection[] = [];
  for (let i = 0; i < 30; i++) connections.push(stack.use(stalledRead(gateway, 'acme')));
  const refused = /requests_refused_total\{tenant="acme",reason="unread_answers",service="gateway"\} 27\n/;
  await until(async () => refused.test(await gateway.metricsText()));
  // Half of 64 MB has room for three times 10 MB.
  await holds(gateway, 30 * MB);
  const own = await read(gateway, 'acme');
  assert.equal(own.status, 429);
  assert.equal(own.headers.get('retry-after'), '1');
  assert.deepEqual(await own.json(), {
    status: 'error',
    errorType: 'too_many_requests',
    error: `${30 * MB} bytes of this tenant's answers are not read yet: too many for another answer`,
  });
  const other = await read(gateway, 'other');
  assert.equal(other.status, 200);
  assert.equal((await other.arrayBuffer()).byteLength, 10 * MB);
  for (const connection of connections) connection.socket.destroy();
  await holds(gateway, 0);
});

test('a read of a tenant with too many unread answers is not worked out until some are taken', async () => {
  await using gateway = await startGateway({ gatewayLimits: { maxAnswerBytes: 32 * MB } });
  gateway.querier.answer = async () => answerOf(16 * MB);
  await using stalled = stalledRead(gateway, 'acme');
  await holds(gateway, 16 * MB);
  const waiting = read(gateway, 'acme');
  await until(async () =>
    (await gateway.metricsText()).includes('in_flight_requests{service="gateway"} 2\n'),
  );
  assert.equal(gateway.querier.requests.length, 1);
  stalled.socket.resume();
  assert.equal((await (await waiting).arrayBuffer()).byteLength, 16 * MB);
  await holds(gateway, 0);
});

test('an answer that could never be held is refused by the name of the limit; one of the whole budget is not', async () => {
  await using gateway = await startGateway({ gatewayLimits: { maxAnswerBytes: 1_000_000 } });
  gateway.querier.answer = async () => answerOf(1_000_000);
  assert.equal((await (await read(gateway, 'acme')).arrayBuffer()).byteLength, 1_000_000);
  gateway.querier.answer = async () => answerOf(1_000_001);
  const refused = await read(gateway, 'acme');
  assert.equal(refused.status, 422);
  assert.deepEqual(await refused.json(), {
    status: 'error',
    errorType: 'execution',
    error: 'the answer has 1000001 bytes, more than the limit gateway.max_answer_bytes (1000000)',
  });
  await holds(gateway, 0);
});

test('a tenant that reads little is refused for others with a 503, and only if they hold everything', async () => {
  const gatewayLimits = { maxAnswerBytes: 80 * MB, maxAnswerWaitMs: 20 };
  await using gateway = await startGateway({ gatewayLimits });
  await using stack = new AsyncDisposableStack();
  gateway.querier.answer = async () => answerOf(20 * MB);
  for (const [i, tenant] of ['a', 'a', 'b', 'c'].entries()) {
    stack.use(stalledRead(gateway, tenant));
    await holds(gateway, (i + 1) * 20 * MB);
  }
  const refused = await read(gateway, 'd');
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get('retry-after'), '1');
  assert.match(await refused.text(), /too many answers are being read/);
  assert.match(await gateway.metricsText(), /requests_refused_total\{tenant="d",reason="answers_full"/);
});

test('what is held for a compressed answer is what it has compressed', async () => {
  await using gateway = await startGateway();
  gateway.querier.answer = async () => ({ status: 200, headers: {}, body: incompressible(40 * MB) });
  const connection = new RawConnection(gateway.server);
  connection.socket.pause();
  const lines = Object.entries(reader('acme')).map(([name, value]) => `${name}: ${value}\r\n`);
  connection.send(`GET /api/v1/query HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n${lines.join('')}\r\n`);
  await until(async () => {
    const held = await heldAnswerBytes(gateway);
    // A quarter of the bytes are random.
    return held > 5 * MB && held < 20 * MB;
  });
  connection.socket.destroy();
  await holds(gateway, 0);
});

function incompressible(bytes: number): Uint8Array {
  const body = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(body.subarray(at, at + 16_384));
  return body;
}

/** Takes these many bytes every 10 ms. */
function takeSlowly(connection: RawConnection, bytes: number): Disposable {
  const timer = setInterval(() => connection.socket.read(bytes), 10);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

test('a client that takes its answer too slowly is cut off, which is counted and logged with its tenant', async () => {
  const minAnswerPace = { windowMs: 400, bytesPerSecond: 100 * MB };
  await using gateway = await startGateway({ gatewayLimits: { minAnswerPace } });
  gateway.querier.answer = async () => answerOf(200 * MB);
  await using connection = stalledRead(gateway, 'acme');
  connection.socket.removeAllListeners('data');
  // A byte now and then is progress, but not enough of it.
  using _slow = takeSlowly(connection, 32 * 1024);
  await until(() => gateway.logLines.some((line) => line.includes('took its answer too slowly')));
  await holds(gateway, 0);
  const line = gateway.logLines.find((one) => one.includes('took its answer too slowly')) as string;
  const logged = JSON.parse(line);
  assert.deepEqual([logged.tenant, logged.route, logged.ofBytes], ['acme', 'query', 200 * MB]);
  assert.ok(logged.takenBytes > 0 && logged.takenBytes < 100 * MB, line);
  assert.match(
    await gateway.metricsText(),
    /xscaler_gateway_slow_readers_total\{tenant="acme",service="gateway"\} 1\n/,
  );
});

test('a client that takes its answer slowly, but fast enough, gets all of it', async () => {
  const minAnswerPace = { windowMs: 1_000, bytesPerSecond: MB / 16 };
  await using gateway = await startGateway({ gatewayLimits: { minAnswerPace } });
  gateway.querier.answer = async () => answerOf(40 * MB);
  const response = await read(gateway, 'acme');
  let taken = 0;
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    taken += chunk.length;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assert.equal(taken, 40 * MB);
  await holds(gateway, 0);
});

test('an answer that waits behind another one of its connection is not taken for slowly read', async () => {
  const minAnswerPace = { windowMs: 50, bytesPerSecond: MB };
  await using gateway = await startGateway({ gatewayLimits: { minAnswerPace } });
  const first = Promise.withResolvers<UpstreamResponse>();
  const answers = [first.promise, Promise.resolve(answerOf(1_000))];
  gateway.querier.answer = () => answers.shift() as Promise<UpstreamResponse>;
  await using connection = new RawConnection(gateway.server);
  const lines = Object.entries(reader('acme')).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `GET /api/v1/query HTTP/1.1\r\nHost: x\r\n${lines.join('')}`;
  connection.send(`${head}\r\n${head}Connection: close\r\n\r\n`);
  await holds(gateway, 1_000);
  await new Promise((resolve) => setTimeout(resolve, 200));
  first.resolve(answerOf(2_000));
  await connection.closed;
  assert.equal(connection.received.match(/HTTP\/1.1 200/g)?.length, 2);
});

test('an answer that waits behind another one is let go of when its client leaves', async () => {
  await using gateway = await startGateway();
  const answers = [untilAborted, async () => answerOf(1_000)];
  gateway.querier.answer = (request, signal) => answers[gateway.querier.requests.length - 1](request, signal);
  await using connection = new RawConnection(gateway.server);
  const lines = Object.entries(reader('acme')).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `GET /api/v1/query HTTP/1.1\r\nHost: x\r\n${lines.join('')}\r\n`;
  connection.send(head + head);
  await holds(gateway, 1_000);
  connection.socket.destroy();
  await holds(gateway, 0);
  await until(async () =>
    (await gateway.metricsText()).includes('in_flight_requests{service="gateway"} 0\n'),
  );
});

test('metrics that nobody takes are held within the same bounds', async () => {
  await using gateway = await startGateway({ gatewayLimits: { maxAnswerBytes: 100, maxAnswerWaitMs: 20 } });
  const page = await gateway.fetch('/metrics');
  assert.equal(page.status, 422);
  assert.match(await page.text(), /gateway.max_answer_bytes \(100\)/);
  await holds(gateway, 0);
  assert.equal((await gateway.fetch('/-/healthy')).status, 200);
});
