export { skipWithoutKafka } from './broker-jars.ts';
export { CuttingProxy } from './cutting-proxy.ts';
export { deleteTopic } from './delete-topic.ts';
export { KafkaBroker } from './kafka-broker.ts';
export { KafkaCluster, type KafkaClusterOptions } from './kafka-cluster.ts';
export { startSecuredBroker } from './secured-broker.ts';
