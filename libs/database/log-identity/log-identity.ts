import { DatabaseError, type SqlRunner } from '../sql/database.ts';

/** A record that was read, so that a log that has lost it is noticed. */
export interface LogMark {
  readonly offset: number;
  /** Of its bytes; never empty. */
  readonly fingerprint: string;
}

/** The log that a commit's offsets are of. */
export interface CommittedLog {
  readonly identity: string;
  /** The last record that was read of it; undefined: none since the start. */
  readonly mark: LogMark | undefined;
}

/** What the database knows of the log that its blocks were made from. */
export interface KnownLog {
  /** Undefined before any distributor has seen its log. */
  readonly registered: string | undefined;
  /** Of the partitions that have a resume offset. */
  readonly partitions: readonly KnownPartition[];
}

export interface KnownPartition {
  readonly partition: number;
  readonly resumeOffset: number;
  /** The log that it is of, by itself or as it is registered; undefined if neither is known. */
  readonly identity: string | undefined;
}

/** The one row of `registered_logs`. */
const REGISTERED = "SELECT identity FROM registered_logs WHERE name = 'writes'";

/** @throws DatabaseError `conflict` if a partition's offsets are of another log */
export function requireLog(partition: number, known: string | undefined, given: string | undefined): void {
  if (known === undefined || given === undefined || known === given) return;
  throw new DatabaseError('conflict', `partition ${partition} was read from log ${known}, not from ${given}`);
}

export async function readRegistered(sql: SqlRunner): Promise<string | undefined> {
  const [row] = await sql.query<{ identity: string }>(REGISTERED);
  return row?.identity;
}

/** Notes which log a partition's offsets are of. Marks only move forwards: the highest is the one that proves most. */
export async function noteLog(
  tx: SqlRunner,
  partition: number,
  { identity, mark }: CommittedLog,
): Promise<void> {
  await tx.query('UPDATE resume_offsets SET log_identity = $2 WHERE partition = $1', [partition, identity]);
  if (mark === undefined) return;
  await tx.query(
    `UPDATE resume_offsets SET mark_offset = $2, mark_fingerprint = $3 WHERE partition = $1 AND mark_offset < $2`,
    [partition, mark.offset, mark.fingerprint],
  );
}

export async function readKnownLog(sql: SqlRunner): Promise<KnownLog> {
  const registered = await readRegistered(sql);
  const rows = await sql.query<{ partition: number; resume_offset: number; log_identity: string }>(
    'SELECT partition, resume_offset, log_identity FROM resume_offsets ORDER BY partition',
  );
  const partitions = rows.map(({ partition, resume_offset: resumeOffset, log_identity: own }) => ({
    partition,
    resumeOffset,
    identity: own === '' ? registered : own,
  }));
  return { registered, partitions };
}

/** Registers a log unless one is; returns the identity that is registered then. */
export async function registerLog(tx: SqlRunner, identity: string): Promise<string> {
  await tx.query(
    `INSERT INTO registered_logs (name, identity) VALUES ('writes', $1) ON CONFLICT (name) DO NOTHING`,
    [identity],
  );
  return (await readRegistered(tx)) as string;
}
