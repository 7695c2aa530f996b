import { after, before, test } from 'node:test';
import { writeLogContract } from '@xscaler/writelog/contracts';
import { openContractLog } from './contract-log.ts';
import { KafkaCluster, skipWithoutKafka } from './index.ts';

const skip = skipWithoutKafka();
if (skip) {
  test('the write log on Kafka', { skip }, () => {});
} else {
  let kafka: KafkaCluster;
  before(async () => {
    kafka = await KafkaCluster.start();
  });
  after(() => kafka.dispose());

  writeLogContract('kafka', () => openContractLog(kafka));
}
