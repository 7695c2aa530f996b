import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { TestAuthority } from '@xscaler/testkit';
import { writeLogContract } from '@xscaler/writelog/contracts';
import {
  KafkaAccess,
  type KafkaAccessOptions,
  type KafkaSaslOptions,
  openKafkaWriteLog,
} from '@xscaler/writelog/kafka';
import { sleep } from '../harness/index.ts';
import { openContractLog } from './contract-log.ts';
import { type KafkaCluster, skipWithoutKafka, startSecuredBroker } from './index.ts';

const SCRAM_512: KafkaSaslOptions = {
  mechanism: 'scram-sha-512',
  username: 'xscaler',
  password: 'right-s3cret',
};
/** Sessions by PLAIN last this long. */
const SESSION_MS = 3_000;

const skip = skipWithoutKafka();
if (skip) {
  test('the write log on a Kafka that asks for TLS and SASL', { skip }, () => {});
} else {
  let authority: TestAuthority;
  let kafka: KafkaCluster;
  before(async () => {
    authority = new TestAuthority();
    kafka = await startSecuredBroker({
      authority,
      mechanisms: ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'PLAIN', 'OAUTHBEARER'],
      scramUsers: [
        { mechanism: 'SCRAM-SHA-512', name: 'xscaler', password: 'right-s3cret' },
        { mechanism: 'SCRAM-SHA-256', name: 'xscaler', password: 'right-s3cret' },
      ],
      plainUsers: { xscaler: 'plain-s3cret' },
      properties: { 'listener.name.client.plain.connections.max.reauth.ms': String(SESSION_MS) },
    });
  });
  after(async () => {
    await kafka?.dispose();
    authority.dispose();
  });

  const tls = () => ({ caFile: authority.caFile });
  const open = (access: KafkaAccessOptions, openTimeoutMs = 10_000, warn = (_: string) => {}) =>
    openKafkaWriteLog({
      ...{ brokers: kafka.addresses, topic: 'one-topic', partitionCount: 1, clientId: 'access' },
      ...{ access: new KafkaAccess(access), openTimeoutMs, warn },
    });
  /** What opening says in the end, without a secret in any of it. */
  const refusal = async (access: KafkaAccessOptions): Promise<string> => {
    const error = await open(access, 500).then(
      async (log) => {
        await log.close();
        throw new Error('it was opened');
      },
      (reason: Error & { code?: string }) => reason,
    );
    assert.equal(error.code, 'unavailable', String(error));
    assert.doesNotMatch(inspect(error, { depth: null, showHidden: true }), /s3cret/);
    return error.message;
  };
  const append = async (access: KafkaAccessOptions) => {
    const log = await open(access);
    const offset = await log.append(0, Uint8Array.of(1));
    assert.equal(await log.endOffset(0), offset + 1);
    await log.close();
  };

  writeLogContract('kafka, TLS, SCRAM-SHA-512', () =>
    openContractLog(kafka, { tls: tls(), sasl: SCRAM_512 }),
  );

  test('SCRAM-SHA-256, PLAIN and OAUTHBEARER open it too', async (t) => {
    await append({ tls: tls(), sasl: { ...SCRAM_512, mechanism: 'scram-sha-256' } });
    await append({ tls: tls(), sasl: { ...SCRAM_512, mechanism: 'plain', password: 'plain-s3cret' } });
    const tokenFile = secretFile(t, unsecuredToken(60_000));
    await append({ tls: tls(), sasl: { mechanism: 'oauthbearer', tokenFile } });
  });

  test('a wrong user, password or token is named with its setting, and never shown', async (t) => {
    const settings = /\(write_log\.sasl\.username, write_log\.sasl\.password\): .*invalid credentials/;
    const wrong = { ...SCRAM_512, password: 'wr0ng-s3cret' };
    assert.match(await refusal({ tls: tls(), sasl: wrong }), settings);
    assert.match(await refusal({ tls: tls(), sasl: { ...SCRAM_512, username: 'nobody' } }), settings);
    const plain = await refusal({ tls: tls(), sasl: { ...wrong, mechanism: 'plain' } });
    assert.match(plain, /refuses user "xscaler" by SASL plain .*: Authentication failed: Invalid username/);
    const tokenFile = secretFile(t, unsecuredToken(-60_000));
    const expired = await refusal({ tls: tls(), sasl: { mechanism: 'oauthbearer', tokenFile } });
    assert.match(expired, /refuses the token in write_log\.sasl\.token_file: \{"status":"invalid_token"/);
    const passwordFile = '/nowhere/password';
    const { mechanism, username } = SCRAM_512;
    const missing = await refusal({
      tls: tls(),
      sasl: { mechanism, username: username ?? '', passwordFile },
    });
    assert.match(missing, /write_log\.sasl\.password_file cannot be read: ENOENT/);
  });

  test('a client without TLS, without SASL or without either is told what is missing', async () => {
    const noTls =
      /ended the connection without an answer: it may ask for TLS \(write_log\.tls\.enabled is false\)$/;
    assert.match(await refusal({ sasl: SCRAM_512 }), noTls);
    const noSasl = /it may ask for SASL \(write_log\.sasl\.mechanism is not set\)$/;
    assert.match(await refusal({ tls: tls() }), noSasl);
    assert.match(await refusal({}), /write_log\.tls\.enabled is false.* or .*write_log\.sasl\.mechanism/);
  });

  test('a broker that somebody else signed for, or that has another name, gets no password', async () => {
    const other = new TestAuthority('somebody else');
    const stranger = await refusal({ tls: { caFile: other.caFile }, sasl: SCRAM_512 });
    assert.match(stranger, /its certificate is not signed by an authority in write_log\.tls\.ca_file/);
    other.dispose();
    const unknown = await refusal({ tls: {}, sasl: SCRAM_512 });
    assert.match(
      unknown,
      /not signed by an authority that Node trusts, and write_log\.tls\.ca_file is not set/,
    );
    const named = await refusal({ tls: { ...tls(), serverName: 'kafka.example' }, sasl: SCRAM_512 });
    assert.match(named, /for another host name \(.*kafka\.example.*\); set write_log\.tls\.server_name to/);
  });

  test('a password that becomes right while the log waits opens it: the file is read for each connection', async (t) => {
    const passwordFile = secretFile(t, 'wr0ng-s3cret');
    const { mechanism, username = '' } = SCRAM_512;
    const opening = open({ tls: tls(), sasl: { mechanism, username, passwordFile } }, 30_000);
    await sleep(1_000);
    writeFileSync(passwordFile, 'right-s3cret\n');
    await (await opening).close();
  });

  test('a session that ends is renewed on the same connection: nothing is sent twice, nothing fails', async () => {
    const warnings: string[] = [];
    const sasl: KafkaSaslOptions = { ...SCRAM_512, mechanism: 'plain', password: 'plain-s3cret' };
    const log = await open({ tls: tls(), sasl }, 10_000, (message) => warnings.push(message));
    const from = await log.endOffset(0);
    const reading = new AbortController();
    let read = 0;
    const reader = (async () => {
      for await (const { records } of log.read(0, from, reading.signal)) read += records.length;
    })();
    let appended = 0;
    for (const endMs = Date.now() + 3 * SESSION_MS; Date.now() < endMs; appended++) {
      await log.append(0, Uint8Array.of(appended));
      await sleep(100);
    }
    while (read < appended) await sleep(20);
    reading.abort();
    await reader;
    assert.equal(read, appended);
    assert.equal(log.stats.retried, 0);
    assert.deepEqual(warnings, []);
    await log.close();
  });
}

function secretFile(t: TestContext, secret: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'xscaler-secret-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'secret');
  writeFileSync(path, `${secret}\n`);
  chmodSync(path, 0o600);
  return path;
}

/** A token without a signature, as the broker's validator for tests takes it. */
function unsecuredToken(validForMs: number): string {
  const seconds = Date.now() / 1000;
  const part = (fields: object) => Buffer.from(JSON.stringify(fields)).toString('base64url');
  const claims = { sub: 'xscaler', iat: seconds - 3_600, exp: seconds + validForMs / 1000 };
  return `${part({ alg: 'none' })}.${part(claims)}.`;
}
