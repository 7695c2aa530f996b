import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TestAuthority } from '@xscaler/testkit';
import { KafkaAccess, openKafkaWriteLog } from '@xscaler/writelog/kafka';
import kafkajs from 'kafkajs';
import { type KafkaCluster, skipWithoutKafka, startSecuredBroker } from './index.ts';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, ResourcePatternTypes, logLevel } =
  kafkajs;

const TOPIC = 'only-this';
/** What deploy/README.md tells an operator to give. */
const LEAST = ['DESCRIBE', 'DESCRIBE_CONFIGS', 'CREATE', 'ALTER', 'READ', 'WRITE', 'DELETE'] as const;

const skip = skipWithoutKafka();
if (skip) {
  test('the write log on a Kafka with ACLs', { skip }, () => {});
} else {
  let authority: TestAuthority;
  let kafka: KafkaCluster;
  before(async () => {
    authority = new TestAuthority();
    kafka = await startSecuredBroker({
      authority,
      mechanisms: ['PLAIN'],
      plainUsers: { xscaler: 'right-s3cret' },
      properties: {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        // Who comes by the broker's own listeners.
        'super.users': 'User:ANONYMOUS',
      },
    });
  });
  after(async () => {
    await kafka?.dispose();
    authority.dispose();
  });

  const open = (openTimeoutMs: number) =>
    openKafkaWriteLog({
      ...{ brokers: kafka.addresses, topic: TOPIC, partitionCount: 1, clientId: 'acl', openTimeoutMs },
      access: new KafkaAccess({
        tls: { caFile: authority.caFile },
        sasl: { mechanism: 'plain', username: 'xscaler', password: 'right-s3cret' },
      }),
    });

  test('a user without rights is told so; with those of the documentation everything works', async () => {
    const denied = { code: 'unavailable', message: /topic only-this: Not authorized to access topics/ };
    await assert.rejects(open(500), denied);
    await allow();
    const log = await open(20_000);
    assert.equal(await log.append(0, Uint8Array.of(1)), 0);
    assert.equal(await log.append(0, Uint8Array.of(2)), 1);
    for await (const { records } of log.read(0, 1, new AbortController().signal)) {
      assert.deepEqual([...records[0]], [2]);
      break;
    }
    await log.truncate(0, 1);
    assert.equal(await log.startOffset(0), 1);
    await log.grow(3);
    assert.equal(await log.append(2, Uint8Array.of(3)), 0);
    await log.close();
    await (await open(20_000)).close();
  });

  async function allow(): Promise<void> {
    const [{ ports }] = kafka.brokers;
    const operator = new Kafka({
      brokers: [`127.0.0.1:${ports.internal}`],
      logLevel: logLevel.NOTHING,
    }).admin();
    await operator.connect();
    await operator.createAcls({
      acl: LEAST.map((operation) => ({
        resourceType: AclResourceTypes.TOPIC,
        resourceName: TOPIC,
        resourcePatternType: ResourcePatternTypes.LITERAL,
        principal: 'User:xscaler',
        host: '*',
        operation: AclOperationTypes[operation],
        permissionType: AclPermissionTypes.ALLOW,
      })),
    });
    await operator.disconnect();
  }
}
