import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { connectHttpUpstream } from '@xscaler/rpc/network';
import { refusedPort } from '@xscaler/testkit';
import { readRpcStatus } from '@xscaler/wire/otlp';
import { type GatewayUnderTest, READER, startGateway, WRITER } from './gateway-under-test.ts';
import { createOtlpGrpcServer, GRPC_MAX_MESSAGE_BYTES } from './grpc/otlp-grpc.ts';

const BUG = new TypeError("Cannot read properties of undefined (reading 'tenant')");
const EXPORT = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';
const GENERATED = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;

const push = (gateway: GatewayUnderTest, headers: Record<string, string> = {}, path = '/api/v1/push') =>
  gateway.fetch(path, { method: 'POST', headers: { ...WRITER, ...headers }, body: 'x' });

function failBy(gateway: GatewayUnderTest, error: unknown): void {
  gateway.distributor.answer = () => Promise.reject(error);
  gateway.querier.answer = () => Promise.reject(error);
}

/** The log's lines about errors. */
function errorsIn(gateway: GatewayUnderTest): { requestId: string; err: { stack: string } }[] {
  return gateway.logLines.map((line) => JSON.parse(line)).filter(({ level }) => level === 'error');
}

test('a bug is a 500 in the form of its path that names the request and nothing else', async () => {
  await using gateway = await startGateway();
  failBy(gateway, BUG);
  const id = { 'x-request-id': 'req-7' };
  const text = 'internal error, request req-7';
  const write = await push(gateway, id);
  assert.deepEqual([write.status, await write.text()], [500, `${text}\n`]);
  assert.equal(write.headers.get('x-request-id'), 'req-7');
  const read = await gateway.fetch('/api/v1/query?query=up', { headers: { ...READER, ...id } });
  assert.equal(read.status, 500);
  assert.deepEqual(await read.json(), { status: 'error', errorType: 'internal', error: text });
  const otlp = await push(gateway, id, '/v1/metrics');
  assert.equal(otlp.status, 500);
  assert.deepEqual(readRpcStatus(new Uint8Array(await otlp.arrayBuffer())), { code: 13, message: text });
  const errors = errorsIn(gateway);
  assert.equal(errors.length, 3);
  for (const { requestId, err } of errors) {
    assert.equal(requestId, 'req-7');
    assert.match(err.stack, /Cannot read properties of undefined.*\n.* at .*gateway-failures/);
  }
});

test('a bug is INTERNAL to exporters by gRPC, with the request’s id among the trailers', async () => {
  await using gateway = await startGateway();
  failBy(gateway, BUG);
  const server = createOtlpGrpcServer(gateway.exports, () => gateway.clock.nowMs);
  const port = await server.listen('127.0.0.1', 0, 10);
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const ask = (headers: Record<string, string>, message = Buffer.from('x')) => {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    return new Promise<{ error: ServiceError | null; id: unknown }>((resolve) => {
      const raw = (bytes: Buffer) => bytes;
      let trailers: Metadata | undefined;
      const call = client.makeUnaryRequest(EXPORT, raw, raw, message, metadata, (error) =>
        setImmediate(() => resolve({ error, id: (error?.metadata ?? trailers)?.get('x-request-id')[0] })),
      );
      call.on('status', ({ metadata: last }) => {
        trailers = last;
      });
    });
  };
  try {
    const failed = await ask({ ...WRITER, 'x-request-id': 'req-8' });
    assert.deepEqual(
      [failed.error?.code, failed.error?.details, failed.id],
      [status.INTERNAL, 'internal error, request req-8', 'req-8'],
    );
    assert.deepEqual(
      errorsIn(gateway).map(({ requestId }) => requestId),
      ['req-8'],
    );
    const refused = await ask({});
    assert.equal(refused.error?.code, status.INVALID_ARGUMENT);
    assert.match(String(refused.id), GENERATED);
    const tooLarge = await ask(
      { ...WRITER, 'x-request-id': 'req-10' },
      Buffer.alloc(GRPC_MAX_MESSAGE_BYTES + 1),
    );
    assert.deepEqual([tooLarge.error?.code, tooLarge.id], [status.RESOURCE_EXHAUSTED, 'req-10']);
    assert.match(await gateway.metricsText(), /route="otlp_grpc",status="RESOURCE_EXHAUSTED".*\} 1$/m);
    gateway.distributor.answer = async () => ({ status: 200, headers: {}, body: new Uint8Array(0) });
    const done = await ask({ ...WRITER, 'x-request-id': 'req-9' });
    assert.deepEqual([done.error, done.id], [null, 'req-9']);
    assert.equal(gateway.distributor.requests.at(-1)?.headers['x-request-id'], 'req-9');
  } finally {
    client.close();
    await server.close(0);
  }
});

test('services whose connections are refused are a 503 with Retry-After that names no address', async (t) => {
  await using gateway = await startGateway();
  const port = await refusedPort();
  const away = connectHttpUpstream({ addresses: [`127.0.0.1:${port}`], retryWrites: true });
  t.after(() => away.close());
  gateway.distributor.answer = (request, signal) => away.handle(request, signal);
  gateway.querier.answer = (request, signal) => away.handle(request, signal);
  const answers = [
    await push(gateway),
    await push(gateway, {}, '/v1/metrics'),
    await gateway.fetch('/api/v1/query?query=up', { headers: READER }),
  ];
  for (const answer of answers) {
    assert.equal(answer.status, 503);
    assert.ok(answer.headers.get('retry-after'));
    assert.doesNotMatch(await answer.text(), /ECONN|127\.0\.0\.1/);
  }
  const log = gateway.logLines.join('');
  assert.ok(log.includes(`connect ECONNREFUSED 127.0.0.1:${port}`), 'the operator finds it in the log');
  assert.match(log, /"requestId":"[0-9a-f-]{36}".*ECONNREFUSED/);
});

test('every answer has the id of its request, which the services are told: the client’s own if it is plain', async () => {
  await using gateway = await startGateway();
  gateway.notReady = 'PostgreSQL is not available';
  const answers = [
    await push(gateway),
    await gateway.fetch('/api/v1/query', { headers: { ...READER, 'x-request-id': 'a b' } }),
    await gateway.fetch('/api/v1/query', { headers: { ...READER, 'x-request-id': 'x'.repeat(65) } }),
    await gateway.fetch('/api/v1/query'),
    await gateway.fetch('/nowhere'),
    await gateway.fetch('/api/v1/label/%zz/values', { headers: READER }),
    await gateway.fetch('/-/ready'),
    await gateway.fetch('/-/healthy'),
  ];
  const ids = answers.map(({ headers }) => headers.get('x-request-id') ?? '');
  for (const id of ids) assert.match(id, GENERATED);
  assert.equal(new Set(ids).size, answers.length);
  assert.equal(gateway.distributor.requests[0].headers['x-request-id'], ids[0]);
  assert.deepEqual(
    gateway.querier.requests.map(({ headers }) => headers['x-request-id']),
    ids.slice(1, 3),
  );
  gateway.distributor.answer = async () => ({
    status: 200,
    headers: { 'x-request-id': 'of a service' },
    body: new Uint8Array(0),
  });
  const own = await push(gateway, { 'x-request-id': 'Trace_1.2-3' });
  assert.equal(own.headers.get('x-request-id'), 'Trace_1.2-3');
  assert.equal(gateway.distributor.requests[1].headers['x-request-id'], 'Trace_1.2-3');
});
