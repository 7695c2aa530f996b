import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openKafkaWriteLog } from '@xscaler/writelog/kafka';
import { KafkaCluster, skipWithoutKafka } from './index.ts';

test('a broker tells its time, and writes nothing for it', { skip: skipWithoutKafka() }, async () => {
  const kafka = await KafkaCluster.start();
  try {
    const options = { brokers: kafka.addresses, topic: 'log', partitionCount: 2, clientId: 'clock' };
    const log = await openKafkaWriteLog(options);
    const beforeMs = Date.now();
    const timeMs = await log.brokerTimeMs();
    assert.ok(timeMs >= beforeMs - 1 && timeMs <= Date.now() + 1, `${timeMs - beforeMs} ms off`);
    assert.deepEqual([await log.endOffset(0), await log.endOffset(1)], [0, 0]);
    await kafka.kill();
    await assert.rejects(log.brokerTimeMs());
    await log.close();
    await assert.rejects(log.brokerTimeMs());
  } finally {
    await kafka.dispose();
  }
});
