import type { PartitionCountRow, PlacementRow, ShardSizeRow } from './placement-rows.ts';
import { type Shard, shardOf } from './shard.ts';

/** The placement of a tenant without a row. */
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
  /** By tenant: the shard that writers got last; tenants without a row share one. */
  readonly #placed = new Map<string, PlacedShard>();
  /** The same of what readers got. */
  readonly #used = new Map<string, { rowCount: number; until: ReadonlyMap<number, number> }>();

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
   * Every partition, ascending, where a writer may ever have put a tenant's samples, or will by a row that is announced; with
   * the instant (wall clock, ms) at which the last row that has it was replaced, infinite if none was. Sizes and counts are
   * taken together in every way: a writer may have learnt of the one before the other.
   */
  usedUntil(tenant: string): ReadonlyMap<number, number> {
    const sizes = this.#sizes.get(tenant) ?? [ALL];
    const key = sizes.length === 1 ? ALL.tenant : tenant;
    const rowCount = sizes.length + this.#counts.length;
    const known = this.#used.get(key);
    if (known?.rowCount === rowCount) return known.until;
    const until = usedUntil(tenant, this.#counts, sizes);
    this.#used.set(key, { rowCount, until });
    return until;
  }
}

function usedUntil(
  tenant: string,
  counts: readonly PartitionCountRow[],
  sizes: readonly ShardSizeRow[],
): ReadonlyMap<number, number> {
  const until = new Map<number, number>();
  const countEnds = endsOf(counts);
  const sizeEnds = endsOf(sizes);
  for (const [i, { partitionCount }] of counts.entries()) {
    for (const [j, { size }] of sizes.entries()) {
      const endMs = Math.min(countEnds[i], sizeEnds[j]);
      for (const partition of shardOf(tenant, size, partitionCount))
        until.set(partition, Math.max(endMs, until.get(partition) ?? Number.NEGATIVE_INFINITY));
    }
  }
  return new Map([...until].sort(([a], [b]) => a - b));
}

/** The one with the highest change of those in effect. */
function rowInEffect<Row extends PlacementRow>(rows: readonly Row[], nowMs: number): Row | undefined {
  return rows.findLast(({ effectiveMs }) => effectiveMs <= nowMs);
}

/** Of each row when it is replaced: as soon as one that came later is in effect. */
function endsOf(rows: readonly PlacementRow[]): number[] {
  const ends: number[] = [];
  let endMs = Number.POSITIVE_INFINITY;
  for (const { effectiveMs } of rows.toReversed()) {
    ends.unshift(endMs);
    endMs = Math.min(endMs, effectiveMs);
  }
  return ends;
}
