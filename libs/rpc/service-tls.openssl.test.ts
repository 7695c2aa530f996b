import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { type IssuedCertificate, TestAuthority } from '@xscaler/testkit';
import type { Upstream } from './http/http-exchange.ts';
import { ServiceTls, type ServiceTlsOptions } from './service-tls.ts';
import { connectGrpc, startGrpcIngester } from './test-peers/grpc-service.ts';
import { connectHttp, startHttpService } from './test-peers/http-service.ts';
import { never, READ, ScriptedIngester, until } from './test-peers/scripted-ingester.ts';
import { PUSH, ScriptedUpstream } from './test-peers/scripted-upstream.ts';

const ours = new TestAuthority();
const others = new TestAuthority();
after(() => {
  ours.dispose();
  others.dispose();
});
const { caFile } = ours;
const server = ours.issue({ commonName: 'a service', altNames: ['DNS:service.test', 'IP:127.0.0.1'] });
const client = ours.issue({ commonName: 'a service', altNames: ['DNS:gateway.test'] });
const stranger = others.issue({ commonName: 'a service', altNames: ['DNS:gateway.test'] });

function tlsOf(t: TestContext, options: ServiceTlsOptions): ServiceTls {
  const tls = new ServiceTls(options);
  t.after(() => tls.close());
  return tls;
}

/** Both kinds of services with the same certificate, and what each was asked. */
async function startBoth(t: TestContext, tls: ServiceTls | undefined) {
  const upstream = new ScriptedUpstream();
  const ingester = new ScriptedIngester();
  const options = tls === undefined ? {} : { tls };
  const http = await startHttpService(t, upstream, options);
  const grpc = await startGrpcIngester(t, ingester, options);
  const call = (used: ServiceTls | undefined) => {
    const clientOptions = used === undefined ? {} : { tls: used };
    const overHttp: Upstream = connectHttp(t, [http.address], { ...clientOptions, retryWrites: true });
    const overGrpc = connectGrpc(t, grpc.address, clientOptions);
    return {
      http: () => overHttp.handle(PUSH, never),
      grpc: () => overGrpc.labelNames(READ, never),
    };
  };
  return { call, asked: () => upstream.requests.length + ingester.reads.length };
}

type Calls = ReturnType<Awaited<ReturnType<typeof startBoth>>['call']>;

async function assertAnswered({ http, grpc }: Calls): Promise<void> {
  assert.equal((await http()).status, 204);
  assert.deepEqual(await grpc(), []);
}

async function assertUnavailable({ http, grpc }: Calls): Promise<void> {
  await assert.rejects(http(), { name: 'RpcError', code: 'unavailable' });
  await assert.rejects(grpc(), { name: 'RpcError', code: 'unavailable' });
}

test('a client without a certificate, or with one of another authority, is refused if one is required', async (t) => {
  const required = tlsOf(t, { caFile, ...server, requireClientCert: true });
  const { call, asked } = await startBoth(t, required);
  await assertUnavailable(call(tlsOf(t, { caFile })));
  await assertUnavailable(call(tlsOf(t, { caFile, ...stranger })));
  assert.equal(asked(), 0);
  await assertAnswered(call(tlsOf(t, { caFile, ...client })));
  assert.equal(asked(), 2);
});

test('a server whose certificate is of another authority, or for another name, is not asked', async (t) => {
  const { call, asked } = await startBoth(t, tlsOf(t, { caFile, ...server }));
  const wrong = call(tlsOf(t, { caFile, serverName: 'other.test' }));
  await assert.rejects(wrong.http(), { code: 'unavailable', message: /other\.test.*service\.test/ });
  await assertUnavailable(wrong);
  await assertUnavailable(call(tlsOf(t, { caFile: others.caFile })));
  assert.equal(asked(), 0);
  await assertAnswered(call(tlsOf(t, { caFile, serverName: 'service.test' })));
  await assertAnswered(call(tlsOf(t, { caFile })));
  const elsewhere = await startBoth(t, tlsOf(t, { caFile, ...client }));
  await assertUnavailable(elsewhere.call(tlsOf(t, { caFile })));
  assert.equal(elsewhere.asked(), 0);
});

test('plain text and TLS do not understand each other, and say so at once', async (t) => {
  const secure = await startBoth(t, tlsOf(t, { caFile, ...server }));
  await assertUnavailable(secure.call(undefined));
  const plain = await startBoth(t, undefined);
  const calls = plain.call(tlsOf(t, { caFile }));
  await assert.rejects(calls.http(), { code: 'unavailable', message: /wrong version number|packet length/i });
  await assertUnavailable(calls);
  assert.equal(secure.asked() + plain.asked(), 0);
});

/** Files in one place, as a service has them, that can be renewed. */
class RenewedFiles {
  readonly folder = mkdtempSync(join(tmpdir(), 'xscaler-tls-'));
  readonly caFile = join(this.folder, 'ca.pem');
  readonly certFile = join(this.folder, 'cert.pem');
  readonly keyFile = join(this.folder, 'key.pem');

  constructor(authority: TestAuthority, certificate: IssuedCertificate) {
    this.renew(authority, certificate);
  }

  get options(): ServiceTlsOptions {
    const { caFile, certFile, keyFile } = this;
    return { caFile, certFile, keyFile, requireClientCert: true, checkIntervalMs: 5 };
  }

  renew(authority: TestAuthority, certificate: IssuedCertificate): void {
    copyFileSync(authority.caFile, this.caFile);
    copyFileSync(certificate.certFile, this.certFile);
    copyFileSync(certificate.keyFile, this.keyFile);
  }
}

test('files that are renewed are used for new connections, by servers and clients; damaged ones are not', async (t) => {
  const files = new RenewedFiles(ours, server);
  t.after(() => rmSync(files.folder, { recursive: true }));
  const errors: Error[] = [];
  const tls = tlsOf(t, { ...files.options, onError: (error) => errors.push(error) });
  const { call } = await startBoth(t, tls);
  const early = call(tls);
  await assertAnswered(early);
  const before = tls.material;
  // Half of a renewal: a key that isn't the certificate's.
  copyFileSync(client.keyFile, files.keyFile);
  await until(() => errors.length > 0);
  assert.equal(tls.material, before);
  await assertAnswered(call(tls));
  // Another authority: clients of the old one alone are refused from now on.
  files.renew(others, others.issue({ commonName: 'a service', altNames: ['IP:127.0.0.1'] }));
  await until(() => tls.material !== before);
  await until(() => !tls.material.ca.equals(before.ca) && !tls.material.cert?.equals(before.cert as Buffer));
  await assertAnswered(call(tls));
  await assertUnavailable(call(tlsOf(t, { caFile, ...client })));
  // What was connected before stays.
  await assertAnswered(early);
});

test('files that cannot be read, are not PEM or do not belong together are refused at the start', (t) => {
  assert.throws(() => tlsOf(t, { caFile: '/nowhere/ca.pem' }), /ENOENT/);
  const folder = mkdtempSync(join(tmpdir(), 'xscaler-tls-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const noPem = join(folder, 'ca.pem');
  writeFileSync(noPem, 'not a certificate');
  assert.throws(() => tlsOf(t, { caFile, certFile: noPem, keyFile: server.keyFile }));
  assert.throws(() => tlsOf(t, { caFile, certFile: server.certFile, keyFile: client.keyFile }), /mismatch/);
  assert.throws(() => tlsOf(t, { caFile }).serverOptions(), /needs a certificate/);
});
