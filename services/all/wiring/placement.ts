import type { Config } from '../configuration/config.ts';

/**
 * The partitions of an ingester by its place in its zone: of `count` those whose number mod the zone's ingesters is its own.
 * @throws Error if the place has none: nobody would notice that its partitions lack a replica
 */
export function partitionsOf({ cluster }: Pick<Config, 'cluster'>, count: number): number[] {
  const { ordinal, ingesters_per_zone: ingesters } = cluster;
  if (ordinal >= ingesters) {
    throw new Error(
      `cluster.ordinal is ${ordinal}: of ${ingesters} ingesters per zone (cluster.ingesters_per_zone) the last is ${ingesters - 1}`,
    );
  }
  if (ordinal >= count) {
    throw new Error(`cluster.ordinal is ${ordinal}: of the log's ${count} partitions it has none`);
  }
  return Array.from({ length: count }, (_, partition) => partition).filter(
    (partition) => partition % ingesters === ordinal,
  );
}
