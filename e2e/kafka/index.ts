export { missingKafka, skipWithoutKafka } from './broker-jars.ts';
export { CuttingProxy } from './cutting-proxy.ts';
export { deleteTopic } from './delete-topic.ts';
export { type ClientProtocol, KafkaBroker, type ScramUser } from './kafka-broker.ts';
export { KafkaCluster, type KafkaClusterOptions } from './kafka-cluster.ts';
export { type SecuredBrokerOptions, startSecuredBroker } from './secured-broker.ts';
