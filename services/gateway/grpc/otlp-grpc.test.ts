import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { type GatewayUnderTest, startGateway, WRITER } from '../gateway-under-test.ts';
import { createOtlpGrpcServer, type GrpcLimits } from './otlp-grpc.ts';

const EXPORT = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';

async function listen(gateway: GatewayUnderTest, limits: Partial<GrpcLimits> = {}) {
  const server = createOtlpGrpcServer(gateway.exports, () => gateway.clock.nowMs, limits);
  const port = await server.listen('127.0.0.1', 0, 10);
  return { port, [Symbol.asyncDispose]: () => server.close(0) };
}

test('an export whose message does not come is ended, and its memory given back', async () => {
  const minBodyPace = { windowMs: 50, bytesPerSecond: 1_000 };
  await using gateway = await startGateway({ gatewayLimits: { minBodyPace } });
  await using grpc = await listen(gateway);
  const session = connectHttp2(`http://127.0.0.1:${grpc.port}`);
  const call = session.request({
    ':method': 'POST',
    ':path': EXPORT,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...WRITER,
  });
  // Uncompressed, 1,000 bytes, of which three come.
  call.write(Buffer.from([0, 0, 0, 3, 232, 1, 2, 3]));
  const [headers] = await once(call, 'response');
  const [trailers] = 'grpc-status' in headers ? [headers] : await once(call.resume(), 'trailers');
  assert.equal(Number(trailers['grpc-status']), status.DEADLINE_EXCEEDED);
  assert.match(
    decodeURI(String(trailers['grpc-message'])),
    /^8 bytes of the request body came in 0.05 s; at least 1000 bytes\/s are needed$/,
  );
  assert.match(await gateway.metricsText(), /requests_refused_total\{tenant="acme",reason="slow_body"/);
  await gateway.held(0);
  assert.equal(gateway.distributor.requests.length, 0);
  session.destroy();
});

test('a gRPC connection that gives no sign of life is cut off', async () => {
  await using gateway = await startGateway();
  await using grpc = await listen(gateway, { keepaliveMs: 20, keepaliveTimeoutMs: 20 });
  const socket = connect(grpc.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  await once(socket, 'close');
});
