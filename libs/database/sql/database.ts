/** What a parameter or a column may hold. 64-bit integers come back as numbers: every one of ours fits 53 bits. */
export type SqlValue = string | number | null | Uint8Array;

export type Row = Record<string, SqlValue>;

/** Something that runs statements. SQL is what PostgreSQL and SQLite both take; parameters are `$1`, `$2`, … */
export interface SqlRunner {
  query<R extends Row = Row>(sql: string, params?: readonly SqlValue[]): Promise<R[]>;
}

/**
 * A relational database with two halves: SQLite (embedded) and PostgreSQL.
 * Reads outside a transaction see the last commit. Rejects with `DatabaseError`.
 */
export interface Database extends SqlRunner {
  readonly dialect: 'sqlite' | 'postgres';

  /**
   * Runs `work` in one transaction: commits when it resolves, rolls back when it rejects. One writer at a time
   * for SQLite, serialisable effects for both as far as our statements need (compare-and-swap by `UPDATE … RETURNING`).
   * PostgreSQL may run `work` again from its start, having rolled back the run before: so it has no effects but by `tx`.
   * When the promise rejects with code `unavailable` the commit may or may not have happened.
   */
  transaction<T>(work: (tx: SqlRunner) => Promise<T>): Promise<T>;

  close(): Promise<void>;
}

export type DatabaseErrorCode =
  | 'unavailable'
  | 'disk_full'
  /** The file under an embedded database is not what was written. */
  | 'damaged'
  | 'conflict'
  | 'constraint'
  | 'invalid';

export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  readonly code: DatabaseErrorCode;

  constructor(code: DatabaseErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
