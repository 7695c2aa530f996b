import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawConnection, startGateway, until, WRITER } from '../gateway-under-test.ts';

const HEAD =
  'POST /api/v1/push HTTP/1.1\r\nHost: x\r\nX-Scope-OrgID: acme\r\nAuthorization: Bearer acme:write\r\n';
const MAX = 100_000;

function streamOf(bytes: number, chunkBytes: number): ReadableStream<Uint8Array> {
  let left = bytes;
  return new ReadableStream({
    pull(controller) {
      if (left === 0) return controller.close();
      const chunk = Math.min(left, chunkBytes);
      left -= chunk;
      controller.enqueue(new Uint8Array(chunk).fill(7));
    },
  });
}

test('a declared length over the limit is a 413 before a byte of the body is read', async () => {
  await using gateway = await startGateway({ limits: { max_recv_msg_size: MAX } });
  await using connection = new RawConnection(gateway.server);
  connection.send(`${HEAD}Content-Length: ${MAX + 1}\r\n\r\n`);
  assert.ok((await connection.until('bytes\n')).startsWith('HTTP/1.1 413'));
  const exact = await gateway.fetch('/api/v1/push', {
    method: 'POST',
    headers: WRITER,
    body: new Uint8Array(MAX),
  });
  assert.equal(exact.status, 204);
  assert.equal(gateway.distributor.requests.length, 1);
});

test('a client that sends a body too large to its end sees the 413 and no reset', async () => {
  await using gateway = await startGateway({ limits: { max_recv_msg_size: MAX } });
  const body = new Uint8Array(5_000_000);
  const answer = await gateway.fetch('/api/v1/push', { method: 'POST', headers: WRITER, body });
  assert.equal(answer.status, 413);
  assert.equal(await answer.text(), `request body is larger than ${MAX} bytes\n`);
});

test('a body without a declared length is cut off at the limit, and collected exactly below it', async () => {
  await using gateway = await startGateway({ limits: { max_recv_msg_size: MAX } });
  const send = (bytes: number) =>
    gateway.fetch('/api/v1/push', {
      method: 'POST',
      headers: WRITER,
      body: streamOf(bytes, 1000),
      duplex: 'half',
    } as RequestInit);
  for (const bytes of [0, 1, 65_536, 65_537, MAX]) {
    assert.equal((await send(bytes)).status, 204, String(bytes));
    const { body } = gateway.distributor.requests.at(-1)!;
    assert.deepEqual(body, new Uint8Array(bytes).fill(7));
    assert.equal(body.buffer.byteLength, bytes);
  }
  assert.equal((await send(MAX + 1)).status, 413);
  await gateway.held(0);
});

test('a refused client that keeps its connection open without sending is hung up on', async () => {
  await using gateway = await startGateway({ limits: { max_recv_msg_size: MAX } });
  await using connection = new RawConnection(gateway.server);
  connection.send(`${HEAD}Content-Length: ${MAX + 1}\r\n\r\nabc`);
  await connection.closed;
  assert.ok(connection.received.startsWith('HTTP/1.1 413'));
});

test('a refused client that goes on sending sees the 413, and is hung up on before it has sent much', async () => {
  await using gateway = await startGateway({ limits: { max_recv_msg_size: MAX } });
  await using connection = new RawConnection(gateway.server);
  const total = 2 ** 30;
  connection.send(`${HEAD}Content-Length: ${total}\r\n\r\n`);
  await connection.until('bytes\n');
  const piece = Buffer.alloc(2 ** 20);
  let sent = 0;
  while (sent < total && !connection.socket.destroyed) {
    sent += piece.length;
    // A socket that is destroyed tells so here, too.
    await new Promise((resolve) => connection.socket.write(piece, resolve));
  }
  await connection.closed;
  assert.ok(sent < 2 ** 26, `${sent} bytes`);
  assert.ok(connection.received.startsWith('HTTP/1.1 413'));
});

