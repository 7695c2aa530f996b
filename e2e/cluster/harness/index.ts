export { HistogramLoad } from './histogram-load.ts';
export { type Role, ServiceProcess } from './service-process.ts';
export { skipWithoutCluster } from './skip.ts';
export { type Failures, SteadyLoad } from './steady-load.ts';
export {
  CLUSTER_SECRET,
  INGESTERS_PER_ZONE,
  PARTITIONS,
  SHORT_WINDOWS,
  TestCluster,
  type TestClusterOptions,
  ZONES,
  type Zone,
} from './test-cluster.ts';
export { WrongClock } from './wrong-clock.ts';
