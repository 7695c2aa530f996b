import { BLOCK_COLUMNS, type BlockRow, blockOf } from '../blocks/block-rows.ts';
import type { BlockPart } from '../blocks/block-store.ts';
import { readProgress, requireCommit } from '../blocks/commit-history.ts';
import { makeLive } from '../blocks/live-blocks.ts';
import { SqlBlockStore } from '../blocks/sql-block-store.ts';
import { HOLDS_DELETED, TombstoneReader } from '../deletion/deletion-rows.ts';
import { type Database, DatabaseError, type SqlRunner } from '../sql/database.ts';
import { DIALECTS } from '../sql/dialect.ts';
import { COMPACTION_DAY_MS, dueJobs } from './compaction-plan.ts';
import type {
  CompactionCounts,
  CompactionInputs,
  CompactionJob,
  CompactionPolicy,
  CompactionStore,
  CompactionSwap,
} from './compaction-store.ts';

/** Parts that one statement deletes, and blocks that one transaction retires. */
const PURGED_PARTS = 32;
const RETIRED_BLOCKS = 256;

/** A job that failed waits this long, twice as long each further time. */
const FIRST_WAIT_MS = 10_000;
const LONGEST_WAIT_MS = 3_600_000;

const JOB = 'tenant = $1 AND partition = $2 AND day_start_ms = $3';

type JobRow = { tenant: string; partition: number; day_start_ms: number; owner: string };

/** The compactors' side of the tables of `migrations/0005_compaction.sql`. */
export class SqlCompactionStore implements CompactionStore {
  readonly #db: Database;
  readonly #now: () => number;
  readonly #blocks: SqlBlockStore;
  readonly #tombstones = new TombstoneReader();

  /** `now` is the wall clock in ms: of leases and of what is retired. */
  constructor(db: Database, now: () => number = Date.now) {
    this.#db = db;
    this.#now = now;
    this.#blocks = new SqlBlockStore(db, now);
  }

  async plan(policy: CompactionPolicy): Promise<number> {
    const nowMs = this.#now();
    const due = await dueJobs(this.#db, policy, nowMs);
    let planned = 0;
    for (const { tenant, partition, dayStartMs } of due) {
      const inserted = await this.#db.query(
        `INSERT INTO compaction_jobs (tenant, partition, day_start_ms, planned_ms, owner, lease_until_ms, failures)
         VALUES ($1, $2, $3, $4, '', 0, 0) ON CONFLICT (tenant, partition, day_start_ms) DO NOTHING RETURNING tenant`,
        [tenant, partition, dayStartMs, nowMs],
      );
      planned += inserted.length;
    }
    return planned;
  }

