import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { after, type TestContext, test } from 'node:test';
import { TestAuthority } from '@xscaler/testkit';
import { listenHttp, type ServerTls } from './http-server.ts';

const ours = new TestAuthority();
const later = new TestAuthority();
after(() => {
  ours.dispose();
  later.dispose();
});

/** The answer's body, on a connection of its own. */
function get(port: number, authority: TestAuthority): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, ca: readFileSync(authority.caFile), agent: false };
    request(options, (response) => {
      response.setEncoding('utf8').on('data', resolve);
    })
      .once('error', reject)
      .end();
  });
}

test('a server with TLS shows new connections the certificate that it has by then, and tells of failed handshakes', async (t: TestContext) => {
  let current = ours;
  const listeners = new Set<() => void>();
  const tls: ServerTls = {
    serverOptions: () => {
      const { certFile, keyFile } = current.issue({ commonName: 'a service', altNames: ['IP:127.0.0.1'] });
      return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const errors: Error[] = [];
  const server = await listenHttp((_request, response) => response.end('here'), {
    host: '127.0.0.1',
    port: 0,
    tls,
    onError: (error) => errors.push(error),
  });
  t.after(() => server.close(0));
  assert.match(server.url, /^https:/);
  assert.equal(await get(server.port, ours), 'here');
  await assert.rejects(get(server.port, later), /certificate/);
  await assert.rejects(fetch(`http://127.0.0.1:${server.port}/`));
  assert.ok(
    errors.some(({ message }) => /http request/i.test(message)),
    String(errors),
  );
  current = later;
  for (const listener of listeners) listener();
  // Each of the sockets that share the port has it.
  for (let i = 0; i < 20; i++) assert.equal(await get(server.port, later), 'here');
  await assert.rejects(get(server.port, ours), /certificate/);
  await server.close(0);
  assert.equal(listeners.size, 0);
});
