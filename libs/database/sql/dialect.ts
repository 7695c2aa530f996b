import type { Database } from './database.ts';

/** What of our SQL the two databases can't share. Everything else both take unchanged. */
export interface Dialect {
  /** Words that migrations write as `${NAME}`. */
  readonly words: Readonly<Record<string, string>>;
  /** Run first in a migration's transaction: others that start at the same time wait for it. */
  readonly migrationLock: string | undefined;
  /** Ends a `SELECT` of a row to be taken: rows that others are taking just now are passed over. */
  readonly skipLocked: string;
  /** An expression: the database's current wall clock, not that of the transaction's start, ms. */
  readonly wallClockMs: string;
}

export const DIALECTS: Record<Database['dialect'], Dialect> = {
  sqlite: {
    words: { BLOB: 'BLOB' },
    // A write transaction has the file to itself.
    migrationLock: undefined,
    skipLocked: '',
    wallClockMs: `CAST(unixepoch('now', 'subsec') * 1000 AS integer)`,
  },
  postgres: {
    words: { BLOB: 'bytea' },
    // The key is arbitrary: nothing else of ours takes advisory locks in this range.
    migrationLock: 'SELECT pg_advisory_xact_lock(7269771)',
    skipLocked: 'FOR UPDATE SKIP LOCKED',
    wallClockMs: 'floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint',
  },
};
