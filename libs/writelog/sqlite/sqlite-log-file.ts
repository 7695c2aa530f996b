import { randomBytes } from 'node:crypto';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { WriteLogError, type WriteLogErrorCode } from '../write-log.ts';

/** A record on its way into the file. */
export interface LogEntry {
  readonly partition: number;
  readonly offset: number;
  readonly record: Uint8Array;
}

/**
 * A record's row id is `partition × 2^40 + offset`: one rowid table, each partition's records side by side in it.
 * That leaves 2^40 offsets (15 years at 2,300 a second) and 2^13 partitions within the 53 bits of a JS integer.
 */
const OFFSETS_PER_PARTITION = 2 ** 40;
const MAX_PARTITIONS = 2 ** 13;

/**
 * 32 KB pages: SQLite's work goes by pages, and a 60–300 KB record is 2–10 of them, the last one half empty on average.
 * 70 KB records, 32 in flight, cost 182 µs of CPU each; with 16, 8 and 4 KB pages 227, 248 and 328 µs.
 */
const PAGE_SIZE_BYTES = 32 * 1024;

const IDENTITY_BYTES = 16;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS log (only INTEGER PRIMARY KEY CHECK (only = 1), partition_count INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS partitions (partition INTEGER PRIMARY KEY, start_offset INTEGER NOT NULL, end_offset INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS records (id INTEGER PRIMARY KEY, record BLOB NOT NULL);
`;

/**
 * The SQLite file under a log: synchronous, one connection, locked against other processes.
 *
 * `partitions` remembers where each partition starts and how far it had come when it was truncated last, so that
 * offsets go on even when every record is gone; appends touch `records` alone.
 * Every method throws `WriteLogError`.
 */
export class SqliteLogFile {
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #select: StatementSync;
  readonly #delete: StatementSync;
  readonly #savePartition: StatementSync;
  /** At least what it was opened with. */
  readonly partitionCount: number;
  /** Random, made with the file; a file from before there were identities gets one when it is opened. */
  readonly identity: string;

  /** A log has `partitionCount` partitions from now on, or more if it had more: no record is ever left out. */
  constructor(path: string, partitionCount: number) {
    if (!Number.isInteger(partitionCount) || partitionCount < 1 || partitionCount > MAX_PARTITIONS) {
      throw new RangeError(`partitionCount must be between 1 and ${MAX_PARTITIONS}, not ${partitionCount}`);
    }
    this.#path = path;
    this.#db = guard(path, () => new DatabaseSync(path));
    try {
      this.partitionCount = guard(this.#path, () => this.#prepareFile(partitionCount));
      this.identity = guard(this.#path, () => this.#prepareIdentity());
    } catch (error) {
      this.#db.close();
      throw error;
    }
    this.#insert = this.#db.prepare('INSERT INTO records (id, record) VALUES (?, ?)');
    this.#select = this.#db.prepare('SELECT id, record FROM records WHERE id >= ? AND id < ? ORDER BY id');
    this.#delete = this.#db.prepare(
      'DELETE FROM records WHERE id IN (SELECT id FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?)',
    );
    this.#savePartition = this.#db.prepare(
      'INSERT OR REPLACE INTO partitions (partition, start_offset, end_offset) VALUES (?, ?, ?)',
    );
  }

  #prepareFile(partitionCount: number): number {
    // The page size must come before the file's first page, the locking mode before the WAL is first opened.
    this.#db.exec(`
      PRAGMA page_size = ${PAGE_SIZE_BYTES};
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = 0;
      PRAGMA cache_size = -8192;
      ${SCHEMA}
    `);
    const grow = `INSERT INTO log (only, partition_count) VALUES (1, ?)
      ON CONFLICT (only) DO UPDATE SET partition_count = max(partition_count, excluded.partition_count)
      RETURNING partition_count`;
    return Number(this.#db.prepare(grow).get(partitionCount)?.partition_count);
  }

  #prepareIdentity(): string {
    const columns = this.#db.prepare("SELECT name FROM pragma_table_info('log')").all();
    if (!columns.some(({ name }) => name === 'identity'))
      this.#db.exec('ALTER TABLE log ADD COLUMN identity TEXT');
    const row = this.#db
      .prepare('UPDATE log SET identity = coalesce(identity, ?) RETURNING identity')
      .get(randomBytes(IDENTITY_BYTES).toString('hex'));
    return String(row?.identity);
  }

  /** Where a partition's records begin and end; `end` is the next record's offset. */
  bounds(partition: number): { start: number; end: number } {
    const base = partition * OFFSETS_PER_PARTITION;
    return guard(this.#path, () => {
      const saved = this.#db.prepare('SELECT * FROM partitions WHERE partition = ?').get(partition);
      const last = this.#db
        .prepare('SELECT max(id) AS id FROM records WHERE id >= ? AND id < ?')
        .get(base, base + OFFSETS_PER_PARTITION)?.id;
      const start = Number(saved?.start_offset ?? 0);
      const lastEnd = last === null || last === undefined ? 0 : Number(last) - base + 1;
      return { start, end: Math.max(Number(saved?.end_offset ?? 0), lastEnd) };
    });
  }

  /** All of them in one transaction, durable when it returns. When it throws they may still be there. */
  append(entries: readonly LogEntry[]): void {
    guard(this.#path, () => {
      this.#db.exec('BEGIN IMMEDIATE');
      try {
        for (const { partition, offset, record } of entries) {
          // An empty record whose buffer was moved here has no address, which would be taken for NULL.
          this.#insert.run(
            partition * OFFSETS_PER_PARTITION + offset,
            record.length === 0 ? NO_BYTES : record,
          );
        }
        this.#db.exec('COMMIT');
      } catch (error) {
        if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
        throw error;
      }
    });
  }

  /** Records `[fromOffset, toOffset)`, cut short once `maxBytes` are reached; never none if the range isn't empty. */
  read(partition: number, fromOffset: number, toOffset: number, maxBytes: number): Uint8Array[] {
    const base = partition * OFFSETS_PER_PARTITION;
    return guard(this.#path, () => {
      const records: Uint8Array[] = [];
      let bytes = 0;
      for (const row of this.#select.iterate(base + fromOffset, base + toOffset)) {
        if (row.id !== base + fromOffset + records.length) break;
        const record = row.record as Uint8Array;
        records.push(record);
        bytes += record.length;
        if (bytes >= maxBytes) break;
      }
      if (records.length === 0 && fromOffset < toOffset) {
        throw new WriteLogError('unavailable', `offset ${fromOffset} of partition ${partition} is missing`);
      }
      return records;
    });
  }

  /** Remembers a partition's bounds: nothing below `start` is read again, the next record gets `end`. */
  saveBounds(partition: number, start: number, end: number): void {
    guard(this.#path, () => this.#savePartition.run(partition, start, end));
  }

  /** Deletes up to `limit` records below `offset`; returns how many. */
  delete(partition: number, offset: number, limit: number): number {
    const base = partition * OFFSETS_PER_PARTITION;
    return guard(this.#path, () => Number(this.#delete.run(base, base + offset, limit).changes));
  }

  /** Offsets in `[fromOffset, toOffset)` that have no record. */
  missing(partition: number, fromOffset: number, toOffset: number): number[] {
    const base = partition * OFFSETS_PER_PARTITION;
    return guard(this.#path, () => {
      const ids = this.#db.prepare('SELECT id FROM records WHERE id >= ? AND id < ? ORDER BY id');
      const offsets: number[] = [];
      let next = fromOffset;
      for (const { id } of ids.iterate(base + fromOffset, base + toOffset)) {
        const offset = Number(id) - base;
        while (next < offset) offsets.push(next++);
        next = offset + 1;
      }
      while (next < toOffset) offsets.push(next++);
      return offsets;
    });
  }

  /** Moves what the WAL holds into the file, so that the WAL begins anew. */
  checkpoint(): void {
    guard(this.#path, () => this.#db.prepare('PRAGMA wal_checkpoint(PASSIVE)').get());
  }

  close(): void {
    this.#db.close();
  }
}

/** A view of no bytes in a buffer that has some. */
const NO_BYTES = new Uint8Array(new ArrayBuffer(1), 0, 0);

/** By SQLite's primary result code; https://www.sqlite.org/rescode.html. Any other: `unavailable`. */
const CODES: Readonly<Record<number, WriteLogErrorCode>> = {
  10: 'disk_full', // IOERR: what a full disk says
  11: 'damaged', // CORRUPT
  13: 'disk_full', // FULL
  26: 'damaged', // NOTADB: the first page is not one of SQLite's
};

/** Runs `work` on the file at `path`, turning SQLite's errors into ours. */
function guard<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { errcode, message } = error as { errcode?: unknown; message: string };
    if (typeof errcode !== 'number') throw error;
    // The low byte is the primary result code, the rest says more about it.
    const code = CODES[errcode & 0xff] ?? 'unavailable';
    const text =
      code === 'damaged'
        ? `${path} is damaged (${message}): stop the server and run xscaler doctor`
        : message;
    throw new WriteLogError(code, text, { cause: error });
  }
}
