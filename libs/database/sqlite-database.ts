import type { Database } from './database.ts';

export interface SqliteDatabaseOptions {
  /** Write transactions that may wait for their turn; more are refused with `unavailable`. */
  readonly maxQueuedTransactions?: number;
}

/** Opens (or creates) the database file at `path`, in this thread: statements run synchronously in it. */
export function openSqliteDatabase(path: string, options: SqliteDatabaseOptions = {}): Database {
  throw new Error(`not built yet: ${path} ${options}`);
}
