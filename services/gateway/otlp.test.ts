import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { connect as connectTls } from 'node:tls';
import { ChannelCredentials, compressionAlgorithms, status } from '@grpc/grpc-js';
import { RpcError, type UpstreamResponse } from '@xscaler/rpc';
import { exportResponse, readRpcStatus, rpcStatus } from '@xscaler/wire/otlp';
import { type GatewayUnderTest, READER, startGateway, untilAborted, WRITER } from './gateway-under-test.ts';
import { createOtlpGrpcServer, GRPC_MAX_MESSAGE_BYTES, type OtlpGrpcServer } from './grpc/otlp-grpc.ts';
import { Exporter } from './test-peers/otlp-exporter.ts';
import { listenTls } from './tls-listener.ts';

const answer = (status: number, body: Uint8Array): UpstreamResponse => ({
  status,
  headers: { 'content-type': 'application/x-protobuf' },
  body,
});

test('OTLP over HTTP is passed on unchanged, under both paths', async () => {
  await using gateway = await startGateway();
  gateway.distributor.answer = async () => answer(200, exportResponse(undefined));
  for (const path of ['/otlp/v1/metrics', '/v1/metrics']) {
    const headers = { ...WRITER, 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const response = await gateway.fetch(path, { method: 'POST', headers, body: 'opaque' });
    assert.equal(response.status, 200);
    const passed = gateway.distributor.requests.at(-1);
    assert.equal(passed?.path, path);
    assert.equal(Buffer.from(passed.body).toString(), 'opaque');
    assert.equal(passed.headers['content-type'], 'application/json');
    assert.equal(passed.headers['content-encoding'], 'gzip');
  }
});

test('what the gateway refuses of OTLP over HTTP is a Status in what was sent', async () => {
  await using gateway = await startGateway({ limits: { max_recv_msg_size: 10, request_rate: 2 } });
  const post = (headers: Record<string, string>, body = 'x') =>
    gateway.fetch('/v1/metrics', { method: 'POST', headers, body });
  const json = { 'content-type': 'application/json' };
  const cases: [Record<string, string>, string, number, number][] = [
    [{ 'x-scope-orgid': 'acme' }, 'x', 401, 16],
    [{ authorization: WRITER.authorization }, 'x', 400, 3],
    [READER, 'x', 403, 7],
    [WRITER, 'x'.repeat(11), 413, 3],
  ];
  for (const [headers, body, expected, code] of cases) {
    const asJson = await post({ ...headers, ...json }, body);
    assert.equal(asJson.status, expected);
    assert.equal(((await asJson.json()) as { code: number }).code, code);
    gateway.clock.nowMs += 10_000;
    const asProtobuf = await post({ ...headers, 'content-type': 'application/x-protobuf' }, body);
    assert.equal(asProtobuf.headers.get('content-type'), 'application/x-protobuf');
    assert.equal(readRpcStatus(new Uint8Array(await asProtobuf.arrayBuffer())).code, code);
    gateway.clock.nowMs += 10_000;
  }
  for (let i = 0; i < 5; i++) await post(WRITER);
  const limited = await post({ ...WRITER, ...json });
  assert.equal(limited.status, 429);
  assert.ok(Number(limited.headers.get('retry-after')) >= 1);
  const { code, details } = (await limited.json()) as { code: number; details: { retryDelay: string }[] };
  assert.deepEqual([code, details.length], [8, 1]);
  const get = await gateway.fetch('/v1/metrics', { headers: WRITER });
  assert.equal(get.status, 405);
});

async function listenGrpc(gateway: GatewayUnderTest, maxConnections = 100) {
  const server = createOtlpGrpcServer(gateway.exports, () => gateway.clock.nowMs);
  const port = await server.listen('127.0.0.1', 0, maxConnections);
  return { server, address: `127.0.0.1:${port}`, [Symbol.asyncDispose]: () => server.close(0) };
}

/** A connection of its own: whether it is kept, once that is certain, and how many bytes came on it. */
async function opens(address: string): Promise<{ isKept: boolean; socket: Socket }> {
  const [host, port] = address.split(':');
  const socket = connect(Number(port), host);
  // A server that takes the connection says its settings first; one that doesn't closes it.
  const isKept = await new Promise<boolean>((resolve) => {
    socket.once('data', () => resolve(true));
    socket.once('close', () => resolve(false));
    socket.once('error', () => {});
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0');
  });
  return { isKept, socket };
}

test('OTLP over gRPC takes this many connections: others are closed, those there go on, and one that leaves makes room', async () => {
  await using gateway = await startGateway();
  gateway.distributor.answer = async () => answer(200, exportResponse(undefined));
  await using listening = await listenGrpc(gateway, 3);
  using exporter = new Exporter(listening.address);
  assert.equal((await exporter.export(WRITER, Buffer.from('1'))).code, status.OK);
  const first = await opens(listening.address);
  const second = await opens(listening.address);
  assert.deepEqual([first.isKept, second.isKept], [true, true]);
  for (let i = 0; i < 5; i++) assert.equal((await opens(listening.address)).isKept, false);
  using another = new Exporter(listening.address);
  assert.equal((await another.export(WRITER, Buffer.from('2'), 1_000)).code === status.OK, false);
  assert.equal((await exporter.export(WRITER, Buffer.from('3'))).code, status.OK);
  assert.equal(first.socket.destroyed || second.socket.destroyed, false);
  first.socket.destroy();
  let isKept = false;
  while (!isKept) {
    const next = await opens(listening.address);
    isKept = next.isKept;
    next.socket.destroy();
  }
  second.socket.destroy();
  assert.equal((await exporter.export(WRITER, Buffer.from('4'))).code, status.OK);
});

test('OTLP over gRPC is passed on as OTLP over HTTP, and answered', async () => {
  await using gateway = await startGateway();
  await using grpc = await listenGrpc(gateway);
  using exporter = new Exporter(grpc.address);
  const partial = exportResponse({ rejectedDataPoints: 1, errorMessage: 'late' });
  gateway.distributor.answer = async () => answer(200, partial);
  const { code, response } = await exporter.export(WRITER, Buffer.from('opaque'));
  assert.equal(code, status.OK);
  assert.deepEqual(response, Buffer.from(partial));
  const [passed] = gateway.distributor.requests;
  assert.deepEqual(
    [passed.tenant, passed.method, passed.path, passed.headers['content-type']],
    ['acme', 'POST', '/v1/metrics', 'application/x-protobuf'],
  );
  assert.equal(Buffer.from(passed.body).toString(), 'opaque');
  assert.equal(passed.body.byteLength, passed.body.buffer.byteLength);
  assert.match(
    await gateway.metricsText(),
    /requests_total\{route="otlp_grpc",status="OK",service="gateway"\} 1/,
  );
  await gateway.held(0);
});

test('gRPC has the canonical codes, with RetryInfo if the client may come again', async () => {
  await using gateway = await startGateway({ limits: { request_rate: 10 } });
  await using grpc = await listenGrpc(gateway);
  using exporter = new Exporter(grpc.address);
  const message = Buffer.from('x');
  const unauthenticated: Record<string, string>[] = [
    { 'x-scope-orgid': 'acme' },
    { ...WRITER, authorization: 'Bearer other:write' },
    { ...WRITER, authorization: 'Basic x' },
  ];
  const answers = await Promise.all(unauthenticated.map((headers) => exporter.export(headers, message)));
  for (const one of answers) assert.equal(one.code, status.UNAUTHENTICATED);
  assert.equal(new Set(answers.map(({ details }) => details)).size, 1);
  const tenantless = await exporter.export({ authorization: WRITER.authorization }, message);
  assert.deepEqual([tenantless.code, tenantless.details], [status.INVALID_ARGUMENT, 'no org id']);
  const many = await exporter.export({ ...WRITER, 'x-scope-orgid': 'a,b' }, message);
  assert.deepEqual(
    [many.code, many.details],
    [status.INVALID_ARGUMENT, 'x-scope-orgid header must not contain commas'],
  );
  assert.equal((await exporter.export(READER, message)).code, status.PERMISSION_DENIED);
  assert.equal(gateway.distributor.requests.length, 0);

  const told = rpcStatus({ code: 3, message: 'does not decode' });
  gateway.distributor.answer = async () => answer(400, told);
  const bad = await exporter.export(WRITER, message);
  assert.deepEqual(
    [bad.code, bad.details, bad.status],
    [status.INVALID_ARGUMENT, 'does not decode', Buffer.from(told)],
  );
  gateway.distributor.answer = async () => {
    throw new RpcError('unavailable', 'connect ECONNREFUSED 10.1.2.3:9009');
  };
  const away = await exporter.export(WRITER, message);
  assert.equal(away.code, status.UNAVAILABLE);
  assert.ok(away.status?.includes('google.rpc.RetryInfo'));
  gateway.distributor.answer = async () => answer(200, exportResponse(undefined));
  const limited = await Promise.all(Array.from({ length: 30 }, () => exporter.export(WRITER, message)));
  const throttled = limited.filter(({ code }) => code === status.RESOURCE_EXHAUSTED);
  assert.ok(throttled.length >= 10);
  assert.ok(throttled.every(({ status }) => status?.includes('google.rpc.RetryInfo')));
  const metrics = await gateway.metricsText();
  const counted = `requests_refused_total{tenant="acme",reason="rate_limited",service="gateway"} ${throttled.length}\n`;
  assert.ok(metrics.includes(counted), metrics);
  await gateway.held(0);
});

test('gRPC messages are bounded, also together', async () => {
  const megabyte = 1024 * 1024;
  await using gateway = await startGateway({
    gatewayLimits: { maxInFlightBytes: 9 * megabyte, maxBodyWaitMs: 50 },
  });
  await using grpc = await listenGrpc(gateway);
  using exporter = new Exporter(grpc.address);
  gateway.distributor.answer = async () => answer(200, exportResponse(undefined));
  const most = await exporter.export(WRITER, Buffer.alloc(GRPC_MAX_MESSAGE_BYTES));
  assert.equal(most.code, status.OK);
  const tooLarge = await exporter.export(WRITER, Buffer.alloc(GRPC_MAX_MESSAGE_BYTES + 1));
  assert.equal(tooLarge.code, status.RESOURCE_EXHAUSTED);
  await gateway.held(0);
  const { promise, resolve } = Promise.withResolvers<UpstreamResponse>();
  gateway.distributor.answer = () => promise;
  const held = [0, 1].map(() => exporter.export(WRITER, Buffer.alloc(4 * megabyte)));
  await gateway.held(8 * megabyte);
  const further = await exporter.export(WRITER, Buffer.from('x'));
  assert.equal(further.code, status.UNAVAILABLE);
  resolve(answer(200, exportResponse(undefined)));
  for (const one of held) assert.equal((await one).code, status.OK);
  await gateway.held(0);
});

for (const algorithm of [compressionAlgorithms.gzip, compressionAlgorithms.deflate]) {
  test(`gRPC messages by ${compressionAlgorithms[algorithm]} are taken expanded, and bounded so`, async () => {
    await using gateway = await startGateway();
    await using grpc = await listenGrpc(gateway);
    const packed = { 'grpc.default_compression_algorithm': algorithm };
    using exporter = new Exporter(grpc.address, undefined, packed);
    gateway.distributor.answer = async () => answer(200, exportResponse(undefined));
    const most = Buffer.alloc(GRPC_MAX_MESSAGE_BYTES, 'x');
    assert.equal((await exporter.export(WRITER, most)).code, status.OK);
    assert.ok(most.equals(gateway.distributor.requests[0].body));
    // 100 MB of zeros, that come as 100 kB.
    const bomb = await exporter.export(WRITER, Buffer.alloc(100 * 1024 * 1024));
    assert.equal(bomb.code, status.RESOURCE_EXHAUSTED, bomb.details);
    assert.equal(gateway.distributor.requests.length, 1);
    await gateway.held(0);
  });
}

test('a call that its client gives up is given up behind the gateway', async () => {
  await using gateway = await startGateway();
  await using grpc = await listenGrpc(gateway);
  using exporter = new Exporter(grpc.address);
  gateway.distributor.answer = untilAborted;
  const { code } = await exporter.export(WRITER, Buffer.from('x'), 200);
  assert.equal(code, status.DEADLINE_EXCEEDED);
  await gateway.held(0);
  assert.equal(gateway.distributor.signals[0].aborted, true);
});

const CERT = readFileSync(join(import.meta.dirname, 'testdata/cert.pem'));
const KEY = readFileSync(join(import.meta.dirname, 'testdata/key.pem'));

function listenHttps(gateway: GatewayUnderTest, grpc: { server: OtlpGrpcServer }, maxConnections = 100) {
  return listenTls(gateway.app, {
    host: '127.0.0.1',
    port: 0,
    cert: CERT,
    key: KEY,
    limits: { maxConnections },
    takeOver: (connection) => grpc.server.takeOver(connection),
  });
}

test('one TLS port speaks HTTP to clients that offer it, and gRPC to those that offer only h2', async () => {
  await using gateway = await startGateway();
  gateway.distributor.answer = async () => answer(200, exportResponse(undefined));
  await using grpc = await listenGrpc(gateway);
  const https = await listenHttps(gateway, grpc);
  try {
    using exporter = new Exporter(`localhost:${https.port}`, ChannelCredentials.createSsl(CERT));
    assert.equal((await exporter.export(WRITER, Buffer.from('x'))).code, status.OK);
    const { authorization } = WRITER;
    const tenantless = await exporter.export({ authorization }, Buffer.from('x'));
    assert.deepEqual([tenantless.code, tenantless.details], [status.INVALID_ARGUMENT, 'no org id']);
    const unknown = await exporter.export({ 'x-scope-orgid': 'acme' }, Buffer.from('x'));
    assert.equal(unknown.code, status.UNAUTHENTICATED);
    for (const ALPNProtocols of [['http/1.1'], ['h2', 'http/1.1'], undefined]) {
      const status = await new Promise((resolve, reject) => {
        const options = { method: 'POST', headers: WRITER, ca: CERT, host: '127.0.0.1', port: https.port };
        httpsRequest(
          { ...options, path: '/v1/metrics', ...(ALPNProtocols && { ALPNProtocols }) },
          (response) => {
            response.resume();
            resolve(response.statusCode);
          },
        )
          .on('error', reject)
          .end('x');
      });
      assert.equal(status, 200, `${ALPNProtocols}`);
    }
    assert.equal(gateway.distributor.requests.length, 4);
  } finally {
    await https.close(0);
  }
});

test('the TLS port takes this many connections, of HTTP and gRPC together; one that leaves makes room', async () => {
  await using gateway = await startGateway();
  gateway.distributor.answer = async () => answer(200, exportResponse(undefined));
  await using grpc = await listenGrpc(gateway);
  const https = await listenHttps(gateway, grpc, 3);
  const open: Socket[] = [];
  /** Whether the connection is kept: a server that doesn't take it closes it before the handshake. */
  const opensAs = async (protocol: string): Promise<boolean> => {
    const socket = connectTls({ host: https.host, port: https.port, ca: CERT, ALPNProtocols: [protocol] });
    open.push(socket);
    socket.on('error', () => {});
    return new Promise((resolve) => {
      socket.once('secureConnect', () => resolve(true)).once('close', () => resolve(false));
    });
  };
  try {
    using exporter = new Exporter(`localhost:${https.port}`, ChannelCredentials.createSsl(CERT));
    assert.equal((await exporter.export(WRITER, Buffer.from('1'))).code, status.OK);
    assert.deepEqual([await opensAs('h2'), await opensAs('http/1.1')], [true, true]);
    for (let i = 0; i < 20; i++) assert.equal(await opensAs(i % 2 === 0 ? 'h2' : 'http/1.1'), false);
    assert.equal((await exporter.export(WRITER, Buffer.from('2'))).code, status.OK);
    for (const leaving of [open[0], open[1]]) {
      leaving.destroy();
      // The server sees that a little later.
      while (!(await opensAs('h2')));
      assert.equal(await opensAs('http/1.1'), false);
    }
    assert.equal((await exporter.export(WRITER, Buffer.from('3'))).code, status.OK);
  } finally {
    for (const socket of open) socket.destroy();
    await https.close(0);
  }
});
