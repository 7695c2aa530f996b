import { CONTRACT_PARTITIONS } from '@xscaler/writelog/contracts';
import { KafkaAccess, type KafkaAccessOptions, openKafkaWriteLog } from '@xscaler/writelog/kafka';
import { deleteTopic } from './delete-topic.ts';
import type { KafkaCluster } from './kafka-cluster.ts';

let topics = 0;

/** A log in a topic of its own, as the write log's contract asks for one. */
export async function openContractLog(kafka: KafkaCluster, options: KafkaAccessOptions = {}) {
  const topic = `log-${++topics}`;
  const access = new KafkaAccess(options);
  const open = () =>
    openKafkaWriteLog({
      brokers: kafka.addresses,
      topic,
      partitionCount: CONTRACT_PARTITIONS,
      clientId: 'contract',
      access,
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
      await deleteTopic(kafka.addresses, topic, access);
      log = await open();
      return log;
    },
    dispose: () => log.close(),
  };
}
