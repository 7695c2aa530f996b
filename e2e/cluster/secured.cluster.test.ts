import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { type IssuedCertificate, TestAuthority } from '@xscaler/testkit';
import { Agent, request } from 'undici';
import { type Answer, type Client, eventually, series } from '../harness/index.ts';
import { CLUSTER_SECRET, skipWithoutCluster, TestCluster } from './harness/index.ts';

/** What a client has no business with: addresses, ports, the text of others' errors, stacks, SQL. */
const TELLS =
  /ECONN|ETIMEDOUT|127\.0\.0\.1|:\d{4,5}\b|Cannot read|undefined|\bat .*\.[jt]s|SELECT|FROM |PostgreSQL/;

let authority: TestAuthority;
let own: IssuedCertificate;
let cluster: TestCluster;
let client: Client;

const push = () => client.push([series({ __name__: 'secured' }, [[Date.now(), 1]])]);

function assertRefusedInOurWords(answer: Answer): void {
  assert.equal(answer.status, 503, answer.text);
  assert.doesNotMatch(answer.text, TELLS);
  assert.match(String(answer.headers['x-request-id']), /^[0-9a-f-]{36}$/);
  assert.ok(Number(answer.headers['retry-after']) >= 1);
}

describe('a cluster over mutual TLS', { concurrency: false, skip: skipWithoutCluster() }, () => {
  before(async () => {
    authority = new TestAuthority();
    own = authority.issue({ commonName: 'a service', altNames: ['DNS:services.test'] });
    const env = {
      XSCALER_CLUSTER_TLS_CA_FILE: authority.caFile,
      XSCALER_CLUSTER_TLS_CERT_FILE: own.certFile,
      XSCALER_CLUSTER_TLS_KEY_FILE: own.keyFile,
      XSCALER_CLUSTER_TLS_REQUIRE_CLIENT_CERT: 'true',
      XSCALER_CLUSTER_TLS_SERVER_NAME: 'services.test',
    };
    cluster = await TestCluster.start({ env });
    client = await cluster.createTenant('acme');
  });

  after(async () => {
    await cluster?.dispose();
    authority?.dispose();
  });

  test('what is written is read, by services that show each other their certificates', async () => {
    assert.equal((await push()).status, 204);
    const { status, text } = await client.get('/api/v1/query', { query: 'secured' });
    assert.equal(status, 200, text);
    assert.equal(JSON.parse(text).data.result.length, 1);
  });

  test('a caller without a certificate is refused, even with the secret', async () => {
    const headers = { 'x-xscaler-tenant': 'acme', 'x-xscaler-secret': CLUSTER_SECRET };
    const ca = readFileSync(authority.caFile);
    const connect = { ca, servername: 'services.test' };
    const cert = readFileSync(own.certFile);
    const nobody = new Agent({ connect });
    const somebody = new Agent({ connect: { ...connect, cert, key: readFileSync(own.keyFile) } });
    for (const { address } of cluster.ofRole('querier')) {
      const path = `${address}/api/v1/status/buildinfo`;
      await assert.rejects(request(`http://${path}`, { headers }));
      const dispatched = request(`https://${path}`, { headers, dispatcher: nobody });
      await assert.rejects(dispatched, /certificate required|other side closed|ECONNRESET/);
      const { statusCode } = await request(`https://${path}`, { headers, dispatcher: somebody });
      assert.equal(statusCode, 200);
    }
    await Promise.all([nobody.destroy(), somebody.destroy()]);
    for (const service of cluster.services) {
      assert.equal((await fetch(`${service.opsUrl}/-/ready`)).status, 200, 'probes need none');
      assert.ok(!service.logs.includes(CLUSTER_SECRET), service.name);
    }
  });

  test('with PostgreSQL stopped no answer tells more than that something is not available', async () => {
    await cluster.postgres.stop();
    const paths = [
      ['/api/v1/query', { query: 'secured' }],
      [
        '/api/v1/query_range',
        { query: 'secured', start: Date.now() / 1000 - 60, end: Date.now() / 1000, step: 15 },
      ],
      ['/api/v1/labels', {}],
      ['/api/v1/series', { 'match[]': 'secured' }],
      ['/api/v1/metadata', {}],
    ] as const;
    for (const [path, params] of paths) assertRefusedInOurWords(await client.get(path, params));
    await cluster.postgres.start();
    await eventually('an answer', 30_000, async () => {
      const { status } = await client.get('/api/v1/query', { query: 'secured' });
      return status === 200 ? true : undefined;
    });
    const log = cluster.ofRole('querier').map(({ logs }) => logs);
    assert.match(log.join(''), /"requestId":"[0-9a-f-]{36}".*ECONN/, 'the log tells the operator');
  });

  test('with all queriers gone it is the gateway that says so, in its own words', async () => {
    await Promise.all(cluster.ofRole('querier').map((querier) => querier.kill()));
    assertRefusedInOurWords(await client.get('/api/v1/query', { query: 'secured' }));
  });
});
