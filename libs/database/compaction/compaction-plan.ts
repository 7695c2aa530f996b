import { HOLDS_DELETED } from '../deletion/deletion-rows.ts';
import type { SqlRunner } from '../sql/database.ts';
import type { CompactionJob, CompactionPolicy } from './compaction-store.ts';

/** Blocks are merged by days of this length, which begin at multiples of it. */
export const COMPACTION_DAY_MS = 86_400_000;

const DAY = COMPACTION_DAY_MS;
/** The day that a block's window begins in; times may be negative. */
const DAY_START = `b.window_start_ms - ((b.window_start_ms % ${DAY}) + ${DAY}) % ${DAY}`;

type DueJob = Pick<CompactionJob, 'tenant' | 'partition' | 'dayStartMs'>;

type DayRow = { tenant: string; partition: number; day_start_ms: number };

/** Days whose blocks are to be merged by the policy, and days with blocks that hold some of what was deleted. */
export async function dueJobs(db: SqlRunner, policy: CompactionPolicy, nowMs: number): Promise<DueJob[]> {
  return [...(await daysToMerge(db, policy, nowMs)), ...(await daysToPurge(db))];
}

/** Only windows that days are made of count: a block that lies on two days is never merged. */
async function daysToMerge(db: SqlRunner, policy: CompactionPolicy, nowMs: number): Promise<DueJob[]> {
  const rows = await db.query<DayRow & { blocks: number; fresh: number }>(
    `SELECT b.tenant, b.partition, ${DAY_START} AS day_start_ms, COUNT(*) AS blocks,
       SUM(CASE WHEN b.level = 0 THEN 1 ELSE 0 END) AS fresh
     FROM blocks b JOIN resume_offsets r ON r.partition = b.partition AND b.to_offset < r.resume_offset
     GROUP BY 1, 2, 3 HAVING COUNT(*) > 1 AND SUM(CASE WHEN ${DAY} % b.window_ms <> 0 THEN 1 ELSE 0 END) = 0`,
  );
  return rows
    .filter(({ day_start_ms, blocks, fresh }) => {
      const isOver = day_start_ms + DAY + policy.settleMs <= nowMs;
      if (!isOver) return fresh >= policy.freshBlocks;
      return fresh === blocks || fresh >= policy.lateBlocks;
    })
    .map(jobOf);
}

async function daysToPurge(db: SqlRunner): Promise<DueJob[]> {
  const rows = await db.query<DayRow>(
    `SELECT DISTINCT b.tenant, b.partition, ${DAY_START} AS day_start_ms
     FROM tombstones t JOIN deletions d ON d.deletion_id = t.deletion_id
       JOIN resume_offsets r ON r.partition = t.partition AND r.resume_offset > t.log_offset
       JOIN blocks b ON ${HOLDS_DELETED} WHERE t.done_ms IS NULL`,
  );
  return rows.map(jobOf);
}

function jobOf({ tenant, partition, day_start_ms: dayStartMs }: DayRow): DueJob {
  return { tenant, partition, dayStartMs };
}
