import type { PartitionCountRow, PlacementRow, ShardSizeRow } from './placement-rows.ts';
import { type Shard, shardOf } from './shard.ts';

/** What holds for a tenant without a row of its own. */
const ALL: ShardSizeRow = { change: -1, effectiveMs: 0, tenant: '', size: 0, isFixed: false };

interface PlacedShard {
  readonly count: PartitionCountRow;
  readonly size: ShardSizeRow;
  readonly shard: Shard;
}

/** Which partitions tenants had and have, by the rows of the database: what writers use now and what readers have to ask. */
export class PlacementHistory {
  readonly #counts: PartitionCountRow[] = [];
  readonly #sizes = new Map<string, ShardSizeRow[]>();
  /** By tenant what writers got last; one for all that have no row. */
  readonly #placed = new Map<string, PlacedShard>();

  /** Rows in the order of their changes, each after those that are here. */
  addCounts(rows: readonly PartitionCountRow[]): void {
    this.#counts.push(...rows);
  }

  addSizes(rows: readonly ShardSizeRow[]): void {
    for (const row of rows) {
      const own = this.#sizes.get(row.tenant);
      if (own === undefined) this.#sizes.set(row.tenant, [ALL, row]);
      else own.push(row);
    }
  }

  /** Where a tenant's samples go now: the same object until that changes. Undefined before there is any row. */
  shard(tenant: string, nowMs: number): Shard | undefined {
    const count = rowInEffect(this.#counts, nowMs);
    if (count === undefined) return undefined;
    const size = rowInEffect(this.#sizes.get(tenant) ?? [], nowMs) ?? ALL;
    const key = size === ALL ? ALL.tenant : tenant;
    const placed = this.#placed.get(key);
    if (placed?.count === count && placed.size === size) return placed.shard;
    const shard = { partitions: shardOf(tenant, size.size, count.partitionCount) };
    this.#placed.set(key, { count, size, shard });
    return shard;
  }

  /**
   * Every partition, ascending, where a writer may have put a tenant's samples since then, or will by a row that is announced.
   * Sizes and counts are taken together in every way: a writer may have learnt of the one before the other.
   */
  partitionsSince(tenant: string, sinceMs: number): number[] {
    const found = new Set<number>();
    for (const { partitionCount } of rowsSince(this.#counts, sinceMs)) {
      for (const { size } of rowsSince(this.#sizes.get(tenant) ?? [ALL], sinceMs)) {
        for (const partition of shardOf(tenant, size, partitionCount)) found.add(partition);
      }
    }
    return [...found].sort((a, b) => a - b);
  }
}

/** The one with the highest change of those in effect. */
function rowInEffect<Row extends PlacementRow>(rows: readonly Row[], nowMs: number): Row | undefined {
  return rows.findLast(({ effectiveMs }) => effectiveMs <= nowMs);
}

/** The one in effect then, and all that came later. */
function rowsSince<Row extends PlacementRow>(rows: readonly Row[], sinceMs: number): readonly Row[] {
  const first = rows.findLastIndex(({ effectiveMs }) => effectiveMs <= sinceMs);
  return rows.slice(Math.max(0, first));
}
