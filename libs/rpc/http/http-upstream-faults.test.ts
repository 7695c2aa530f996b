import assert from 'node:assert/strict';
import { type AddressInfo, connect as connectSocket, createServer as createSocketServer } from 'node:net';
import { test } from 'node:test';
import { connectHttp, startHttpService } from '../test-peers/http-service.ts';
import { startPeerProcess } from '../test-peers/peer-process.ts';
import { never, until } from '../test-peers/scripted-ingester.ts';
import { PUSH, ScriptedUpstream } from '../test-peers/scripted-upstream.ts';
import type { UpstreamRequest } from './http-exchange.ts';

const GET: UpstreamRequest = { ...PUSH, method: 'GET', body: new Uint8Array(0) };

/** An address where nobody listens. */
async function deadAddress(): Promise<string> {
  const server = createSocketServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

test('without the shared secret nothing reaches the service, and nobody else is asked', async (t) => {
  const served = new ScriptedUpstream();
  const { address } = await startHttpService(t, served, { secret: 'right' });
  const other = await startHttpService(t, served, { secret: 'right' });
  for (const options of [{}, { secret: 'wrong' }, { secret: '' }]) {
    const stranger = connectHttp(t, [address, other.address], { ...options, retryWrites: true });
    await assert.rejects(stranger.handle(PUSH, never), { name: 'RpcError', code: 'refused' });
  }
  assert.equal(served.requests.length, 0);
  const friend = connectHttp(t, [address], { secret: 'right' });
  assert.equal((await friend.handle(PUSH, never)).status, 204);
  assert.deepEqual(served.requests[0].headers, PUSH.headers);
});

test('a request without a tenant is refused', async (t) => {
  const served = new ScriptedUpstream();
  const { address } = await startHttpService(t, served);
  const response = await fetch(`http://${address}/api/v1/push`, { method: 'POST', body: 'x' });
  assert.equal(response.status, 400);
  assert.match(await response.text(), /x-xscaler-tenant is missing/);
  assert.equal(served.requests.length, 0);
});

test('if no address answers, the error says so and names them', async (t) => {
  const addresses = [await deadAddress(), await deadAddress()];
  const client = connectHttp(t, addresses);
  await assert.rejects(client.handle(PUSH, never), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'unavailable');
    for (const address of addresses) assert.ok(error.message.includes(address), error.message);
    return true;
  });
  const lone = connectHttp(t, []);
  await assert.rejects(lone.handle(PUSH, never), { code: 'unavailable', message: /no address is known/ });
});

test('a write that could not be sent goes to another address', async (t) => {
  const served = new ScriptedUpstream();
  const { address } = await startHttpService(t, served);
  const client = connectHttp(t, [await deadAddress(), address]);
  for (let i = 0; i < 10; i++) assert.equal((await client.handle(PUSH, never)).status, 204);
  assert.equal(served.requests.length, 10);
});

test('a write that was lost on the way is sent again only if that is allowed, a GET always', async (t) => {
  const dying = createSocketServer((socket) => socket.once('data', () => socket.destroy()));
  await new Promise<void>((resolve) => dying.listen(0, '127.0.0.1', resolve));
  t.after(() => dying.close());
  const dyingAddress = `127.0.0.1:${(dying.address() as AddressInfo).port}`;
  const served = new ScriptedUpstream();
  const { address } = await startHttpService(t, served);
  const circuit = { failuresToOpen: 1000 };
  const careful = connectHttp(t, [dyingAddress, address], { circuit });
  const lost: unknown[] = [];
  for (let i = 0; i < 10; i++) await careful.handle(PUSH, never).catch((error) => lost.push(error.code));
  assert.ok(lost.length > 0);
  assert.ok(lost.every((code) => code === 'unavailable'));
  assert.equal(served.requests.length + lost.length, 10);
  for (let i = 0; i < 10; i++) await careful.handle(GET, never);
  const retrying = connectHttp(t, [dyingAddress, address], { circuit, retryWrites: true });
  for (let i = 0; i < 10; i++) assert.equal((await retrying.handle(PUSH, never)).status, 204);
});

