import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createLogger } from '@xscaler/runtime';
import { ConfigError, loadConfig } from '@xscaler/runtime/config';
import { TestAuthority } from '@xscaler/testkit';
import { configSchema } from '../configuration/config.ts';
import { checkServiceNetwork, serviceTls } from './service-network.ts';

const authority = new TestAuthority();
after(() => authority.dispose());
const own = authority.issue({ commonName: 'a service', altNames: ['DNS:service.test'] });

const check = (target: string, env: Record<string, string>) =>
  checkServiceNetwork(target, loadConfig(configSchema, { argv: [], env }));

/** The settings that are at fault. */
function faultsOf(target: string, env: Record<string, string>): string[] {
  try {
    check(target, env);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.faults.map(({ where }) => where);
  }
}

test('a service that others reach does not start without a secret, and says which setting is missing', () => {
  for (const target of ['distributor', 'querier', 'ingester']) {
    for (const listen of [
      '0.0.0.0:9009',
      ':9009',
      '[::]:9009',
      '10.1.2.3:9009',
      'distributor.internal:9009',
    ]) {
      const listening = { XSCALER_LISTEN: listen };
      assert.throws(
        () => check(target, listening),
        (error: Error) => {
          assert.match(error.message, /^cluster\.secret: is needed/);
          assert.match(error.message, /cluster\.secret_file/);
          return error instanceof ConfigError;
        },
      );
      assert.deepEqual(faultsOf(target, { ...listening, XSCALER_CLUSTER_SECRET: 'known' }), []);
    }
    for (const listen of ['127.0.0.1:9009', '127.1.2.3:9009', '[::1]:9009', 'localhost:9009'])
      assert.deepEqual(faultsOf(target, { XSCALER_LISTEN: listen }), [], listen);
  }
  assert.deepEqual(faultsOf('compactor', { XSCALER_LISTEN: '0.0.0.0:9009' }), [], 'nobody calls it');
});

test('a gateway needs the secret for services on other machines, wherever it listens itself', () => {
  const everywhere = { XSCALER_LISTEN: '0.0.0.0:9009' };
  assert.deepEqual(faultsOf('gateway', everywhere), []);
  const near = { ...everywhere, XSCALER_GATEWAY_DISTRIBUTORS: '127.0.0.1:1,localhost:2,[::1]:3' };
  assert.deepEqual(faultsOf('gateway', near), []);
  const far = { ...near, XSCALER_GATEWAY_QUERIERS: '127.0.0.1:1,querier-2:9009' };
  assert.deepEqual(faultsOf('gateway', far), ['cluster.secret']);
  assert.deepEqual(faultsOf('gateway', { ...far, XSCALER_CLUSTER_SECRET: 'known' }), []);
});

test('settings of TLS that do not belong together are refused by name', () => {
  const CA = { XSCALER_CLUSTER_TLS_CA_FILE: authority.caFile };
  const CERT = { XSCALER_CLUSTER_TLS_CERT_FILE: own.certFile };
  const KEY = { XSCALER_CLUSTER_TLS_KEY_FILE: own.keyFile };
  const REQUIRED = { XSCALER_CLUSTER_TLS_REQUIRE_CLIENT_CERT: 'true' };
  const cases: [string, Record<string, string>, string[]][] = [
    ['gateway', CA, []],
    ['gateway', { ...CA, ...REQUIRED }, ['cluster.tls.cert_file']],
    ['gateway', { XSCALER_CLUSTER_TLS_SERVER_NAME: 'a' }, ['cluster.tls.ca_file']],
    ['querier', CA, ['cluster.tls.cert_file']],
    ['querier', { ...CA, ...CERT }, ['cluster.tls.key_file']],
    ['querier', { ...CA, ...KEY }, ['cluster.tls.cert_file']],
    ['querier', { ...CERT, ...KEY }, ['cluster.tls.ca_file']],
    ['querier', { ...CA, ...CERT, ...KEY, ...REQUIRED }, []],
    ['querier', { ...CA, ...CERT, ...KEY, XSCALER_CLUSTER_TLS_CA_FILE: '/nowhere' }, ['cluster.tls']],
    ['querier', { ...CA, ...CERT, XSCALER_CLUSTER_TLS_KEY_FILE: own.certFile }, ['cluster.tls']],
  ];
  for (const [target, env, faults] of cases) assert.deepEqual(faultsOf(target, env), faults);
});

test('without an authority services talk in plain text; with one they use what the settings name', () => {
  const logger = createLogger({ service: 'test', level: 'silent' });
  assert.equal(serviceTls(loadConfig(configSchema, { argv: [], env: {} }), logger), undefined);
  const env = {
    XSCALER_CLUSTER_TLS_CA_FILE: authority.caFile,
    XSCALER_CLUSTER_TLS_CERT_FILE: own.certFile,
    XSCALER_CLUSTER_TLS_KEY_FILE: own.keyFile,
    XSCALER_CLUSTER_TLS_REQUIRE_CLIENT_CERT: 'true',
    XSCALER_CLUSTER_TLS_SERVER_NAME: 'service.test',
  };
  const tls = serviceTls(loadConfig(configSchema, { argv: [], env }), logger);
  assert.deepEqual([tls?.requireClientCert, tls?.serverName], [true, 'service.test']);
  assert.ok(tls?.material.cert?.toString().includes('BEGIN CERTIFICATE'));
  tls?.close();
});
