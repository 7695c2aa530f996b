import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { Client, credentials, type MethodDefinition } from '@grpc/grpc-js';
import { patternOf } from '../ingester/ingester-contract.ts';
import { connectGrpc, startGrpcIngester } from '../test-peers/grpc-service.ts';
import { startPeerProcess } from '../test-peers/peer-process.ts';
import { collect, never, READ, ScriptedIngester, until } from '../test-peers/scripted-ingester.ts';
import { HEALTH_SERVICE } from './ingester-proto.ts';

test('without the shared secret nothing reaches the ingester', async (t) => {
  const served = new ScriptedIngester();
  const { address } = await startGrpcIngester(t, served, { secret: 'right' });
  for (const options of [{}, { secret: 'wrong' }, { secret: '' }]) {
    const stranger = connectGrpc(t, address, options);
    await assert.rejects(stranger.labelNames(READ, never), { name: 'RpcError', code: 'refused' });
    await assert.rejects(collect(stranger.select(READ, never)), { name: 'RpcError', code: 'refused' });
  }
  assert.equal(served.reads.length, 0);
  await connectGrpc(t, address, { secret: 'right' }).labelNames(READ, never);
  assert.equal(served.reads.length, 1);
});

test('if nobody listens, a call fails at once', async (t) => {
  const gone = await startGrpcIngester(t, new ScriptedIngester());
  await gone.close(0);
  const client = connectGrpc(t, gone.address, { connectTimeoutMs: 60_000 });
  await assert.rejects(client.labelNames(READ, never), { name: 'RpcError', code: 'unavailable' });
  await assert.rejects(collect(client.select(READ, never)), { name: 'RpcError', code: 'unavailable' });
});

test('an ingester that restarts is found again', async (t) => {
  const first = await startGrpcIngester(t, new ScriptedIngester());
  const client = connectGrpc(t, first.address);
  await client.labelNames(READ, never);
  await first.close(0);
  await assert.rejects(client.labelNames(READ, never), { code: 'unavailable' });
  const served = new ScriptedIngester();
  await startGrpcIngester(t, served, { port: first.port });
  while (served.reads.length === 0) await client.labelNames(READ, never).catch(() => {});
});

test('a connection that never answers is given up in time, or with its caller', async (t) => {
  const sockets: Socket[] = [];
  const mute = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    mute.close();
  });
  const address = `127.0.0.1:${(mute.address() as AddressInfo).port}`;
  const client = connectGrpc(t, address, { connectTimeoutMs: 50 });
  await assert.rejects(client.labelNames(READ, never), { code: 'unavailable', message: /no connection/ });
  const patient = connectGrpc(t, address, { connectTimeoutMs: 60_000 });
  const canceler = new AbortController();
  const call = patient.labelNames(READ, canceler.signal);
  await until(() => sockets.length === 2);
  canceler.abort();
  await assert.rejects(call, { name: 'AbortError' });
});

test('a deadline that passes is an error here and the end of the work over there', async (t) => {
  const served = new ScriptedIngester();
  served.hangs = true;
  const server = await startGrpcIngester(t, served);
  const client = connectGrpc(t, server.address, { deadlineMs: 100 });
  await assert.rejects(client.labelNames(READ, never), { name: 'RpcError', code: 'deadline_exceeded' });
  served.frames = [patternOf(10, 1)];
  await assert.rejects(collect(client.select(READ, never)), { code: 'deadline_exceeded' });
  await until(() => served.signals.every(({ aborted }) => aborted) && server.inFlight === 0);
});

test('a deadline ends a stream that its reader has stopped reading', async (t) => {
  const served = new ScriptedIngester();
  served.frames = Array.from({ length: 200 }, (_, i) => patternOf(500_000, i));
  const server = await startGrpcIngester(t, served);
  const client = connectGrpc(t, server.address, { deadlineMs: 300 });
  const frames = client.select(READ, never)[Symbol.asyncIterator]();
  await frames.next();
  await until(() => served.selectsLeft === 1 && server.inFlight === 0);
  assert.ok(served.framesMade < 200);
  await assert.rejects(
    async () => {
      while ((await frames.next()).done !== true);
    },
    { code: 'deadline_exceeded' },
  );
});

