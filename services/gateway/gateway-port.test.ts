import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { connect, serve, type Upstream } from '@xscaler/rpc';
import {
  READER,
  RecordingUpstream,
  startGateway,
  until,
  untilAborted,
  WRITER,
} from './gateway-under-test.ts';

test('services in other threads are reached over a port, cancellation and end of the thread included', async () => {
  await using gateway = await startGateway();
  const { port1, port2 } = new MessageChannel();
  const behind = new RecordingUpstream();
  serve<Upstream>(port2, behind);
  const client = connect<Upstream>(port1);
  for (const upstream of [gateway.distributor, gateway.querier]) {
    upstream.answer = (request, signal) => client.handle(request, signal);
  }

  const body = new Uint8Array(200_000).fill(3);
  const written = await gateway.fetch('/api/v1/push', { method: 'POST', headers: WRITER, body });
  assert.equal(written.status, 204);
  assert.deepEqual(behind.requests[0].body, body);

  behind.answer = untilAborted;
  const canceler = new AbortController();
  const read = gateway.fetch('/api/v1/query', { headers: READER, signal: canceler.signal });
  await until(() => behind.signals.length === 2);
  canceler.abort();
  await assert.rejects(read);
  await until(() => behind.signals[1].aborted);

  const pending = gateway.fetch('/api/v1/push', { method: 'POST', headers: WRITER, body });
  await until(() => behind.signals.length === 3);
  port2.close();
  const refused = await pending;
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get('retry-after'), '1');
});
