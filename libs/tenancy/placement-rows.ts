import type { SqlRunner } from '@xscaler/database';

/** A row of the placement's history: in effect from `effectiveMs` (wall clock) on, until one with a higher `change` is. */
export interface PlacementRow {
  readonly change: number;
  readonly effectiveMs: number;
}

/** Of the log's partitions writers use those below `partitionCount`. */
export interface PartitionCountRow extends PlacementRow {
  readonly partitionCount: number;
}

/** Over how many partitions a tenant's series are spread; 0: over all. */
export interface ShardSizeRow extends PlacementRow {
  readonly tenant: string;
  readonly size: number;
  /** An operator said so: the tenant's series limit doesn't change it. */
  readonly isFixed: boolean;
}

/** Writers obey a row this much later than it was written: by then every reader knows it. */
export const OBEYED_AFTER_MS = 10_000;

/** All rows with a higher change number, in the order of their changes. */
export async function selectPartitionCounts(db: SqlRunner, afterChange = -1): Promise<PartitionCountRow[]> {
  const rows = await db.query<{ change: number; partition_count: number; effective_ms: number }>(
    'SELECT change, partition_count, effective_ms FROM partition_counts WHERE change > $1 ORDER BY change',
    [afterChange],
  );
  return rows.map(({ change, partition_count: partitionCount, effective_ms: effectiveMs }) => ({
    change,
    partitionCount,
    effectiveMs,
  }));
}

export async function insertPartitionCount(tx: SqlRunner, row: PartitionCountRow): Promise<void> {
  await tx.query('INSERT INTO partition_counts (change, partition_count, effective_ms) VALUES ($1, $2, $3)', [
    row.change,
    row.partitionCount,
    row.effectiveMs,
  ]);
}

type ShardSizeTableRow = {
  change: number;
  tenant: string;
  shard_size: number;
  is_fixed: number;
  effective_ms: number;
};

/** The rows that `where` (a clause over the columns of `shard_sizes`) selects, in the order of their changes. */
export async function selectShardSizes(
  db: SqlRunner,
  where: string,
  params: readonly (string | number)[],
): Promise<ShardSizeRow[]> {
  const rows = await db.query<ShardSizeTableRow>(
    `SELECT change, tenant, shard_size, is_fixed, effective_ms FROM shard_sizes ${where} ORDER BY change`,
    params,
  );
  return rows.map(({ change, tenant, shard_size: size, is_fixed, effective_ms: effectiveMs }) => ({
    change,
    tenant,
    size,
    isFixed: is_fixed === 1,
    effectiveMs,
  }));
}

/**
 * Notes a tenant's size if it differs from the one noted last. `by` its series limit: a size that an operator has
 * fixed stands.
 */
export async function noteShardSize(
  tx: SqlRunner,
  row: ShardSizeRow,
  by: 'operator' | 'limit',
): Promise<void> {
  const last = (await selectShardSizes(tx, 'WHERE tenant = $1', [row.tenant])).at(-1);
  const { size, isFixed } = last ?? { size: 0, isFixed: false };
  if ((isFixed && by === 'limit') || (size === row.size && isFixed === row.isFixed)) return;
  await tx.query(
    'INSERT INTO shard_sizes (change, tenant, shard_size, is_fixed, effective_ms) VALUES ($1, $2, $3, $4, $5)',
    [row.change, row.tenant, row.size, row.isFixed ? 1 : 0, row.effectiveMs],
  );
}
