import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TestAuthority } from '@xscaler/testkit';
import { eventually } from '../harness/index.ts';
import { type KafkaCluster, startSecuredBroker } from '../kafka/index.ts';
import { PostgresServer } from '../postgres/postgres-server.ts';
import { RedisServer } from '../redis/redis-server.ts';
import { ServiceProcess, skipWithoutCluster } from './harness/index.ts';

const WITHIN_MS = 60_000;

describe('services on parts that ask for TLS and credentials', { skip: skipWithoutCluster() }, () => {
  let authority: TestAuthority;
  let kafka: KafkaCluster;
  let postgres: PostgresServer;
  let redis: RedisServer;
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'xscaler-secrets-'));
    authority = new TestAuthority();
    const user = { mechanism: 'SCRAM-SHA-512', name: 'xscaler', password: 'right-s3cret' } as const;
    [kafka, postgres, redis] = await Promise.all([
      startSecuredBroker({ authority, mechanisms: ['SCRAM-SHA-512'], scramUsers: [user] }),
      PostgresServer.startSecured(authority),
      RedisServer.startSecured(authority, { xscaler: 'on >right-s3cret ~xscaler:1:* +@all' }),
    ]);
  });
  after(async () => {
    await Promise.all([kafka?.dispose(), postgres?.dispose(), redis?.dispose()]);
    authority.dispose();
    rmSync(folder, { recursive: true });
  });

  test('an ingester with wrong passwords waits, says which setting is wrong, and goes on once each is right', async (t) => {
    const secret = (name: string) => {
      const path = join(folder, name);
      writeFileSync(path, 'wr0ng-s3cret');
      return path;
    };
    const [ofDatabase, ofKafka, ofRedis] = ['database', 'kafka', 'redis'].map(secret);
    const url = new URL(postgres.url(await postgres.createDatabase()));
    url.password = '';
    const { certFile, keyFile } = authority.issue({ commonName: 'xscaler' });
    const ingester = await ServiceProcess.create({
      name: 'ingester',
      role: 'ingester',
      env: {
        XSCALER_CLUSTER_SECRET: 'known to the services of the test',
        XSCALER_DATABASE_URL: url.href,
        XSCALER_DATABASE_PASSWORD_FILE: ofDatabase,
        XSCALER_WRITE_LOG_BROKERS: kafka.addresses.join(','),
        XSCALER_WRITE_LOG_TLS_ENABLED: 'true',
        XSCALER_WRITE_LOG_TLS_CA_FILE: authority.caFile,
        XSCALER_WRITE_LOG_SASL_MECHANISM: 'scram-sha-512',
        XSCALER_WRITE_LOG_SASL_USERNAME: 'xscaler',
        XSCALER_WRITE_LOG_SASL_PASSWORD_FILE: ofKafka,
        XSCALER_CLUSTER_REDIS_URL: `rediss://xscaler@127.0.0.1:${redis.port}`,
        XSCALER_CLUSTER_REDIS_PASSWORD_FILE: ofRedis,
        XSCALER_CLUSTER_REDIS_TLS_CA_FILE: authority.caFile,
        XSCALER_CLUSTER_REDIS_TLS_CERT_FILE: certFile,
        XSCALER_CLUSTER_REDIS_TLS_KEY_FILE: keyFile,
      },
    });
    t.after(() => ingester.kill());
    ingester.spawn();
    const says = (what: RegExp) =>
      eventually(String(what), WITHIN_MS, async () => {
        const text = (await ingester.notReady()) ?? 'ready';
        return what.test(text) ? text : undefined;
      }).catch(async (error: Error) => {
        throw new Error(`${error.message}; it says: ${await ingester.notReady()}\n${ingester.logs}`);
      });

    await says(/database\.password_file\): password authentication failed/);
    writeFileSync(ofDatabase, postgres.password);
    await says(
      /refuses user "xscaler" by SASL scram-sha-512 \(write_log\.sasl\.username, write_log\.sasl\.password\)/,
    );
    writeFileSync(ofKafka, 'right-s3cret');
    await says(/queriers do not know this ingester: .*cluster\.redis_password_file\): WRONGPASS/);
    writeFileSync(ofRedis, 'right-s3cret');
    await ingester.untilReady(WITHIN_MS);

    for (const setting of [
      'database.password_file',
      'write_log.sasl.password',
      'cluster.redis_password_file',
    ])
      assert.ok(ingester.logs.includes(setting), `${setting} is not in the log`);
    assert.doesNotMatch(ingester.logs, /s3cret/);
    assert.ok(!ingester.logs.includes(postgres.password));
    await ingester.stop();
  });
});
