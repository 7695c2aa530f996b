import { type Database, DatabaseError, type Row, type SqlRunner, type SqlValue } from '../sql/database.ts';
import { SqliteConnection } from './sqlite-connection.ts';

export interface SqliteDatabaseOptions {
  /** Write transactions that may wait for their turn; more are refused with `unavailable`. */
  readonly maxQueuedTransactions?: number;
}

export interface SqliteDatabaseStats {
  /** Write transactions that run or wait for their turn. */
  readonly queuedTransactions: number;
  /** Counts since the database was opened. */
  readonly transactions: number;
  readonly refusedTransactions: number;
}

const DEFAULT_MAX_QUEUED = 1024;

/** Opens (or creates) the database file at `path`, in this thread: statements run synchronously in it. */
export function openSqliteDatabase(
  path: string,
  options: SqliteDatabaseOptions = {},
): Database & { readonly stats: SqliteDatabaseStats } {
  return new SqliteDatabase(path, options.maxQueuedTransactions ?? DEFAULT_MAX_QUEUED);
}

/**
 * A `Database` in one SQLite file, for the thread that opened it.
 *
 * Two connections: one writes, one transaction at a time in the order of the calls; the other reads, so that a query
 * outside a transaction neither waits for one nor sees what it hasn't committed. A transaction's `work` must not wait for
 * a write of its own outside that transaction: it would wait.
 */
class SqliteDatabase implements Database {
  readonly dialect = 'sqlite';
  readonly #writer: SqliteConnection;
  readonly #reader: SqliteConnection;
  readonly #maxQueued: number;
  #queued = 0;
  #transactions = 0;
  #refused = 0;
  /** Resolves when the last write in the queue is done; never rejects. */
  #lastWrite: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(path: string, maxQueued: number) {
    this.#maxQueued = maxQueued;
    this.#writer = new SqliteConnection(path, false);
    this.#reader = new SqliteConnection(path, true);
  }

  async query<R extends Row = Row>(sql: string, params: readonly SqlValue[] = []): Promise<R[]> {
    this.#checkOpen();
    if (isRead(sql)) return this.#reader.run(sql, params) as R[];
    return this.#enqueue(async () => this.#writer.run(sql, params) as R[]);
  }

  transaction<T>(work: (tx: SqlRunner) => Promise<T>): Promise<T> {
    return this.#enqueue(async () => {
      this.#writer.run('BEGIN IMMEDIATE', []);
      const tx = new SqliteTransaction(this.#writer);
      try {
        const result = await work(tx);
        tx.end();
        this.#writer.run('COMMIT', []);
        return result;
      } finally {
        tx.abandon();
        // SQLite has rolled back itself after some errors, a full disk for one.
        if (this.#writer.isInTransaction) this.#writer.run('ROLLBACK', []);
      }
    });
  }

  get stats(): SqliteDatabaseStats {
    return {
      queuedTransactions: this.#queued,
      transactions: this.#transactions,
      refusedTransactions: this.#refused,
    };
  }

  /** Waits for the transactions that were begun or queued. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#lastWrite;
    this.#reader.close();
    this.#writer.close();
  }

  async #enqueue<T>(write: () => Promise<T>): Promise<T> {
    this.#checkOpen();
    if (this.#queued >= this.#maxQueued) {
      this.#refused++;
      throw new DatabaseError('unavailable', `${this.#queued} transactions are waiting`);
    }
    this.#queued++;
    this.#transactions++;
    const done = this.#lastWrite.then(write);
    this.#lastWrite = done.catch(() => undefined);
    try {
      return await done;
    } finally {
      this.#queued--;
    }
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new DatabaseError('unavailable', 'the database is closed');
  }
}

/** The statements of one transaction. As in PostgreSQL, one that fails fails the transaction. */
class SqliteTransaction implements SqlRunner {
  readonly #writer: SqliteConnection;
  #fault: unknown;
  #isOver = false;

  constructor(writer: SqliteConnection) {
    this.#writer = writer;
  }

  async query<R extends Row = Row>(sql: string, params: readonly SqlValue[] = []): Promise<R[]> {
    if (this.#isOver) throw new DatabaseError('invalid', 'the transaction is over');
    if (this.#fault !== undefined) {
      throw new DatabaseError('invalid', 'an earlier statement of the transaction failed', {
        cause: this.#fault,
      });
    }
    try {
      return this.#writer.run(sql, params) as R[];
    } catch (error) {
      this.#fault = error;
      throw error;
    }
  }

  /** Before the commit: throws if a statement has failed. */
  end(): void {
    this.#isOver = true;
    if (this.#fault !== undefined) throw this.#fault;
  }

  abandon(): void {
    this.#isOver = true;
  }
}

/** Whether a statement can go to the reading connection; one that is taken for a write only waits its turn. */
function isRead(sql: string): boolean {
  return /^\s*select\b/i.test(sql) || (/^\s*with\b/i.test(sql) && !/\b(insert|update|delete)\b/i.test(sql));
}
