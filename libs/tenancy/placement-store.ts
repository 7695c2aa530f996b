import type { Database, SqlRunner } from '@xscaler/database';
import {
  insertPartitionCount,
  noteShardSize,
  OBEYED_AFTER_MS,
  type PartitionCountRow,
  type ShardSizeRow,
  selectPartitionCounts,
  selectShardSizes,
} from './placement-rows.ts';
import { insertAudit, selectTenants, takeChange } from './tenancy-rows.ts';
import { type Actor, TenancyError } from './tenant.ts';

/** Partitions of a log at most: what one ingester may announce. */
export const MAX_PARTITION_COUNT = 1024;

/**
 * Changes the placement: rows that writers obey ten seconds later. Every change has its audit row and moves the change
 * counter that services watch. Rejects with `TenancyError`, or `DatabaseError` if the database is at fault.
 */
export class PlacementStore {
  readonly #db: Database;
  readonly #now: () => number;

  /** `now` is the wall clock, ms. */
  constructor(db: Database, now: () => number = Date.now) {
    this.#db = db;
    this.#now = now;
  }

  /** All counts there were, are and will be, the oldest first. */
  partitionCounts(): Promise<PartitionCountRow[]> {
    return selectPartitionCounts(this.#db);
  }

  /** The count that writers use now or will use by what was said last; `count` if nobody has said any: it holds at once. */
  async ensurePartitionCount(count: number): Promise<number> {
    checkPartitionCount(count);
    const last = (await this.partitionCounts()).at(-1);
    if (last !== undefined) return last.partitionCount;
    return this.#db.transaction(async (tx) => {
      // Who starts at the same time waits here, and finds the row.
      const change = await takeChange(tx);
      const other = (await selectPartitionCounts(tx)).at(-1);
      if (other !== undefined) return other.partitionCount;
      await insertPartitionCount(tx, { change, partitionCount: count, effectiveMs: 0 });
      return count;
    });
  }

  /** Makes writers use the partitions below `count`. The log must have them; the same again is not a change. */
  async setPartitionCount(count: number, actor: Actor): Promise<void> {
    checkPartitionCount(count);
    await this.#act(
      actor,
      { action: 'log.partitions', tenant: '', detail: String(count) },
      async (tx, row) => {
        const last = (await selectPartitionCounts(tx)).at(-1);
        if (last?.partitionCount !== count) await insertPartitionCount(tx, { ...row, partitionCount: count });
      },
    );
  }

  /** All sizes of a tenant, the oldest first; without any, its series are spread over all partitions. */
  shardSizes(tenant: string): Promise<ShardSizeRow[]> {
    return selectShardSizes(this.#db, 'WHERE tenant = $1', [tenant]);
  }

  /** Spreads a tenant's series over `size` partitions; 0: over all. Not `isFixed`: until its series limit is changed. */
  async setShardSize(
    tenant: string,
    { size, isFixed }: { readonly size: number; readonly isFixed: boolean },
    actor: Actor,
  ): Promise<void> {
    if (!Number.isInteger(size) || size < 0 || size > MAX_PARTITION_COUNT)
      throw new TenancyError('invalid', `a shard has 0 (all) to ${MAX_PARTITION_COUNT} partitions`);
    const trace = {
      action: 'tenant.shard',
      tenant,
      detail: `${size}${isFixed ? '' : ', by its series limit'}`,
    };
    await this.#act(actor, trace, async (tx, row) => {
      const [found] = await selectTenants(tx, "WHERE id = $1 AND state <> 'deleted'", [tenant]);
      if (found === undefined) throw new TenancyError('not_found', `there is no tenant ${tenant}`);
      await noteShardSize(tx, { ...row, tenant, size, isFixed }, 'operator');
    });
  }

  #act(
    actor: Actor,
    trace: { readonly action: string; readonly tenant: string; readonly detail: string },
    work: (tx: SqlRunner, row: { change: number; effectiveMs: number }) => Promise<void>,
  ): Promise<void> {
    return this.#db.transaction(async (tx) => {
      const change = await takeChange(tx);
      const nowMs = this.#now();
      await work(tx, { change, effectiveMs: nowMs + OBEYED_AFTER_MS });
      await insertAudit(tx, { change, atMs: nowMs, actor, ...trace });
    });
  }
}

function checkPartitionCount(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > MAX_PARTITION_COUNT)
    throw new TenancyError('invalid', `a log has 1 to ${MAX_PARTITION_COUNT} partitions`);
}