test('an ingester that is killed in the middle of a stream is an error, not an end', async (t) => {
  const peer = await startPeerProcess(t);
  const client = connectGrpc(t, peer.grpcAddress);
  let frames = 0;
  await assert.rejects(
    async () => {
      for await (const _frame of client.select(READ, never)) if (++frames === 10) peer.signal('SIGKILL');
    },
    { name: 'RpcError', code: 'unavailable' },
  );
  await peer.exited;
  assert.ok(frames >= 10);
});

test('an ingester that stands still in the middle of a stream is found out', async (t) => {
  const peer = await startPeerProcess(t);
  const keepalive = { keepaliveTimeMs: 200, keepaliveTimeoutMs: 1000, connectTimeoutMs: 500 };
  const client = connectGrpc(t, peer.grpcAddress, keepalive);
  let frames = 0;
  await assert.rejects(
    async () => {
      for await (const _frame of client.select(READ, never)) if (++frames === 10) peer.signal('SIGSTOP');
    },
    { name: 'RpcError', code: 'unavailable' },
  );
  await assert.rejects(client.labelNames(READ, never), { name: 'RpcError', code: 'unavailable' });
  peer.signal('SIGCONT');
  let names: string[] | undefined;
  while (names === undefined) names = await client.labelNames(READ, never).catch(() => undefined);
  assert.deepEqual(names, ['a', 'b']);
});

