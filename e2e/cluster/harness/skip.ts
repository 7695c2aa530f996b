import { skipWithoutKafka } from '../../kafka/index.ts';
import { skipWithoutPostgres } from '../../postgres/postgres-server.ts';
import { skipWithoutRedis } from '../../redis/redis-server.ts';

/**
 * The `skip` of tests that need a whole cluster.
 * @throws Error if a part is missing and XSCALER_REQUIRE_CLUSTER=1 forbids skipping
 */
export function skipWithoutCluster(): string | false {
  return skipWithoutPostgres() || skipWithoutRedis() || skipWithoutKafka();
}
