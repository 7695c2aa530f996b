import { after, before, test } from 'node:test';
import { CONTRACT_PARTITIONS, writeLogContract } from '@xscaler/writelog/contracts';
import { openKafkaWriteLog } from '@xscaler/writelog/kafka';
import { deleteTopic, KafkaCluster, skipWithoutKafka } from './index.ts';

const skip = skipWithoutKafka();
if (skip) {
  test('the write log on Kafka', { skip }, () => {});
} else {
  let kafka: KafkaCluster;
  let topics = 0;
  before(async () => {
    kafka = await KafkaCluster.start();
  });
  after(() => kafka.dispose());

  writeLogContract('kafka', async () => {
    const topic = `log-${++topics}`;
    const open = () =>
      openKafkaWriteLog({
        brokers: kafka.addresses,
        topic,
        partitionCount: CONTRACT_PARTITIONS,
        clientId: 'contract',
      });
    let log = await open();
    return {
      log,
      async reopen() {
        await log.close();
        log = await open();
        return log;
      },
      async remake() {
        await log.close();
        await deleteTopic(kafka.addresses, topic);
        log = await open();
        return log;
      },
      dispose: () => log.close(),
    };
  });
}
