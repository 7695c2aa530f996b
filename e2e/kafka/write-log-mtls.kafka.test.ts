import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { type IssuedCertificate, TestAuthority } from '@xscaler/testkit';
import { writeLogContract } from '@xscaler/writelog/contracts';
import { KafkaAccess, type KafkaAccessOptions, openKafkaWriteLog } from '@xscaler/writelog/kafka';
import { sleep } from '../harness/index.ts';
import { openContractLog } from './contract-log.ts';
import { type KafkaCluster, skipWithoutKafka, startSecuredBroker } from './index.ts';

/** The name in the broker's certificate, which is not the address that clients connect to. */
const SERVER_NAME = 'kafka.example';

const skip = skipWithoutKafka();
if (skip) {
  test('the write log on a Kafka that asks for client certificates', { skip }, () => {});
} else {
  let authority: TestAuthority;
  let other: TestAuthority;
  let kafka: KafkaCluster;
  let client: IssuedCertificate;
  let stranger: IssuedCertificate;
  before(async () => {
    authority = new TestAuthority();
    other = new TestAuthority('somebody else');
    client = authority.issue({ commonName: 'xscaler' });
    stranger = other.issue({ commonName: 'xscaler' });
    kafka = await startSecuredBroker({ authority, mechanisms: [], altNames: [`DNS:${SERVER_NAME}`] });
  });
  after(async () => {
    await kafka?.dispose();
    authority.dispose();
    other.dispose();
  });

  const tls = ({ certFile, keyFile }: Partial<IssuedCertificate> = client) => ({
    ...{ caFile: authority.caFile, serverName: SERVER_NAME, certFile, keyFile },
  });
  const open = (access: KafkaAccessOptions, openTimeoutMs: number) =>
    openKafkaWriteLog({
      ...{ brokers: kafka.addresses, topic: 'one-topic', partitionCount: 1, clientId: 'access' },
      ...{ access: new KafkaAccess(access), openTimeoutMs },
    });
  const refused = (access: KafkaAccessOptions, message: RegExp) =>
    assert.rejects(open(access, 500), { code: 'unavailable', message });

  writeLogContract('kafka, TLS with a client certificate', () => openContractLog(kafka, { tls: tls() }));

  test('a client without a certificate, or with one of another authority, is told so', async () => {
    const none =
      /it requires a client certificate: write_log\.tls\.cert_file and write_log\.tls\.key_file are not set/;
    await refused({ tls: tls({}) }, none);
    await refused({ tls: tls(stranger) }, /it rejects the client certificate of write_log\.tls\.cert_file/);
  });

  test('the name in the certificate counts, not the address', async () => {
    const { serverName: _, ...byAddress } = tls();
    await refused({ tls: byAddress }, /for another host name \(IP: 127\.0\.0\.1 is not in the cert's list/);
  });

  test('files that cannot be used are refused at once, by their setting', async () => {
    const { caFile, certFile, keyFile } = tls();
    const cases: [KafkaAccessOptions['tls'], RegExp][] = [
      [{ caFile: '/nowhere/ca.pem' }, /^write_log\.tls\.ca_file: \/nowhere\/ca\.pem cannot be read: ENOENT$/],
      [{ caFile: keyFile }, /^write_log\.tls\.ca_file: .* holds no certificate in PEM$/],
      [{ caFile, certFile }, /^write_log\.tls\.cert_file and write_log\.tls\.key_file must be set together$/],
      [{ caFile, certFile, keyFile: certFile }, /^write_log\.tls\.key_file: .* holds no private key in PEM$/],
      [
        { caFile, certFile, keyFile: stranger.keyFile },
        /^write_log\.tls\.cert_file with write_log\.tls\.key_file: .*key values mismatch/,
      ],
    ];
    for (const [files, message] of cases)
      assert.throws(() => new KafkaAccess({ tls: files ?? {} }), { name: 'TlsFileError', message });
  });

  test('a certificate that is replaced while the log waits opens it', async () => {
    const renewed = other.issue({ commonName: 'xscaler' });
    const opening = open({ tls: tls(renewed) }, 30_000);
    await sleep(1_000);
    copyFileSync(client.keyFile, renewed.keyFile);
    copyFileSync(client.certFile, renewed.certFile);
    await (await opening).close();
  });
}
