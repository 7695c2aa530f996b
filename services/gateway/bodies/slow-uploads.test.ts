import assert from 'node:assert/strict';
import { connect as connectHttp2 } from 'node:http2';
import { test } from 'node:test';
import { compressionAlgorithms, status } from '@grpc/grpc-js';
import { exportResponse } from '@xscaler/wire/otlp';
import { type GatewayUnderTest, RawConnection, startGateway, until, WRITER } from '../gateway-under-test.ts';
import { createOtlpGrpcServer } from '../grpc/otlp-grpc.ts';
import { Exporter } from '../test-peers/otlp-exporter.ts';

const EXPORT = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';
const MB = 1024 * 1024;

function writer(tenant: string): Record<string, string> {
  return { authorization: `Bearer ${tenant}:write`, 'x-scope-orgid': tenant };
}

function headOf(tenant: string, bytes: number): string {
  const lines = Object.entries(writer(tenant)).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST /api/v1/push HTTP/1.1\r\nHost: x\r\n${lines.join('')}Content-Length: ${bytes}\r\n\r\n`;
}

function patterned(bytes: number): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) body[i] = i % 251;
  return body;
}

async function pushStatus(gateway: GatewayUnderTest, tenant: string, bytes = 1000): Promise<number> {
  const body = patterned(bytes);
  const answer = await gateway.fetch('/api/v1/push', { method: 'POST', headers: writer(tenant), body });
  await answer.text();
  return answer.status;
}

async function listenGrpc(gateway: GatewayUnderTest) {
  gateway.distributor.answer = async () => ({
    status: 200,
    headers: { 'content-type': 'application/x-protobuf' },
    body: exportResponse(undefined),
  });
  const server = createOtlpGrpcServer(gateway.exports, () => gateway.clock.nowMs);
  const port = await server.listen('127.0.0.1', 0, 100);
  return { port, address: `127.0.0.1:${port}`, [Symbol.asyncDispose]: () => server.close(0) };
}

test('uploads that declare much and send little stop no writes, of their tenant or of others', async () => {
  await using gateway = await startGateway();
  await using stack = new AsyncDisposableStack();
  for (const tenant of ['acme', 'other']) {
    for (let i = 0; i < 9; i++) {
      const connection = stack.use(new RawConnection(gateway.server));
      connection.send(`${headOf(tenant, 16 * MB)}abc`);
    }
  }
  await until(async () =>
    (await gateway.metricsText()).includes('in_flight_requests{service="gateway"} 18\n'),
  );
  for (const tenant of ['acme', 'other', 'third']) {
    assert.equal(await pushStatus(gateway, tenant, 16 * MB), 204, tenant);
  }
  await gateway.held(2 * 9 * 3);
});

/** Calls on a connection of their own, of which nothing comes but their metadata and these bytes. */
function openCalls(port: number, tenant: string, count: number, bytes = Buffer.alloc(0)): Disposable {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  for (let i = 0; i < count; i++) {
    const call = session.request({
      ':method': 'POST',
      ':path': EXPORT,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...writer(tenant),
    });
    call.on('error', () => {});
    if (bytes.length > 0) call.write(bytes);
  }
  return { [Symbol.dispose]: () => session.destroy() };
}

function inFlight(gateway: GatewayUnderTest, requests: number): Promise<void> {
  const line = `xscaler_gateway_in_flight_requests{service="gateway"} ${requests}\n`;
  return until(async () => (await gateway.metricsText()).includes(line));
}

test('gRPC calls without a message stop no writes', async () => {
  await using gateway = await startGateway();
  await using grpc = await listenGrpc(gateway);
  using exporter = new Exporter(grpc.address);
  using _own = openCalls(grpc.port, 'acme', 32);
  using _others = openCalls(grpc.port, 'other', 32);
  await inFlight(gateway, 64);
  for (const tenant of ['acme', 'other', 'third']) {
    const { code, details } = await exporter.export(writer(tenant), Buffer.from('x'));
    assert.equal(code, status.OK, details);
  }
});

test('gRPC messages are charged as they come', async () => {
  await using gateway = await startGateway();
  await using grpc = await listenGrpc(gateway);
  // Uncompressed, 4,000,000 bytes, of which three come.
  using _calls = openCalls(grpc.port, 'acme', 200, Buffer.from([0, 0, 0x3d, 0x09, 0, 1, 2, 3]));
  await gateway.held(200 * 8);
});

test('a hundred small exports at once over one connection are all taken, compressed or not', async () => {
  await using gateway = await startGateway();
  await using grpc = await listenGrpc(gateway);
  for (const algorithm of [compressionAlgorithms.identity, compressionAlgorithms.gzip]) {
    using exporter = new Exporter(grpc.address, undefined, {
      'grpc.default_compression_algorithm': algorithm,
    });
    const message = Buffer.from('x'.repeat(500));
    const exported = await Promise.all(Array.from({ length: 100 }, () => exporter.export(WRITER, message)));
    assert.deepEqual(
      exported.filter(({ code }) => code !== status.OK),
      [],
    );
  }
  assert.equal(gateway.distributor.requests.length, 200);
  await gateway.held(0);
});

test('what compressed gRPC messages expand to is leased before they are expanded', async () => {
  const maxInFlightBytes = 16 * MB;
  await using gateway = await startGateway({ gatewayLimits: { maxInFlightBytes, maxBodyWaitMs: 60_000 } });
  await using grpc = await listenGrpc(gateway);
  using exporter = new Exporter(grpc.address, undefined, {
    'grpc.default_compression_algorithm': compressionAlgorithms.gzip,
  });
  const { answer } = gateway.distributor;
  let most = 0;
  gateway.distributor.answer = async (request, signal) => {
    const held = /in_flight_body_bytes\{.*\} (\d+)/.exec(await gateway.metricsText())?.[1];
    most = Math.max(most, Number(held));
    return answer(request, signal);
  };
  // 3 MB of zeros, that come as 3 kB.
  const bomb = Buffer.alloc(3 * MB);
  const exported = await Promise.all(Array.from({ length: 40 }, () => exporter.export(WRITER, bomb)));
  for (const { code } of exported) assert.equal(code, status.OK);
  // Half of the budget is the tenant's, and one more message may be over it.
  assert.ok(most > 3 * MB && most <= maxInFlightBytes / 2 + 4 * MB, `${most}`);
  await gateway.held(0);
});

test('a body that finds no room waits until there is some', async () => {
  await using gateway = await startGateway({ gatewayLimits: { maxInFlightBytes: 200_000 } });
  await using first = new RawConnection(gateway.server);
  await using borrower = new RawConnection(gateway.server);
  for (const connection of [first, borrower]) {
    connection.send(headOf('acme', 80_000) + 'x'.repeat(70_000));
  }
  await gateway.held(140_000);
  const waiting = pushStatus(gateway, 'acme', 50_000);
  await inFlight(gateway, 3);
  first.send('x'.repeat(10_000));
  borrower.send('x'.repeat(10_000));
  assert.equal(await waiting, 204);
});

test('uploads that hold all the room between them are taken one after the other', async () => {
  await using gateway = await startGateway({ gatewayLimits: { maxInFlightBytes: 1_000_000 } });
  // 4 MB at once, of which a tenant gets 0.5 MB.
  const statuses = await Promise.all(Array.from({ length: 20 }, () => pushStatus(gateway, 'acme', 200_000)));
  assert.deepEqual(new Set(statuses), new Set([204]));
  const sent = patterned(200_000);
  for (const { body } of gateway.distributor.requests) assert.equal(Buffer.compare(body, sent), 0);
  await gateway.held(0);
});

test('a body that comes too slowly is a 408 that says so', async () => {
  const minBodyPace = { windowMs: 100, bytesPerSecond: 1_000 };
  await using gateway = await startGateway({ gatewayLimits: { minBodyPace } });
  await using connection = new RawConnection(gateway.server);
  connection.send(`${headOf('acme', 1000)}abc`);
  const received = await connection.until('needed\n');
  assert.ok(received.startsWith('HTTP/1.1 408'), received);
  assert.match(received, /\n3 bytes of the request body came in 0.1 s; at least 1000 bytes\/s are needed\n/);
  assert.match(
    await gateway.metricsText(),
    /requests_refused_total\{tenant="acme",reason="slow_body",.*\} 1\n/,
  );
  await gateway.held(0);
});

test('a body that comes slowly, but fast enough, is taken', async () => {
  const minBodyPace = { windowMs: 100, bytesPerSecond: 1_000 };
  await using gateway = await startGateway({ gatewayLimits: { minBodyPace } });
  await using connection = new RawConnection(gateway.server);
  connection.send(headOf('acme', 2_000));
  for (let sent = 0; sent < 2_000; sent += 100) {
    connection.send('x'.repeat(100));
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  assert.ok((await connection.until('\r\n\r\n')).startsWith('HTTP/1.1 204'));
});
