import type { WriteLog } from './write-log.ts';

export interface SqliteWriteLogOptions {
  /** The database file; its WAL lies beside it. */
  readonly path: string;
  /** Fixed when the log is created. */
  readonly partitionCount: number;
  /** Bytes that may wait for a commit; past it appends are refused with `unavailable`. */
  readonly maxPendingBytes?: number;
  /** Bytes of the newest records kept in memory for live readers, all partitions together. */
  readonly tailCacheBytes?: number;
}

/** Opens (or creates) a log in one SQLite file, in this thread: commits run synchronously in it. Throws where it can't. */
export function openSqliteWriteLog(options: SqliteWriteLogOptions): WriteLog {
  throw new Error(`not built yet: ${options}`);
}
