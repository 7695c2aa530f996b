import type { Config } from './config.ts';

/**
 * The partitions of an ingester by its place in its zone.
 * @throws Error where the place has none: nobody would notice that its partitions lack a replica
 */
export function partitionsOf({ cluster, write_log }: Pick<Config, 'cluster' | 'write_log'>): number[] {
  const { ordinal, ingesters_per_zone: ingesters } = cluster;
  const { partitions: count } = write_log;
  if (ordinal >= ingesters) {
    throw new Error(
      `cluster.ordinal is ${ordinal}: of ${ingesters} ingesters per zone (cluster.ingesters_per_zone) the last is ${ingesters - 1}`,
    );
  }
  if (ordinal >= count) {
    throw new Error(
      `cluster.ordinal is ${ordinal}: with ${count} partitions (write_log.partitions) it has none`,
    );
  }
  return Array.from({ length: count }, (_, partition) => partition).filter(
    (partition) => partition % ingesters === ordinal,
  );
}