test('a caller that disappears leaves no work behind', async (t) => {
  const served = new ScriptedIngester();
  served.hangs = true;
  served.frames = [patternOf(10, 1)];
  const server = await startGrpcIngester(t, served);
  // Through a wire that can be cut without a word from the client's end.
  const wires: Socket[] = [];
  const relay = createServer((socket) => {
    wires.push(socket);
    const onward = new (socket.constructor as new () => Socket)();
    onward.connect(server.port, '127.0.0.1');
    socket.pipe(onward).pipe(socket);
    for (const end of [socket, onward]) end.on('error', () => {});
    socket.on('close', () => onward.destroy());
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  t.after(() => relay.close());
  const client = connectGrpc(t, `127.0.0.1:${(relay.address() as AddressInfo).port}`);
  const call = client.labelNames(READ, never);
  const stream = collect(client.select(READ, never));
  await until(() => server.inFlight === 2);
  for (const wire of wires) wire.destroy();
  await assert.rejects(call, { code: 'unavailable' });
  await assert.rejects(stream, { code: 'unavailable' });
  await until(() => served.signals.every(({ aborted }) => aborted) && server.inFlight === 0);
});

test('a caller that stands still is found out and its work ended', async (t) => {
  const served = new ScriptedIngester();
  served.hangs = true;
  const server = await startGrpcIngester(t, served, { keepaliveTimeMs: 50, keepaliveTimeoutMs: 100 });
  const relay = createServer((socket) => {
    const onward = new (socket.constructor as new () => Socket)();
    onward.connect(server.port, '127.0.0.1');
    socket.pipe(onward).pipe(socket);
    for (const end of [socket, onward]) end.on('error', () => {});
    relay.once('pause', () => {
      socket.unpipe(onward);
      onward.unpipe(socket);
    });
    t.after(() => {
      socket.destroy();
      onward.destroy();
    });
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  t.after(() => relay.close());
  const client = connectGrpc(t, `127.0.0.1:${(relay.address() as AddressInfo).port}`);
  const canceler = new AbortController();
  const call = client.labelNames(READ, canceler.signal);
  await until(() => server.inFlight === 1);
  relay.emit('pause');
  await until(() => served.signals[0].aborted && server.inFlight === 0);
  canceler.abort();
  await assert.rejects(call, { name: 'AbortError' });
});

test('calls beyond what one connection may have wait their turn', async (t) => {
  const served = new ScriptedIngester();
  served.frames = [patternOf(1000, 1)];
  const server = await startGrpcIngester(t, served, { maxConcurrentStreams: 2 });
  const client = connectGrpc(t, server.address);
  const answers = await Promise.all(Array.from({ length: 20 }, () => collect(client.select(READ, never))));
  for (const frames of answers) assert.equal(Buffer.compare(frames[0], served.frames[0]), 0);
});

test('calls beyond what both sides allow are refused on the spot', async (t) => {
  const served = new ScriptedIngester();
  served.hangs = true;
  const server = await startGrpcIngester(t, served, { maxConcurrentCalls: 1 });
  const client = connectGrpc(t, server.address, { maxConcurrentCalls: 2 });
  const canceler = new AbortController();
  const running = client.labelNames(READ, canceler.signal);
  await until(() => server.inFlight === 1);
  await assert.rejects(client.labelNames(READ, never), { code: 'overloaded', message: /are running/ });
  const other = connectGrpc(t, server.address, { maxConcurrentCalls: 0 });
  await assert.rejects(other.labelNames(READ, never), { code: 'overloaded', message: /in flight/ });
  canceler.abort();
  await assert.rejects(running, { name: 'AbortError' });
  await until(() => server.inFlight === 0);
});

test('a list over its bound ends the call on both sides', async (t) => {
  const served = new ScriptedIngester();
  served.strings = Array.from({ length: 20_000 }, (_, i) => `${i} `.padEnd(1000, 'x'));
  const server = await startGrpcIngester(t, served);
  const client = connectGrpc(t, server.address, { maxListCharacters: 1_000_000 });
  await assert.rejects(client.labelNames(READ, never), { name: 'RpcError', code: 'too_large' });
  await until(() => server.inFlight === 0);
});

test('a time that is not a whole number never leaves', async (t) => {
  const served = new ScriptedIngester();
  const { address } = await startGrpcIngester(t, served);
  const client = connectGrpc(t, address);
  await assert.rejects(client.labelNames({ ...READ, startMs: Number.NaN }, never), { name: 'RangeError' });
  await assert.rejects(client.labelNames({ ...READ, endMs: 2 ** 53 }, never), { name: 'RangeError' });
  assert.equal(served.reads.length, 0);
});

test('a server that closes lets calls end, then ends them', async (t) => {
  const served = new ScriptedIngester();
  served.frames = Array.from({ length: 20 }, (_, i) => patternOf(500_000, i));
  const server = await startGrpcIngester(t, served);
  const client = connectGrpc(t, server.address);
  const frames = client.select(READ, never)[Symbol.asyncIterator]();
  await frames.next();
  const closed = server.close(60_000);
  let read = 1;
  while ((await frames.next()).done !== true) read++;
  assert.equal(read, 20);
  await closed;

  served.hangs = true;
  served.frames = [];
  const impatient = await startGrpcIngester(t, served);
  const call = connectGrpc(t, impatient.address).labelNames(READ, never);
  await until(() => impatient.inFlight === 1);
  await impatient.close(10);
  await assert.rejects(call, { code: 'unavailable' });
  await until(() => impatient.inFlight === 0);
});

test('a client that is closed refuses calls', async (t) => {
  const { address } = await startGrpcIngester(t, new ScriptedIngester());
  const client = connectGrpc(t, address);
  client.close();
  await assert.rejects(client.labelNames(READ, never), { name: 'RpcError', code: 'closed' });
});

test('health is answered without a secret, and follows what the server is told', async (t) => {
  const server = await startGrpcIngester(t, new ScriptedIngester(), { secret: 'right' });
  const probe = new Client(server.address, credentials.createInsecure());
  t.after(() => probe.close());
  const method = (name: string) =>
    HEALTH_SERVICE[name] as MethodDefinition<{ service: string }, { status: string }>;
  const check = (service: string) =>
    new Promise<string | undefined>((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = method('Check');
      probe.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service }, (error, answer) => {
        if (error) reject(error);
        else resolve(answer?.status);
      });
    });
  assert.equal(await check(''), 'SERVING');
  assert.equal(await check('xscaler.ingester.v1.Ingester'), 'SERVING');
  await assert.rejects(check('nonsense'), /NOT_FOUND/);
  const { path, requestSerialize, responseDeserialize } = method('Watch');
  const watch = probe.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service: '' });
  const seen: string[] = [];
  watch.on('data', ({ status }: { status: string }) => seen.push(status));
  watch.on('error', () => {});
  await until(() => seen.length === 1);
  server.setServing(false);
  assert.equal(await check(''), 'NOT_SERVING');
  await until(() => seen.length === 2);
  assert.deepEqual(seen, ['SERVING', 'NOT_SERVING']);
  await server.close(60_000);
});