test('a body that trickles in for too long is a 408, and its memory is given back', async () => {
  await using gateway = await startGateway({ httpLimits: { requestTimeoutMs: 50, headersTimeoutMs: 40 } });
  await using connection = new RawConnection(gateway.server);
  connection.send(`${HEAD}Content-Length: 1000\r\n\r\nabc`);
  await connection.closed;
  assert.ok(connection.received.startsWith('HTTP/1.1 408'), connection.received);
  assert.equal(gateway.distributor.requests.length, 0);
  await gateway.held(0);
});

test('a client that leaves in the middle of its body reaches no service', async () => {
  await using gateway = await startGateway();
  const connection = new RawConnection(gateway.server);
  connection.send(`${HEAD}Content-Length: 1000\r\n\r\nabc`);
  await gateway.held(3);
  connection.socket.destroy();
  await connection.closed;
  await until(() => gateway.logLines.some((line) => line.includes('"status":499')));
  assert.equal(gateway.distributor.requests.length, 0);
  await gateway.held(0);
});

test('bodies held are bounded in all and for one tenant', async () => {
  await using gateway = await startGateway({ gatewayLimits: { maxInFlightBytes: 4000, maxBodyWaitMs: 20 } });
  await using connection = new RawConnection(gateway.server);
  await using lent = new RawConnection(gateway.server);
  connection.send(`${HEAD}Content-Length: 2000\r\n\r\n${'x'.repeat(1500)}`);
  await gateway.held(1500);
  const send = (tenant: string, bytes: number) =>
    gateway.fetch('/api/v1/push', {
      method: 'POST',
      headers: { authorization: `Bearer ${tenant}:write`, 'x-scope-orgid': tenant },
      body: new Uint8Array(bytes),
    });
  assert.equal((await send('acme', 500)).status, 204);
  // One body may exceed the bound, of any tenant.
  lent.send(`${HEAD}Content-Length: 2000\r\n\r\n${'x'.repeat(501)}`);
  await gateway.held(2001);
  const refused = await send('acme', 501);
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get('retry-after'), '1');
  assert.equal(await refused.text(), 'too many bytes in flight\n');
  assert.match(
    await gateway.metricsText(),
    /requests_refused_total\{tenant="acme",reason="bodies_full",.*\} 1\n/,
  );
  assert.equal((await send('other', 1999)).status, 204);
  // What can never fit is not worth trying again.
  assert.equal((await send('other', 2001)).status, 413);
  for (const [one, left] of [[lent, 1499] as const, [connection, 500] as const]) {
    one.send('x'.repeat(left));
    assert.ok((await one.until('\r\n\r\n')).startsWith('HTTP/1.1 204'));
  }
});

test('headers beyond the limit are a 431', async () => {
  await using gateway = await startGateway({ httpLimits: { maxHeaderBytes: 4096 } });
  await using connection = new RawConnection(gateway.server);
  connection.send(`${HEAD}X-Filler: ${'x'.repeat(5000)}\r\n\r\n`);
  await connection.closed;
  assert.ok(connection.received.startsWith('HTTP/1.1 431'), connection.received);
});

test('requests that contradict themselves are a 400', async () => {
  await using gateway = await startGateway();
  const contradictions = [
    'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc',
    'Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc',
    'Content-Length: -1\r\n\r\n',
    'Content-Length: 3x\r\n\r\nabc',
    'Transfer-Encoding: chunked\r\n\r\nzz\r\n',
  ];
  for (const rest of contradictions) {
    await using connection = new RawConnection(gateway.server);
    connection.send(HEAD + rest);
    await connection.closed;
    assert.ok(connection.received.startsWith('HTTP/1.1 400'), connection.received);
  }
  assert.equal(gateway.distributor.requests.length, 0);
  assert.equal((await gateway.fetch('/-/healthy')).status, 200);
});
