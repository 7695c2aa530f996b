import type { Database } from '../sql/database.ts';
import { type DeletionRow, deletionOf, HOLDS_DELETED, storeDeletions } from './deletion-rows.ts';
import type { DeletionProgress, DeletionStore, SeriesDeletion } from './series-deletion.ts';

/** Deletions of series as the tables of `migrations/0005_compaction.sql`. */
export class SqlDeletionStore implements DeletionStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async unfinished(tenant: string): Promise<number> {
    const [row] = await this.#db.query<{ unfinished: number }>(
      `SELECT COUNT(*) AS unfinished FROM deletions d WHERE d.tenant = $1 AND d.done_ms IS NULL`,
      [tenant],
    );
    return row?.unfinished ?? 0;
  }

  async hide(deletion: SeriesDeletion, offsets: ReadonlyMap<number, number>): Promise<void> {
    const partitions = [...offsets].sort(([a], [b]) => a - b);
    await this.#db.transaction(async (tx) => {
      for (const [partition, logOffset] of partitions)
        await storeDeletions(tx, partition, [{ deletion, logOffset }]);
    });
  }

  async progress(tenant: string, deletionId: string): Promise<DeletionProgress | undefined> {
    const [row] = await this.#db.query<DeletionRow>(
      `SELECT deletion_id, tenant, matchers, start_ms, end_ms, requested_ms, done_ms FROM deletions
       WHERE deletion_id = $1 AND tenant = $2`,
      [deletionId, tenant],
    );
    if (row === undefined) return undefined;
    const [counts] = await this.#db.query<{ partitions: number; done: number }>(
      'SELECT COUNT(*) AS partitions, COUNT(done_ms) AS done FROM tombstones WHERE deletion_id = $1',
      [deletionId],
    );
    const [blocks] = await this.#db.query<{ blocks: number }>(
      `SELECT COUNT(*) AS blocks FROM tombstones t JOIN deletions d ON d.deletion_id = t.deletion_id
       JOIN blocks b ON ${HOLDS_DELETED} WHERE t.deletion_id = $1 AND t.done_ms IS NULL`,
      [deletionId],
    );
    return {
      deletion: deletionOf(row),
      doneMs: row.done_ms ?? undefined,
      partitions: counts?.partitions ?? 0,
      partitionsDone: counts?.done ?? 0,
      blocksLeft: blocks?.blocks ?? 0,
    };
  }
}
