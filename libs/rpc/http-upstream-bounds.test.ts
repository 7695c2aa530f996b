import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { test } from 'node:test';
import { connectHttp, startHttpService } from './test-peers/http-service.ts';
import { never, until } from './test-peers/scripted-ingester.ts';
import { PUSH, ScriptedUpstream } from './test-peers/scripted-upstream.ts';

test('a request that waits for a connection can be cancelled, and is then never sent', async (t) => {
  const served = new ScriptedUpstream();
  served.hangs = true;
  const { address } = await startHttpService(t, served);
  const client = connectHttp(t, [address], { connections: 1 });
  const first = new AbortController();
  const second = new AbortController();
  const running = client.handle(PUSH, first.signal);
  await until(() => served.requests.length === 1);
  const waiting = client.handle({ ...PUSH, path: '/waited' }, second.signal);
  second.abort();
  await assert.rejects(waiting, { name: 'AbortError' });
  served.hangs = false;
  first.abort();
  await assert.rejects(running, { name: 'AbortError' });
  await client.handle({ ...PUSH, path: '/after' }, never);
  assert.deepEqual(
    served.requests.map(({ path }) => path),
    ['/api/v1/push', '/after'],
  );
  await until(() => client.status()[0].inFlight === 0);
});

test('more requests than allowed are refused on the spot', async (t) => {
  const served = new ScriptedUpstream();
  served.hangs = true;
  const { address } = await startHttpService(t, served);
  const client = connectHttp(t, [address], { maxConcurrentCalls: 1 });
  const canceler = new AbortController();
  const running = client.handle(PUSH, canceler.signal);
  await assert.rejects(client.handle(PUSH, never), { code: 'overloaded' });
  canceler.abort();
  await assert.rejects(running, { name: 'AbortError' });
});

test('a body or answer over its bound is refused', async (t) => {
  const served = new ScriptedUpstream();
  const { address } = await startHttpService(t, served, { maxBodyBytes: 1000 });
  const client = connectHttp(t, [address], { maxResponseBytes: 1000 });
  const push = (size: number) => client.handle({ ...PUSH, body: new Uint8Array(size) }, never);
  await push(1000);
  await assert.rejects(push(1001), { name: 'RpcError', code: 'too_large' });
  await assert.rejects(push(3_000_000), { code: /too_large|unavailable/ });
  assert.equal(served.requests.length, 1);
  served.response = { status: 200, headers: {}, body: new Uint8Array(1001) };
  await assert.rejects(push(10), { name: 'RpcError', code: 'too_large' });
  await until(() => client.status()[0].inFlight === 0);
});

test('a body of unknown length is taken up to its bound', async (t) => {
  const served = new ScriptedUpstream();
  const { address } = await startHttpService(t, served, { maxBodyBytes: 200_000 });
  const send = (chunks: number) =>
    new Promise<number | undefined>((resolve, reject) => {
      const headers = { 'x-xscaler-tenant': 'acme' };
      const request = httpRequest(`http://${address}/x`, { method: 'POST', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.on('error', reject);
      for (let i = 0; i < chunks; i++) request.write(Buffer.alloc(10_000, i));
      request.end();
    });
  assert.equal(await send(20), 204);
  assert.equal(await send(21), 413);
  const [{ body }] = served.requests;
  assert.equal(served.requests.length, 1);
  assert.equal(body.byteLength, 200_000);
  assert.equal(body.buffer.byteLength, 200_000);
  for (let i = 0; i < body.byteLength; i++) assert.equal(body[i], Math.floor(i / 10_000));
});

test('bodies held at once are bounded', async (t) => {
  const served = new ScriptedUpstream();
  served.hangs = true;
  const { address } = await startHttpService(t, served, { maxInFlightBytes: 10_000 });
  const client = connectHttp(t, [address]);
  const canceler = new AbortController();
  const running = client.handle({ ...PUSH, body: new Uint8Array(6000) }, canceler.signal);
  await until(() => served.requests.length === 1);
  await assert.rejects(client.handle({ ...PUSH, body: new Uint8Array(6000) }, never), { code: 'overloaded' });
  canceler.abort();
  await assert.rejects(running, { name: 'AbortError' });
  served.hangs = false;
  await until(() => served.signals[0].aborted);
  await client.handle({ ...PUSH, body: new Uint8Array(6000) }, never);
});
