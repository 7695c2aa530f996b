import { Matcher } from '@xscaler/model';
import { DatabaseError, type SqlRunner } from '../sql/database.ts';
import type { LoggedDeletion, PartitionTombstone, SeriesDeletion } from './series-deletion.ts';

/** What is said of a block `b` that holds, unmasked by nothing but tombstone `t` of deletion `d`, some of what was deleted. */
export const HOLDS_DELETED = `b.tenant = t.tenant AND b.partition = t.partition AND b.to_offset <= t.log_offset
  AND b.purged_offset < t.log_offset AND b.max_time_ms >= d.start_ms AND b.min_time_ms <= d.end_ms`;

export type DeletionRow = {
  deletion_id: string;
  tenant: string;
  matchers: string;
  start_ms: number;
  end_ms: number;
  requested_ms: number;
  done_ms: number | null;
};

type TombstoneRow = {
  deletion_id: string;
  partition: number;
  log_offset: number;
  start_ms: number;
  end_ms: number;
  matchers: string;
};

/** Notes what a partition's log says; the same again changes nothing. */
export async function storeDeletions(
  tx: SqlRunner,
  partition: number,
  deletions: readonly LoggedDeletion[],
): Promise<void> {
  // In one order for all writers, so that two of them never wait for each other's rows.
  const sorted = [...deletions].sort((a, b) => (a.deletion.deletionId < b.deletion.deletionId ? -1 : 1));
  for (const { deletion, logOffset } of sorted) {
    await insertDeletion(tx, deletion);
    await insertTombstone(tx, deletion, partition, logOffset);
  }
}

async function insertDeletion(tx: SqlRunner, deletion: SeriesDeletion): Promise<void> {
  const { deletionId, tenant, matcherSets, startMs, endMs, requestedMs } = deletion;
  const matchers = JSON.stringify(
    matcherSets.map((set) => set.map(({ type, name, value }) => [type, name, value])),
  );
  await tx.query(
    `INSERT INTO deletions (deletion_id, tenant, matchers, start_ms, end_ms, requested_ms)
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (deletion_id) DO NOTHING`,
    [deletionId, tenant, matchers, startMs, endMs, requestedMs],
  );
}

/** A log that took the record twice has it at two offsets: the later one counts. */
async function insertTombstone(
  tx: SqlRunner,
  { deletionId, tenant }: SeriesDeletion,
  partition: number,
  logOffset: number,
): Promise<void> {
  const changed = await tx.query(
    `INSERT INTO tombstones (deletion_id, partition, tenant, log_offset) VALUES ($1, $2, $3, $4)
     ON CONFLICT (deletion_id, partition) DO UPDATE SET log_offset = excluded.log_offset, done_ms = NULL
     WHERE excluded.log_offset > tombstones.log_offset RETURNING partition`,
    [deletionId, partition, tenant, logOffset],
  );
  if (changed.length > 0)
    await tx.query('UPDATE deletions SET done_ms = NULL WHERE deletion_id = $1', [deletionId]);
}

/** Compiled matchers are kept for this many deletions. */
const KEPT_MATCHERS = 1_000;

/** Reads tombstones; regular expressions are compiled once. */
export class TombstoneReader {
  readonly #matchers = new Map<string, Matcher[][]>();

  /** Those of a tenant that touch the time range, of one partition or of all. */
  async read(
    db: SqlRunner,
    tenant: string,
    minTimeMs: number,
    maxTimeMs: number,
    partition?: number,
  ): Promise<PartitionTombstone[]> {
    const rows = await db.query<TombstoneRow>(
      `SELECT d.deletion_id, t.partition, t.log_offset, d.start_ms, d.end_ms, d.matchers
       FROM tombstones t JOIN deletions d ON d.deletion_id = t.deletion_id
       WHERE t.tenant = $1 AND d.end_ms >= $2 AND d.start_ms <= $3${partition === undefined ? '' : ' AND t.partition = $4'}
       ORDER BY t.partition, t.log_offset`,
      [tenant, minTimeMs, maxTimeMs, ...(partition === undefined ? [] : [partition])],
    );
    return rows.map((row) => ({
      deletionId: row.deletion_id,
      partition: row.partition,
      logOffset: row.log_offset,
      startMs: row.start_ms,
      endMs: row.end_ms,
      matcherSets: this.#compiled(row),
    }));
  }

  #compiled({ deletion_id: id, matchers }: TombstoneRow): Matcher[][] {
    let compiled = this.#matchers.get(id);
    if (compiled === undefined) {
      if (this.#matchers.size >= KEPT_MATCHERS) this.#matchers.clear();
      compiled = matchersOf(matchers, id).map((set) =>
        set.map(({ type, name, value }) => new Matcher(type, name, value)),
      );
      this.#matchers.set(id, compiled);
    }
    return compiled;
  }
}

/** @throws DatabaseError that names the deletion whose text can't be read */
function matchersOf(text: string, deletionId: string): SeriesDeletion['matcherSets'] {
  try {
    const sets = JSON.parse(text) as [
      SeriesDeletion['matcherSets'][number][number]['type'],
      string,
      string,
    ][][];
    return sets.map((set) => set.map(([type, name, value]) => ({ type, name, value })));
  } catch (error) {
    throw new DatabaseError('invalid', `the matchers of deletion ${deletionId} cannot be read`, {
      cause: error,
    });
  }
}

export function deletionOf(row: DeletionRow): SeriesDeletion {
  return {
    deletionId: row.deletion_id,
    tenant: row.tenant,
    requestedMs: row.requested_ms,
    startMs: row.start_ms,
    endMs: row.end_ms,
    matcherSets: matchersOf(row.matchers, row.deletion_id),
  };
}