test('a service that is too busy sends its callers elsewhere', async (t) => {
  const busy = new ScriptedUpstream();
  busy.hangs = true;
  const free = new ScriptedUpstream();
  const first = await startHttpService(t, busy, { maxConcurrentCalls: 1 });
  const second = await startHttpService(t, free);
  const canceler = new AbortController();
  const held = connectHttp(t, [first.address]).handle(PUSH, canceler.signal);
  await until(() => busy.requests.length === 1);
  const client = connectHttp(t, [first.address, second.address]);
  for (let i = 0; i < 6; i++) await client.handle(PUSH, never);
  assert.equal(free.requests.length, 6);
  const only = connectHttp(t, [first.address]);
  await assert.rejects(only.handle(PUSH, never), { code: 'overloaded' });
  canceler.abort();
  await assert.rejects(held, { name: 'AbortError' });
});

test('a tenant keeps to its spread of addresses, and tenants are spread over all', async (t) => {
  const services = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const served = new ScriptedUpstream();
      return { served, ...(await startHttpService(t, served)) };
    }),
  );
  const addresses = services.map(({ address }) => address);
  const clients = [connectHttp(t, addresses), connectHttp(t, addresses.toReversed())];
  const used = new Map<string, Set<string>>();
  for (let tenant = 0; tenant < 40; tenant++) {
    for (const client of clients) {
      for (let i = 0; i < 4; i++) await client.handle({ ...PUSH, tenant: `t${tenant}` }, never);
    }
  }
  for (const { served, address } of services) {
    assert.ok(served.requests.length > 0);
    for (const { tenant } of served.requests) {
      if (!used.has(tenant)) used.set(tenant, new Set());
      used.get(tenant)?.add(address);
    }
  }
  for (const [tenant, those] of used) assert.equal(those.size, 2, tenant);
});

test('an address that keeps failing is left alone until it has cooled down', async (t) => {
  let nowMs = 0;
  const served = new ScriptedUpstream();
  const good = await startHttpService(t, served);
  const flaky = new ScriptedUpstream();
  let bad = await startHttpService(t, flaky);
  const badPort = Number(bad.address.split(':')[1]);
  await bad.kill();
  const circuit = { failuresToOpen: 2, coolDownMs: 1000, clock: () => nowMs, random: () => 0.5 };
  const client = connectHttp(t, [bad.address, good.address], { circuit });
  const failuresOfBad = () => client.status().find(({ address }) => address === bad.address)?.failures;
  for (let i = 0; i < 10; i++) await client.handle(PUSH, never);
  assert.equal(failuresOfBad(), 2);
  nowMs = 1001;
  for (let i = 0; i < 4; i++) await client.handle(PUSH, never);
  assert.equal(failuresOfBad(), 3);
  bad = await startHttpService(t, flaky, { port: badPort });
  for (let i = 0; i < 4; i++) await client.handle(PUSH, never);
  assert.equal(flaky.requests.length, 0);
  nowMs = 4000;
  for (let i = 0; i < 4; i++) await client.handle(PUSH, never);
  assert.ok(flaky.requests.length > 0);
  assert.equal(failuresOfBad(), 0);
});

test('when every address has failed, one that is back is used at once', async (t) => {
  const first = await startHttpService(t, new ScriptedUpstream());
  await first.kill();
  const circuit = { failuresToOpen: 1, clock: () => 0 };
  const client = connectHttp(t, [first.address], { circuit });
  await assert.rejects(client.handle(PUSH, never), { code: 'unavailable' });
  await startHttpService(t, new ScriptedUpstream(), { port: Number(first.address.split(':')[1]) });
  assert.equal((await client.handle(PUSH, never)).status, 204);
});

test('an address that says it is not ready is passed over until it is', async (t) => {
  const leaving = new ScriptedUpstream();
  let ready = true;
  const first = await startHttpService(t, leaving, { healthy: () => ready });
  const second = await startHttpService(t, new ScriptedUpstream());
  const client = connectHttp(t, [first.address, second.address], {
    healthPath: '/-/ready',
    healthIntervalMs: 5,
  });
  const isLive = () => client.status()[0].live;
  ready = false;
  await until(() => !isLive());
  for (let i = 0; i < 6; i++) await client.handle(PUSH, never);
  assert.equal(leaving.requests.length, 0);
  ready = true;
  await until(isLive);
  for (let i = 0; i < 6; i++) await client.handle(PUSH, never);
  assert.ok(leaving.requests.length > 0);
});

