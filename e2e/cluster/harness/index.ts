export { HistogramLoad } from './histogram-load.ts';
export { type Role, ServiceProcess } from './service-process.ts';
export { skipWithoutCluster } from './skip.ts';
export { SteadyLoad } from './steady-load.ts';
export {
  CLUSTER_SECRET,
  PARTITIONS,
  TestCluster,
  ZONES,
} from './test-cluster.ts';
export { WrongClock } from './wrong-clock.ts';