  async claim(owner: string, leaseMs: number): Promise<CompactionJob | undefined> {
    const nowMs = this.#now();
    const [row] = await this.#db.query<JobRow>(
      `UPDATE compaction_jobs SET owner = $1, lease_until_ms = $2 WHERE (tenant, partition, day_start_ms) = (
         SELECT tenant, partition, day_start_ms FROM compaction_jobs WHERE lease_until_ms <= $3
         ORDER BY planned_ms, tenant, partition, day_start_ms LIMIT 1 ${DIALECTS[this.#db.dialect].skipLocked})
       RETURNING tenant, partition, day_start_ms, owner`,
      [owner, nowMs + leaseMs, nowMs],
    );
    if (row === undefined) return undefined;
    const { tenant, partition, day_start_ms: dayStartMs } = row;
    return { tenant, partition, dayStartMs, owner };
  }

  async renew(job: CompactionJob, leaseMs: number): Promise<boolean> {
    const renewed = await this.#db.query(
      `UPDATE compaction_jobs SET lease_until_ms = $5 WHERE ${JOB} AND owner = $4 RETURNING owner`,
      [...keyOf(job), job.owner, this.#now() + leaseMs],
    );
    return renewed.length > 0;
  }

  async finish(job: CompactionJob): Promise<void> {
    await this.#db.query(`DELETE FROM compaction_jobs WHERE ${JOB} AND owner = $4`, [
      ...keyOf(job),
      job.owner,
    ]);
  }

  async postpone(job: CompactionJob): Promise<void> {
    const [row] = await this.#db.query<{ failures: number }>(
      `UPDATE compaction_jobs SET failures = failures + 1 WHERE ${JOB} AND owner = $4 RETURNING failures`,
      [...keyOf(job), job.owner],
    );
    if (row === undefined) return;
    const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(20, row.failures - 1));
    await this.#db.query(
      `UPDATE compaction_jobs SET owner = '', lease_until_ms = $5 WHERE ${JOB} AND owner = $4`,
      [...keyOf(job), job.owner, this.#now() + waitMs],
    );
  }

  inputs({ tenant, partition, dayStartMs }: CompactionJob): Promise<CompactionInputs> {
    // One connection, which doesn't outlive its server: what it reads is of one history.
    return this.#db.transaction(async (tx) => {
      // The resume offset first: blocks that end below it have no earlier head to come, and it moves over
      // a deletion only together with the deletion's tombstone.
      const { resumeOffset, history } = await readProgress(tx, partition);
      const rows = await tx.query<BlockRow & { purged_offset: number }>(
        `SELECT ${BLOCK_COLUMNS.join(', ')}, purged_offset FROM blocks
         WHERE tenant = $1 AND partition = $2 AND window_start_ms < $3 AND window_start_ms + window_ms > $4
           AND to_offset < $5 ORDER BY from_offset, window_start_ms`,
        [tenant, partition, dayStartMs + COMPACTION_DAY_MS, dayStartMs, resumeOffset],
      );
      const blocks = rows.map((row) => ({ ...blockOf(row), purgedOffset: row.purged_offset }));
      const minTimeMs = Math.min(...blocks.map((block) => block.minTimeMs));
      const maxTimeMs = Math.max(...blocks.map((block) => block.maxTimeMs));
      const tombstones =
        blocks.length === 0 ? [] : await this.#tombstones.read(tx, tenant, minTimeMs, maxTimeMs, partition);
      return { blocks, tombstones, resumeOffset, commit: history.last };
    });
  }

  stage(blockId: string, tenant: string, parts: readonly BlockPart[]): Promise<void> {
    return this.#blocks.stage(blockId, tenant, parts);
  }

  swap({ replaced, merged, purgedOffset, commit }: CompactionSwap): Promise<void> {
    return this.#db.transaction(async (tx) => {
      // A database that went back in time since may lack deletions that are to count as purged.
      const { history } = await readProgress(tx, replaced[0].partition);
      requireCommit(history, commit);
      // In one order for all, so that two swaps never wait for each other's rows.
      const sorted = [...replaced].sort((a, b) => (a.blockId < b.blockId ? -1 : 1));
      for (const { blockId, tenant, fromOffset } of sorted) {
        // A block whose offsets were changed meanwhile has another log behind it, and what was merged has the old ones.
        const live = await tx.query(
          'DELETE FROM blocks WHERE block_id = $1 AND from_offset = $2 RETURNING block_id',
          [blockId, fromOffset],
        );
        if (live.length === 0) {
          throw new DatabaseError('conflict', `block ${blockId} is not live any more, or has changed`);
        }
        await this.#retire(tx, blockId, tenant);
      }
      if (merged !== undefined) await makeLive(tx, merged.meta, merged.partCount, purgedOffset);
    });
  }

  async tenantsWithBlocks(): Promise<string[]> {
    const rows = await this.#db.query<{ tenant: string }>('SELECT DISTINCT tenant FROM blocks');
    return rows.map(({ tenant }) => tenant);
  }

  async retireBefore(tenant: string, timeMs: number): Promise<number> {
    let retired = 0;
    for (;;) {
      const count = await this.#db.transaction(async (tx) => {
        const gone = await tx.query<{ block_id: string }>(
          `DELETE FROM blocks WHERE block_id IN (
             SELECT block_id FROM blocks WHERE tenant = $1 AND max_time_ms < $2 ORDER BY block_id LIMIT $3)
           RETURNING block_id`,
          [tenant, timeMs, RETIRED_BLOCKS],
        );
        for (const { block_id } of gone) await this.#retire(tx, block_id, tenant);
        return gone.length;
      });
      retired += count;
      if (count === 0) return retired;
    }
  }

  async forgetTenant(tenant: string): Promise<number> {
    let forgotten = await this.retireBefore(tenant, Number.MAX_SAFE_INTEGER);
    for (const table of ['metadata', 'tombstones', 'deletions', 'compaction_jobs']) {
      const gone = await this.#db.query(`DELETE FROM ${table} WHERE tenant = $1 RETURNING tenant`, [tenant]);
      forgotten += gone.length;
    }
    return forgotten;
  }

  async purgeRetired(beforeMs: number): Promise<number> {
    const retired = await this.#db.query<{ block_id: string }>(
      'SELECT block_id FROM retired_blocks WHERE retired_ms < $1 ORDER BY retired_ms',
      [beforeMs],
    );
    for (const { block_id } of retired) {
      await this.#deleteParts(block_id);
      await this.#db.query('DELETE FROM retired_blocks WHERE block_id = $1', [block_id]);
    }
    return retired.length;
  }

  async settleDeletions(tombstonesBeforeMs: number, receiptsBeforeMs: number): Promise<number> {
    const nowMs = this.#now();
    const settled = await this.#db.query(
      `UPDATE tombstones AS t SET done_ms = $1 WHERE t.done_ms IS NULL
         AND EXISTS (SELECT 1 FROM resume_offsets r WHERE r.partition = t.partition AND r.resume_offset > t.log_offset)
         AND NOT EXISTS (SELECT 1 FROM deletions d JOIN blocks b ON ${HOLDS_DELETED} WHERE d.deletion_id = t.deletion_id)
       RETURNING partition`,
      [nowMs],
    );
    await this.#db.query(
      `UPDATE deletions SET done_ms = $1 WHERE done_ms IS NULL
         AND EXISTS (SELECT 1 FROM tombstones t WHERE t.deletion_id = deletions.deletion_id)
         AND NOT EXISTS (
           SELECT 1 FROM tombstones t WHERE t.deletion_id = deletions.deletion_id AND t.done_ms IS NULL)`,
      [nowMs],
    );
    await this.#db.query(
      `DELETE FROM tombstones WHERE deletion_id IN (SELECT d.deletion_id FROM deletions d WHERE d.done_ms < $1)`,
      [tombstonesBeforeMs],
    );
    await this.#db.query('DELETE FROM deletions WHERE done_ms < $1', [receiptsBeforeMs]);
    return settled.length;
  }

  async counts(): Promise<CompactionCounts> {
    const [row] = await this.#db.query<Record<keyof CompactionCounts, number>>(
      `SELECT (SELECT COUNT(*) FROM compaction_jobs) AS "jobs",
         (SELECT COUNT(*) FROM compaction_jobs WHERE owner <> '' AND lease_until_ms > $1) AS "leasedJobs",
         (SELECT COUNT(*) FROM compaction_jobs WHERE failures > 0) AS "failedJobs",
         (SELECT COUNT(*) FROM blocks) AS "liveBlocks",
         (SELECT COUNT(*) FROM retired_blocks) AS "retiredBlocks",
         (SELECT COUNT(*) FROM staged_blocks) AS "stagedBlocks",
         (SELECT COUNT(*) FROM deletions WHERE done_ms IS NULL) AS "unfinishedDeletions"`,
      [this.#now()],
    );
    return { ...row } as CompactionCounts;
  }

  async #retire(tx: SqlRunner, blockId: string, tenant: string): Promise<void> {
    await tx.query(
      'INSERT INTO retired_blocks (block_id, tenant, retired_ms) VALUES ($1, $2, $3) ON CONFLICT (block_id) DO NOTHING',
      [blockId, tenant, this.#now()],
    );
  }

  /** A few at a time: a block may have gigabytes. */
  async #deleteParts(blockId: string): Promise<void> {
    for (;;) {
      const gone = await this.#db.query(
        `DELETE FROM block_parts WHERE block_id = $1 AND (kind, number) IN (
           SELECT kind, number FROM block_parts WHERE block_id = $1 LIMIT $2) RETURNING number`,
        [blockId, PURGED_PARTS],
      );
      if (gone.length === 0) return;
    }
  }
}

function keyOf({ tenant, partition, dayStartMs }: CompactionJob): [string, number, number] {
  return [tenant, partition, dayStartMs];
}
