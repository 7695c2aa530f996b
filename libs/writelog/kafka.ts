// The Kafka half. Apart from the index: a process on the embedded log must not load its driver.
export {
  KafkaAccess,
  type KafkaAccessOptions,
  type KafkaSaslOptions,
} from './kafka/kafka-access.ts';
export type { AppenderStats as KafkaWriteLogStats } from './kafka/kafka-appender.ts';
export { type KafkaLog, type KafkaWriteLogOptions, openKafkaWriteLog } from './kafka/kafka-write-log.ts';