test('a caller whose connection breaks cancels the work', async (t) => {
  const served = new ScriptedUpstream();
  served.hangs = true;
  const { address } = await startHttpService(t, served);
  const socket = connectSocket(Number(address.split(':')[1]), '127.0.0.1');
  socket.write('GET /x HTTP/1.1\r\nhost: x\r\nx-xscaler-tenant: acme\r\n\r\n');
  await until(() => served.signals.length === 1);
  socket.destroy();
  await until(() => served.signals[0].aborted);
});

test('a caller who leaves before its body is there asks nothing', async (t) => {
  const served = new ScriptedUpstream();
  const { address } = await startHttpService(t, served);
  const socket = connectSocket(Number(address.split(':')[1]), '127.0.0.1');
  socket.end('POST /x HTTP/1.1\r\nhost: x\r\nx-xscaler-tenant: acme\r\ncontent-length: 10\r\n\r\nabc');
  await new Promise((resolve) => socket.resume().once('close', resolve));
  await connectHttp(t, [address]).handle(PUSH, never);
  assert.equal(served.requests.length, 1);
});

test('no answer in time is an error, and the work is cancelled', async (t) => {
  const served = new ScriptedUpstream();
  served.hangs = true;
  const { address } = await startHttpService(t, served);
  const client = connectHttp(t, [address], { headersTimeoutMs: 50 });
  await assert.rejects(client.handle(PUSH, never), { name: 'RpcError', code: 'deadline_exceeded' });
  await until(() => served.signals[0].aborted);
});

test('an answer that breaks off is an error, never a shorter answer', async (t) => {
  const breaking = createSocketServer((socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc'));
  });
  await new Promise<void>((resolve) => breaking.listen(0, '127.0.0.1', resolve));
  t.after(() => breaking.close());
  const client = connectHttp(t, [`127.0.0.1:${(breaking.address() as AddressInfo).port}`]);
  await assert.rejects(client.handle(PUSH, never), { name: 'RpcError', code: 'unavailable' });
});

test('addresses can come and go', async (t) => {
  const [first, second] = [new ScriptedUpstream(), new ScriptedUpstream()];
  const before = await startHttpService(t, first);
  const after = await startHttpService(t, second);
  const client = connectHttp(t, [before.address]);
  await client.handle(PUSH, never);
  client.setAddresses([after.address]);
  await client.handle(PUSH, never);
  assert.deepEqual([first.requests.length, second.requests.length], [1, 1]);
  await client.close();
  await assert.rejects(client.handle(PUSH, never), { name: 'RpcError', code: 'closed' });
});

test('a client that closes lets requests end, then breaks them off', async (t) => {
  const served = new ScriptedUpstream();
  served.hangs = true;
  const { address } = await startHttpService(t, served);
  const client = connectHttp(t, [address], { retryWrites: true });
  const running = client.handle(PUSH, never);
  await until(() => served.requests.length === 1);
  const closed = client.close(20);
  await assert.rejects(running, { name: 'RpcError', code: 'unavailable' });
  await closed;
  await until(() => served.signals[0].aborted);
});

test('a service whose process stands still is found out by its health check', async (t) => {
  const paused = await startPeerProcess(t);
  const served = new ScriptedUpstream();
  const { address } = await startHttpService(t, served);
  const client = connectHttp(t, [paused.httpAddress, address], {
    healthPath: '/-/ready',
    healthIntervalMs: 20,
    healthTimeoutMs: 200,
  });
  const isLive = () => client.status()[0].live;
  paused.signal('SIGSTOP');
  await until(() => !isLive());
  for (let i = 0; i < 5; i++) assert.equal((await client.handle(PUSH, never)).status, 204);
  assert.equal(served.requests.length, 5);
  paused.signal('SIGCONT');
  await until(isLive);
});
