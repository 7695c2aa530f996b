import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import type { Cluster } from '@xscaler/cluster';
import { clusterContract } from '@xscaler/cluster/contracts';
import { openRedisCluster, type RedisClusterOptions } from '@xscaler/cluster/redis';
import { type IssuedCertificate, TestAuthority } from '@xscaler/testkit';
import { eventually } from '../harness/index.ts';
import { RedisServer, skipWithoutRedis } from './redis-server.ts';

/** Long enough for a slow machine to read what it has just written. */
const TTL_MS = 1_000;
const TIMEOUT_MS = 2_000;
/** What deploy/README.md tells an operator to give: nothing that the program doesn't use. */
const LEAST_RULES =
  '~xscaler:1:* resetchannels -@all +info +eval +evalsha +time +get +set +pexpire ' +
  '+hset +hdel +hmget +hgetall +zadd +zrem +zcard +zscore +zrangebyscore';

describe('a Redis that asks for TLS, a client certificate and an ACL user', {
  skip: skipWithoutRedis(),
}, () => {
  let authority: TestAuthority;
  let other: TestAuthority;
  let client: IssuedCertificate;
  let stranger: IssuedCertificate;
  let server: RedisServer;
  const opened: Cluster[] = [];
  before(async () => {
    authority = new TestAuthority();
    other = new TestAuthority('somebody else');
    client = authority.issue({ commonName: 'xscaler' });
    stranger = other.issue({ commonName: 'xscaler' });
    server = await RedisServer.startSecured(authority, { xscaler: `on >right-s3cret ${LEAST_RULES}` });
  });
  after(async () => {
    for (const cluster of opened) await cluster.close();
    await server?.dispose();
    authority.dispose();
    other.dispose();
  });

  const url = (password = 'right-s3cret', host = '127.0.0.1') =>
    `rediss://xscaler:${password}@${host}:${server.port}`;
  const tlsFiles = ({ certFile, keyFile }: Partial<IssuedCertificate> = client) => ({
    ...{ caFile: authority.caFile, certFile, keyFile },
  });
  const open = (options: RedisClusterOptions = {}) => {
    const settings = { url: url(), tlsFiles: tlsFiles(), ttlMs: TTL_MS, timeoutMs: TIMEOUT_MS };
    const cluster = openRedisCluster({ ...settings, ...options });
    opened.push(cluster);
    return cluster;
  };
  /** The first reason that the log hears, without a secret in it or in the error of a call. */
  const refusal = async (options: RedisClusterOptions): Promise<string> => {
    const reasons: string[] = [];
    const cluster = open({ ...options, onAway: (reason) => reasons.push(String(reason)) });
    await assert.rejects(cluster.leases.get(['k']), (error) => {
      assert.equal((error as { code?: string }).code, 'unavailable');
      assert.doesNotMatch(inspect(error, { depth: null, showHidden: true }), /s3cret/);
      return true;
    });
    assert.doesNotMatch(reasons.join(), /s3cret/);
    await cluster.close();
    return reasons[0];
  };

  clusterContract('redis, TLS, ACL user', async () => {
    await server.flush();
    const connect = async () => open();
    return { ttlMs: TTL_MS, cluster: await connect(), connect, async dispose() {} };
  });

  test('the user may do nothing but what the program does', async () => {
    const cluster = open();
    await cluster.leases.compareAndSet(['k'], undefined, 'x', 1_000);
    await cluster.close();
    await server.withClient(async (redis) => {
      const denied = async (...command: [string, ...string[]]) =>
        assert.match(String(await redis.call('ACL', 'DRYRUN', 'xscaler', ...command)), /no permissions/);
      await denied('FLUSHALL');
      await denied('KEYS', '*');
      await denied('GET', 'somebody:else');
      await denied('CONFIG', 'GET', '*');
    });
  });

  test('a wrong password or user is named with its setting, and never shown', async () => {
    const settings = /refuses user "xscaler" \(cluster\.redis_url, cluster\.redis_password_file\): WRONGPASS/;
    assert.match(await refusal({ url: url('wr0ng-s3cret') }), settings);
    assert.match(await refusal({ username: 'nobody' }), /refuses user "nobody" .*WRONGPASS/);
  });

  test('a password that becomes right is taken by the next connection', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'xscaler-secret-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, 'wr0ng-s3cret');
    const cluster = open({ passwordFile });
    await assert.rejects(cluster.leases.get(['k']), { code: 'unavailable' });
    writeFileSync(passwordFile, 'right-s3cret\n');
    await eventually('the new password', 10_000, async () => (cluster.isAway ? undefined : true));
    assert.equal((await cluster.leases.compareAndSet(['renewed'], undefined, 'x', 1_000)).isSet, true);
    await cluster.close();
  });

  test('a stranger’s certificate, a missing one and another authority are told apart', async () => {
    assert.match(
      await refusal({ tlsFiles: tlsFiles(stranger) }),
      /rejects the client certificate of cluster\.redis_tls\.cert_file/,
    );
    assert.match(
      await refusal({ tlsFiles: tlsFiles({}) }),
      /requires a client certificate: cluster\.redis_tls\.cert_file and/,
    );
    const { caFile: _, ...unknown } = tlsFiles();
    assert.match(await refusal({ tlsFiles: unknown }), /cluster\.redis_tls\.ca_file is not set/);
    const wrongCa = { ...tlsFiles(), caFile: other.caFile };
    assert.match(
      await refusal({ tlsFiles: wrongCa }),
      /not signed by an authority in cluster\.redis_tls\.ca_file/,
    );
  });

  test('the name in the certificate counts', async () => {
    const another = /for another host name .*; set cluster\.redis_tls\.server_name to the expected name/;
    assert.match(await refusal({ url: url('right-s3cret', 'localhost') }), another);
    assert.match(await refusal({ tlsFiles: { ...tlsFiles(), serverName: 'redis.example' } }), another);
  });

  test('a client without TLS is told that TLS may be missing', async () => {
    const plain = `redis://xscaler:right-s3cret@127.0.0.1:${server.port}`;
    assert.match(
      await refusal({ url: plain }),
      /may ask for TLS: cluster\.redis_url does not begin with rediss:/,
    );
  });
});
