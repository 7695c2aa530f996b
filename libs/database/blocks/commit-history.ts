import { randomBytes } from 'node:crypto';
import { type LogMark, readRegistered } from '../log-identity/log-identity.ts';
import { DatabaseError, type SqlRunner } from '../sql/database.ts';

/** One commit of a partition: its number, from 1, and its random id. Number 0: none yet. */
export interface CommitPoint {
  readonly number: number;
  readonly id: string;
}

export const NO_COMMIT: CommitPoint = { number: 0, id: '' };

const ID_LENGTH = 8;
const KEPT_COMMITS = 128;

export function randomCommitId(): string {
  return randomBytes(ID_LENGTH / 2).toString('hex');
}

/**
 * The commits of a partition that a database holds. A database that lost its last commits (a replica that had not heard
 * of them took over, a backup was restored) goes on without them: numbers come again, ids don't.
 */
export class CommitHistory {
  readonly last: CommitPoint;
  readonly #recent: string;

  /** `recent`: ids of the last commits, newest first, each with a space behind it. */
  constructor(commits: number, recent: string) {
    this.last = { number: commits, id: idAt(recent, 0) };
    this.#recent = recent;
  }

  /** Whether a commit is among them. One older than those that are kept is taken for lost. */
  includes({ number, id }: CommitPoint): boolean {
    if (number === 0) return true;
    const { number: last } = this.last;
    return number <= last && idAt(this.#recent, last - number) === id;
  }
}

/** @throws DatabaseError `conflict` if a history has lost the commit that somebody goes by */
export function requireCommit(history: CommitHistory, commit: CommitPoint | undefined): void {
  if (commit === undefined || history.includes(commit)) return;
  throw new DatabaseError('conflict', `the database has lost commit ${commit.number}`);
}

function idAt(recent: string, index: number): string {
  const at = index * (ID_LENGTH + 1);
  return recent.slice(at, at + ID_LENGTH);
}

interface HistoryRow extends Record<string, string | number> {
  readonly partition: number;
  readonly resume_offset: number;
  readonly commits: number;
  readonly recent_commits: string;
  readonly log_identity: string;
  readonly mark_offset: number;
  readonly mark_fingerprint: string;
}

/** Where a partition stands in the database: all of it is of one moment. */
export interface PartitionProgress {
  readonly resumeOffset: number;
  readonly history: CommitHistory;
  /** The log that offsets are of; undefined if none is known. */
  readonly logIdentity: string | undefined;
  /** The last record that had been read when a commit was made; undefined if none is known. */
  readonly mark: LogMark | undefined;
}

export async function readProgress(sql: SqlRunner, partition: number): Promise<PartitionProgress> {
  const [row] = await sql.query<HistoryRow>(
    `SELECT partition, resume_offset, commits, recent_commits, log_identity, mark_offset, mark_fingerprint
     FROM resume_offsets WHERE partition = $1`,
    [partition],
  );
  const ownLog = row?.log_identity ?? '';
  const logIdentity = ownLog === '' ? await readRegistered(sql) : ownLog;
  if (row === undefined) {
    return { resumeOffset: 0, history: new CommitHistory(0, ''), logIdentity, mark: undefined };
  }
  return {
    resumeOffset: row.resume_offset,
    history: new CommitHistory(row.commits, row.recent_commits),
    logIdentity,
    mark: row.mark_offset < 0 ? undefined : { offset: row.mark_offset, fingerprint: row.mark_fingerprint },
  };
}

/** The last commit of every partition that has one. */
export async function readLastCommits(sql: SqlRunner): Promise<Map<number, CommitPoint>> {
  const rows = await sql.query<{ partition: number; commits: number; id: string }>(
    `SELECT partition, commits, substr(recent_commits, 1, ${ID_LENGTH}) AS id FROM resume_offsets WHERE commits > 0`,
  );
  return new Map(rows.map(({ partition, commits, id }) => [partition, { number: commits, id }]));
}

/** What an `UPDATE` of a row of `resume_offsets` sets to note a commit; its id is parameter `idParam`. */
export function notingCommit(idParam: string): string {
  const kept = KEPT_COMMITS * (ID_LENGTH + 1);
  return `commits = commits + 1, recent_commits = substr(CAST(${idParam} AS text) || ' ' || recent_commits, 1, ${kept})`;
}
