import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { DatabaseError, type DatabaseErrorCode, type Row, type SqlValue } from '../sql/database.ts';

/** 16 KB pages: a block part of 256 KB is 16 of them, while the small tables' commits stay small. */
const PAGE_SIZE_BYTES = 16 * 1024;
/** How long to wait for another process that holds the file. */
const BUSY_TIMEOUT_MS = 5_000;
/** Prepared statements kept; our SQL has fewer texts. */
const MAX_STATEMENTS = 256;

interface Prepared {
  readonly statement: StatementSync;
  readonly paramCount: number;
}

/** One connection to a SQLite file: synchronous, with its prepared statements. Throws `DatabaseError`. */
export class SqliteConnection {
  readonly #path: string;
  readonly #db: DatabaseSync;
  /** By SQL text, the least recently used first. */
  readonly #statements = new Map<string, Prepared>();

  constructor(path: string, readOnly: boolean) {
    this.#path = path;
    this.#db = guard(path, () => new DatabaseSync(path, { readOnly, timeout: BUSY_TIMEOUT_MS }));
    try {
      guard(path, () => {
        if (readOnly) return;
        this.#db.exec(`
          PRAGMA page_size = ${PAGE_SIZE_BYTES};
          PRAGMA journal_mode = WAL;
          PRAGMA synchronous = FULL;
          PRAGMA wal_autocheckpoint = 512;
          PRAGMA journal_size_limit = 67108864;
          PRAGMA foreign_keys = ON;
        `);
      });
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  get isInTransaction(): boolean {
    return this.#db.isTransaction;
  }

  /** Runs one statement with its `$n` parameters; the rows it returned, or none. */
  run(sql: string, params: readonly SqlValue[]): Row[] {
    return guard(this.#path, () => {
      const { statement, paramCount } = this.#prepare(sql);
      if (params.length !== paramCount) {
        throw new DatabaseError(
          'invalid',
          `the statement takes ${paramCount} parameters, not ${params.length}`,
        );
      }
      // To SQLite `$1` is a name, and its order of first use is what numbers it: so parameters are bound by name.
      const named: Record<string, SqlValue> = {};
      for (let i = 0; i < params.length; i++) named[`$${i + 1}`] = bindable(params[i]);
      return statement.all(named) as Row[];
    });
  }

  close(): void {
    this.#statements.clear();
    this.#db.close();
  }

  #prepare(sql: string): Prepared {
    let prepared = this.#statements.get(sql);
    if (prepared === undefined) {
      prepared = { statement: this.#db.prepare(sql), paramCount: countParams(sql) };
    } else {
      this.#statements.delete(sql);
    }
    this.#statements.set(sql, prepared);
    if (this.#statements.size > MAX_STATEMENTS) {
      const [oldest] = this.#statements.keys();
      this.#statements.delete(oldest);
    }
    return prepared;
  }
}

/** A view of no bytes in a buffer that has some. */
const NO_BYTES = new Uint8Array(new ArrayBuffer(1), 0, 0);

/** An empty blob whose buffer was moved here has no address, which `node:sqlite` would take for NULL. */
function bindable(value: SqlValue): SqlValue {
  return value instanceof Uint8Array && value.length === 0 ? NO_BYTES : value;
}

/** The highest `$n` in a statement. */
function countParams(sql: string): number {
  let count = 0;
  for (const [, number] of sql.matchAll(/\$(\d+)/g)) count = Math.max(count, Number(number));
  return count;
}

/** By SQLite's primary result code; https://www.sqlite.org/rescode.html. */
const CODES: Readonly<Record<number, DatabaseErrorCode>> = {
  1: 'invalid', // ERROR: the statement is wrong
  5: 'unavailable', // BUSY
  6: 'unavailable', // LOCKED
  10: 'disk_full', // IOERR: what a disk says that takes no more
  11: 'damaged', // CORRUPT
  13: 'disk_full', // FULL
  18: 'invalid', // TOOBIG
  19: 'constraint',
  20: 'invalid', // MISMATCH
  25: 'invalid', // RANGE: a parameter that the statement hasn't got
  26: 'damaged', // NOTADB: the first page is not one of SQLite's
};

/** Runs `work` on the file at `path`, turning the errors of `node:sqlite` into ours. */
function guard<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof DatabaseError) throw error;
    const { errcode, message } = error as { errcode?: number; message: string };
    // Without a result code it is the binding that refuses: a parameter's type, a number beyond 53 bits.
    const code = errcode === undefined ? 'invalid' : (CODES[errcode & 0xff] ?? 'unavailable');
    const text =
      code === 'damaged'
        ? `${path} is damaged (${message}): stop the server and run xscaler doctor`
        : message;
    throw new DatabaseError(code, text, { cause: error });
  }
}
