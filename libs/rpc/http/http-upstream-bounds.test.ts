import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { test } from 'node:test';
import { connectHttp, startHttpService } from '../test-peers/http-service.ts';
import { never, until } from '../test-peers/scripted-ingester.ts';
import { PUSH, ScriptedUpstream } from '../test-peers/scripted-upstream.ts';

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

const READ = { ...PUSH, method: 'GET', path: '/api/v1/query', body: new Uint8Array(0) };
const MB = 1024 * 1024;

test('an answer stays with the service until there is room for it', async (t) => {
  const served = new ScriptedUpstream();
  served.response = { status: 200, headers: {}, body: new Uint8Array(64 * MB).fill(7) };
  const { address } = await startHttpService(t, served);
  const client = connectHttp(t, [address], { bodyTimeoutMs: 100 });
  const room = Promise.withResolvers<void>();
  const asked: number[] = [];
  const before = process.memoryUsage().arrayBuffers;
  const answering = client.handle(READ, never, (bytes) => {
    asked.push(bytes);
    return room.promise;
  });
  await until(() => asked.length === 1);
  // Longer than may pass between two pieces of an answer that is being read.
  await new Promise((resolve) => setTimeout(resolve, 300));
  // The service runs in this process, too: it is the answer's own 64 MB that is held.
  assert.ok(process.memoryUsage().arrayBuffers - before < 80 * MB);
  room.resolve();
  const { body } = await answering;
  assert.deepEqual(asked, [64 * MB]);
  assert.equal(body.byteLength, 64 * MB);
  assert.ok(body.every((byte) => byte === 7));
});

test('an answer for which there is no room is the error that says so, and is asked for only once', async (t) => {
  const served = new ScriptedUpstream();
  served.response = { status: 200, headers: {}, body: new Uint8Array(MB) };
  const { address } = await startHttpService(t, served);
  const client = connectHttp(t, [address]);
  const reason = new Error('no room');
  await assert.rejects(
    client.handle(READ, never, () => Promise.reject(reason)),
    reason,
  );
  await until(() => client.status()[0].inFlight === 0);
  assert.equal(served.requests.length, 1);
  assert.equal((await client.handle(READ, never)).body.byteLength, MB);
});

test('a caller that is cancelled while its answer waits for room is told so', async (t) => {
  const served = new ScriptedUpstream();
  served.response = { status: 200, headers: {}, body: new Uint8Array(MB) };
  const { address } = await startHttpService(t, served);
  const client = connectHttp(t, [address]);
  const canceler = new AbortController();
  const room = Promise.withResolvers<void>();
  const answering = client.handle(READ, canceler.signal, () => {
    canceler.abort(new Error('enough'));
    return room.promise;
  });
  await assert.rejects(answering, /enough/);
  room.resolve();
  await until(() => client.status()[0].inFlight === 0);
});

test('answers that callers do not take are bounded, and let go of in the end', async (t) => {
  const served = new ScriptedUpstream();
  served.response = { status: 200, headers: {}, body: new Uint8Array(20 * MB) };
  const { address } = await startHttpService(t, served, { maxAnswerBytes: 30 * MB, stalledCallerMs: 300 });
  const client = connectHttp(t, [address]);
  const asked = Promise.withResolvers<void>();
  const room = Promise.withResolvers<void>();
  const stalled = client.handle(READ, never, () => {
    asked.resolve();
    return room.promise;
  });
  await asked.promise;
  await assert.rejects(client.handle(READ, never), {
    code: 'overloaded',
    message: /bytes of answers are waiting/,
  });
  const isServed = () =>
    client.handle(READ, never).then(
      ({ body }) => body.byteLength === 20 * MB,
      () => false,
    );
  while (!(await isServed())) await new Promise((resolve) => setTimeout(resolve, 20));
  room.resolve();
  await assert.rejects(stalled, { code: 'unavailable' });
});
