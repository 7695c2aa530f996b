// The Redis half. Apart from the index: a process that is a cluster by itself must not load its driver.
export { openRedisCluster, type RedisClusterOptions } from './redis/redis-cluster.ts';
export type { RedisOptions } from './redis/redis-options.ts';
