import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { type HttpLimits, type HttpServer, listenHttp } from './http-server.ts';

const ok: RequestListener = (_request, response) => void response.end('ok');

function listen(app: RequestListener, limits: Partial<HttpLimits> = {}): Promise<HttpServer> {
  return listenHttp(app, { host: '127.0.0.1', port: 0, limits });
}

/** Sends text, returns all that comes back until the server hangs up. */
function exchange(server: HttpServer, request: string): Promise<string> {
  const socket = connect(server.port, server.host);
  socket.write(request);
  return text(socket);
}

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n';

test('serves on a free port and says where', async () => {
  const server = await listen(ok);
  assert.equal(server.url, `http://127.0.0.1:${server.port}`);
  assert.equal(await (await fetch(server.url)).text(), 'ok');
  await server.close();
  await assert.rejects(fetch(server.url));
});

test('an address that is taken is an error', async () => {
  const server = await listen(ok);
  await assert.rejects(listenHttp(ok, { host: '127.0.0.1', port: server.port }), { code: 'EADDRINUSE' });
  await server.close();
});

test('headers and bodies that trickle are cut off with a 408, headers too large with a 431', async () => {
  const server = await listen(ok, { headersTimeoutMs: 30, requestTimeoutMs: 60, maxHeaderBytes: 2048 });
  assert.match(await exchange(server, 'GET / HTTP/1.1\r\nHost:'), /^HTTP\/1.1 408/);
  assert.match(await exchange(server, `${GET}X: ${'x'.repeat(3000)}\r\n\r\n`), /^HTTP\/1.1 431/);
  await server.close();
  const slow = await listen((request, response) => request.resume().on('end', () => response.end('ok')), {
    headersTimeoutMs: 30,
    requestTimeoutMs: 60,
  });
  const body = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc';
  assert.match(await exchange(slow, body), /^HTTP\/1.1 408/);
  await slow.close();
});

test('connections beyond the limit are dropped, whichever socket of the port they come by', async () => {
  const server = await listen(ok, { maxConnections: 3 });
  const connections: Socket[] = [];
  const answered = async () => {
    const socket = connect(server.port, server.host);
    connections.push(socket);
    socket.on('error', () => {});
    socket.write(`${GET}\r\n`);
    return Promise.race([once(socket, 'data').then(() => true), once(socket, 'close').then(() => false)]);
  };
  for (let i = 0; i < 3; i++) assert.equal(await answered(), true);
  for (let i = 0; i < 40; i++) assert.equal(await answered(), false);
  connections[1].destroy();
  // The server sees that a little later.
  while (!(await answered()));
  for (let i = 0; i < 40; i++) assert.equal(await answered(), false);
  for (const connection of connections) connection.destroy();
  await server.close();
});

test('of many connections that come at once all are answered, and closing closes all of them', async () => {
  const server = await listen(ok);
  const connections = Array.from({ length: 200 }, () => connect(server.port, server.host));
  const ended = connections.map((socket) => once(socket, 'close'));
  for (const socket of connections) socket.resume().write(`${GET}\r\n`);
  await Promise.all(connections.map((socket) => once(socket, 'data')));
  await server.close();
  await Promise.all(ended);
  await assert.rejects(fetch(server.url));
});

test('closing lets requests in flight finish, and does not wait for idle connections', async () => {
  const answers: (() => void)[] = [];
  const asked = Promise.withResolvers<void>();
  const server = await listen((_request, response) => {
    answers.push(() => response.end('late'));
    asked.resolve();
  });
  const idle: Socket = connect(server.port, server.host);
  await once(idle, 'connect');
  const answer = fetch(server.url);
  await asked.promise;
  const closed = server.close(60_000);
  answers[0]();
  assert.equal(await (await answer).text(), 'late');
  idle.destroy();
  await closed;
});

test('what is not finished within the grace is cut off', async () => {
  const asked = Promise.withResolvers<void>();
  const server = await listen(() => asked.resolve());
  const answer = fetch(server.url);
  answer.catch(() => {});
  await asked.promise;
  await server.close(5);
  await assert.rejects(answer);
});
