import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readRecords, recordOf } from '@xscaler/writelog/contracts';
import { type KafkaWriteLogOptions, openKafkaWriteLog } from '@xscaler/writelog/kafka';
import { Kafka, logLevel } from 'kafkajs';
import { deleteTopic, KafkaCluster, skipWithoutKafka } from './index.ts';

const skip = skipWithoutKafka();
if (skip) {
  test('the write log and its topic', { skip }, () => {});
} else {
  let kafka: KafkaCluster;
  let topics = 0;
  before(async () => {
    kafka = await KafkaCluster.start();
  });
  after(() => kafka.dispose());

  const settings = (): KafkaWriteLogOptions => ({
    brokers: kafka.addresses,
    topic: `log-${++topics}`,
    partitionCount: 3,
    clientId: 'topic',
  });

  const createTopic = async (topic: string, numPartitions: number, config: Record<string, string>) => {
    const admin = new Kafka({ brokers: kafka.addresses, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    await admin.createTopics({ topics: [{ topic, numPartitions, configEntries }], waitForLeaders: true });
    await admin.disconnect();
  };

  test('many may open a topic that is missing at the same time', async () => {
    const options = settings();
    const logs = await Promise.all(Array.from({ length: 8 }, () => openKafkaWriteLog(options)));
    const offsets = await Promise.all(logs.map((log, i) => log.append(1, recordOf(i))));
    assert.deepEqual(offsets.sort(), [0, 1, 2, 3, 4, 5, 6, 7]);
    await Promise.all(logs.map((log) => log.close()));
  });

  test('a topic with fewer partitions is refused with both numbers', async () => {
    const options = settings();
    await (await openKafkaWriteLog(options)).close();
    const refused = openKafkaWriteLog({ ...options, partitionCount: 5 });
    await assert.rejects(refused, { message: `topic ${options.topic}: it has 3 partitions, not 5` });
  });

  test('a topic with more partitions has them all', async () => {
    const options = settings();
    await (await openKafkaWriteLog(options)).close();
    const log = await openKafkaWriteLog({ ...options, partitionCount: 2 });
    assert.equal(log.partitionCount, 3);
    assert.equal(await log.countPartitions(), 3);
    await log.close();
  });

  test('partitions are added while others read and write', async () => {
    const options = settings();
    const [operator, writer] = [await openKafkaWriteLog(options), await openKafkaWriteLog(options)];
    await writer.append(0, recordOf(0));
    await Promise.all([operator.grow(5), writer.grow(5)]);
    assert.equal(operator.partitionCount, 5);
    await operator.grow(4);
    assert.equal(await operator.countPartitions(), 5);
    await operator.grow(6);
    // Who was open before learns of them by use.
    assert.equal(await writer.append(5, recordOf(5)), 0);
    assert.equal(await writer.endOffset(5), 1);
    const [record] = await readRecords(writer, 5, 0, 1);
    assert.ok(Buffer.from(record).equals(recordOf(5)));
    assert.equal(await writer.append(0, recordOf(1)), 1);
    assert.equal(await writer.countPartitions(), 6);
    await Promise.all([operator.close(), writer.close()]);
  });

  test('a topic that could lose records is refused, everything that is wrong by name', async () => {
    const options = settings();
    await createTopic(options.topic, 3, {
      'cleanup.policy': 'compact',
      'retention.ms': '3600000',
      'retention.bytes': '1000000',
      'unclean.leader.election.enable': 'true',
      'max.message.bytes': '1000000',
      'compression.type': 'gzip',
      'message.timestamp.type': 'CreateTime',
    });
    await assert.rejects(openKafkaWriteLog({ ...options, replicationFactor: 3 }), {
      message:
        `topic ${options.topic}: its replication factor is 1, not 3; cleanup.policy is compact, not delete; ` +
        'compression.type is gzip, not producer; unclean.leader.election.enable is true, not false; ' +
        'max.message.bytes is 1000000, not 8454144; message.timestamp.type is CreateTime, not LogAppendTime; ' +
        'retention.ms is 3600000, not 172800000; retention.bytes is 1000000, not -1',
    });
  });

  test('a topic that keeps more than is asked for will do', async () => {
    const options = settings();
    await createTopic(options.topic, 3, {
      'retention.ms': '-1',
      'max.message.bytes': '20000000',
      'message.timestamp.type': 'LogAppendTime',
      'unclean.leader.election.enable': 'false',
    });
    await (await openKafkaWriteLog(options)).close();
  });

  test('too few brokers for the replication factor: not opened, with the reason', async () => {
    const refused = openKafkaWriteLog({ ...settings(), replicationFactor: 3, openTimeoutMs: 500 });
    await assert.rejects(refused, { code: 'unavailable', message: /replication factor of 3/ });
  });

  test('a reader that the log’s start has overtaken gets an error, not what comes later', async () => {
    const log = await openKafkaWriteLog(settings());
    for (let i = 0; i < 8; i++) await log.append(0, recordOf(i, 3_000_000));
    const offsets: number[] = [];
    const reading = async () => {
      for await (const { firstOffset, records } of log.read(0, 0, new AbortController().signal)) {
        records.forEach((_, i) => {
          offsets.push(firstOffset + i);
        });
        await log.truncate(0, 7);
      }
    };
    await assert.rejects(reading(), { code: 'offset_out_of_range' });
    assert.ok(offsets.length > 0 && offsets.length < 7);
    assert.deepEqual(
      offsets,
      offsets.map((_, i) => i),
    );
    await assert.rejects(readRecords(log, 0, 6, 1), { code: 'offset_out_of_range' });
    await assert.rejects(readRecords(log, 0, 9, 1), { code: 'offset_out_of_range' });
    assert.equal((await readRecords(log, 0, 7, 1)).length, 1);
    await log.close();
  });

  test('appends that arrive together share requests, and their offsets are right', async () => {
    const log = await openKafkaWriteLog(settings());
    await log.append(0, recordOf(0));
    const appends = Array.from({ length: 300 }, (_, i) => log.append(i % 3, recordOf(i, 1_000)));
    const offsets = await Promise.all(appends);
    assert.equal(log.stats.records, 301);
    assert.ok(log.stats.requests < 10, `${log.stats.requests} requests`);
    for (let partition = 0; partition < 3; partition++) {
      const records = await readRecords(log, partition, 0, await log.endOffset(partition));
      for (let i = partition; i < 300; i += 3)
        assert.ok(Buffer.from(records[offsets[i]]).equals(recordOf(i, 1_000)));
    }
    await log.close();
  });

  test('offsets asked for together are answered together, each after what was acknowledged before', async () => {
    const log = await openKafkaWriteLog(settings());
    for (let i = 1; i <= 20; i++) {
      await Promise.all([log.append(0, recordOf(i)), log.append(2, recordOf(i))]);
      const ends = [0, 1, 2, 0].map((partition) => log.endOffset(partition));
      assert.deepEqual(await Promise.all(ends), [i, 0, i, i]);
    }
    await log.close();
    await assert.rejects(log.endOffset(0), { code: 'closed' });
  });

  test('a log that was open before its topic was made again takes no record until its identity is asked for', async () => {
    const options = settings();
    const log = await openKafkaWriteLog(options);
    const identity = await log.identity();
    await log.append(0, recordOf(0));
    const reading = assert.rejects(
      readRecords(log, 0, 1, 1),
      ({ code }) => code === 'log_replaced' || code === 'offset_out_of_range',
    );
    await deleteTopic(kafka.addresses, options.topic);
    await assert.rejects(log.identity(), {
      code: 'log_missing',
      message: `topic ${options.topic} does not exist`,
    });
    const replaced = { code: 'log_replaced', message: /was deleted and created again: its id is / };
    const appending = assert.rejects(log.append(0, recordOf(1)), replaced);
    const other = await openKafkaWriteLog(options);
    await Promise.all([appending, reading]);
    await assert.rejects(log.append(0, recordOf(2)), replaced);
    assert.equal(await other.endOffset(0), 0);
    assert.notEqual(await log.identity(), identity);
    assert.equal(await log.append(0, recordOf(3)), 0);
    await Promise.all([log.close(), other.close()]);
  });

  test('a topic that is missing and may not be created is missed by name', async () => {
    const options = { ...settings(), mayCreate: false };
    await assert.rejects(openKafkaWriteLog(options), {
      code: 'log_missing',
      message: `topic ${options.topic} does not exist`,
    });
    await (await openKafkaWriteLog({ ...options, mayCreate: true })).close();
    await (await openKafkaWriteLog(options)).close();
  });
}
