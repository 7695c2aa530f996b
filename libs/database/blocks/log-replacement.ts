import { readKnownLog } from '../log-identity/log-identity.ts';
import { DatabaseError, type SqlRunner } from '../sql/database.ts';
import {
  type CommitPoint,
  notingCommit,
  randomCommitId,
  readProgress,
  requireCommit,
} from './commit-history.ts';

/** A partition goes on with another log, or with what is left of the one that it was read from. */
export interface LogReplacement {
  readonly partition: number;
  /** Where the partition stands, as the caller knows it. */
  readonly expectedResumeOffset: number;
  readonly expectedCommit: CommitPoint;
  /** The log that is read from now on, and its first offset. */
  readonly identity: string;
  readonly startOffset: number;
  /** How many partitions it has: once all of them go on with it, it is the registered one. */
  readonly partitionCount: number;
}

/**
 * Makes a partition resume at the beginning of a log whose offsets have nothing to do with those that are known.
 *
 * Ledger and skipped records are forgotten: they name offsets, and nothing of the log may be passed over by them.
 * Blocks and tombstones keep their offsets relative to each other, and are moved below the beginning of the log (below zero,
 * if need be): what is in the log came after all of them, for deletions and for the order of values alike.
 */
export async function replaceLog(tx: SqlRunner, replacement: LogReplacement): Promise<void> {
  const { partition, expectedResumeOffset, expectedCommit, identity, startOffset, partitionCount } =
    replacement;
  await tx.query(
    'INSERT INTO resume_offsets (partition, resume_offset) VALUES ($1, 0) ON CONFLICT (partition) DO NOTHING',
    [partition],
  );
  // The update takes the row's lock; what is read after it is what stands.
  await tx.query('UPDATE resume_offsets SET resume_offset = resume_offset WHERE partition = $1', [partition]);
  const { resumeOffset, history } = await readProgress(tx, partition);
  requireCommit(history, expectedCommit);
  if (resumeOffset !== expectedResumeOffset || history.last.number !== expectedCommit.number) {
    throw new DatabaseError('conflict', `partition ${partition} was committed in the meantime: try again`);
  }
  await tx.query('DELETE FROM ledger WHERE partition = $1', [partition]);
  await tx.query('DELETE FROM skipped_records WHERE partition = $1', [partition]);
  await moveBelow(tx, partition, startOffset);
  await tx.query(
    `UPDATE resume_offsets SET ${notingCommit('$4')}, resume_offset = $2, log_identity = $3,
       mark_offset = -1, mark_fingerprint = '' WHERE partition = $1`,
    [partition, startOffset, identity, randomCommitId()],
  );
  await registerIfAll(tx, identity, partitionCount);
}

/** Moves what has offsets of the partition below `offset`. */
async function moveBelow(tx: SqlRunner, partition: number, offset: number): Promise<void> {
  const [{ highest }] = await tx.query<{ highest: number }>(
    `SELECT MAX(offsets.highest) AS highest FROM (
       SELECT COALESCE(MAX(to_offset), -1) AS highest FROM blocks WHERE partition = $1
       UNION ALL SELECT COALESCE(MAX(log_offset), -1) AS highest FROM tombstones WHERE partition = $1) AS offsets`,
    [partition],
  );
  const by = highest + 1 - offset;
  if (by <= 0) return;
  await tx.query(
    `UPDATE blocks SET from_offset = from_offset - $2, to_offset = to_offset - $2, purged_offset = purged_offset - $2
     WHERE partition = $1`,
    [partition, by],
  );
  await tx.query('UPDATE tombstones SET log_offset = log_offset - $2 WHERE partition = $1', [partition, by]);
}

async function registerIfAll(tx: SqlRunner, identity: string, partitionCount: number): Promise<void> {
  const { partitions } = await readKnownLog(tx);
  const own = partitions.filter((known) => known.partition < partitionCount && known.identity === identity);
  if (own.length < partitionCount) return;
  await tx.query(
    `INSERT INTO registered_logs (name, identity) VALUES ('writes', $1)
     ON CONFLICT (name) DO UPDATE SET identity = excluded.identity`,
    [identity],
  );
}
