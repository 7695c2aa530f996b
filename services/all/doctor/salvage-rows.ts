import type { DatabaseSync } from 'node:sqlite';
import type { Span } from './spans.ts';

/** What a salvage made of one table. Row ids are SQLite's. */
export interface SalvagedTable {
  readonly table: string;
  readonly copied: number;
  /** Ranges of row ids that could not be read, both ends inclusive; some of these ids may never have existed. */
  readonly unreadable: readonly Span[];
}

/** Past every row id of ours: 2^13 partitions of 2^40 offsets. */
const ROW_ID_LIMIT = 2 ** 53 - 1;

/**
 * Copies every row of a table that can still be read into the same table of another file.
 *
 * SQLite stops at the first damaged page, but it can seek past one by row id. So after a failure the next readable row
 * is searched for with steps that double, then halve: a search costs a logarithm of the distance, however large the hole.
 */
export function salvageRows(from: DatabaseSync, to: DatabaseSync, table: string): SalvagedTable {
  const columns = sharedColumns(from, to, table);
  const unreadable: Span[] = [];
  if (columns.length === 0) return { table, copied: 0, unreadable: [[1, ROW_ID_LIMIT]] };
  const names = columns.map((name) => `"${name}"`).join(', ');
  const values = columns.map(() => '?').join(', ');
  const insert = to.prepare(`INSERT OR REPLACE INTO "${table}" (rowid, ${names}) VALUES (?, ${values})`);
  let copied = 0;
  let next = 0;
  while (next <= ROW_ID_LIMIT) {
    try {
      // Prepared anew each time: one that has failed tells the same failure once more when it is used again. Without the
      // indexes: one of them may be what is damaged.
      const select = from.prepare(
        `SELECT rowid AS "row id", ${names} FROM "${table}" NOT INDEXED WHERE rowid >= ? ORDER BY rowid`,
      );
      for (const row of select.iterate(next)) {
        const rowId = Number(row['row id']);
        insert.run(rowId, ...columns.map((name) => row[name] as string | number | null | Uint8Array));
        copied++;
        next = rowId + 1;
      }
      break;
    } catch (error) {
      if (!isDamage(error)) throw error;
      const readable = nextReadable(from, table, next);
      unreadable.push([next, readable - 1]);
      next = readable;
    }
  }
  return { table, copied, unreadable };
}

/** The columns that both files know: an older file has fewer, and a damaged schema may have none. */
function sharedColumns(from: DatabaseSync, to: DatabaseSync, table: string): string[] {
  const here = new Set(columnsOf(to, table));
  try {
    return columnsOf(from, table).filter((name) => here.has(name));
  } catch (error) {
    if (!isDamage(error)) throw error;
    return [];
  }
}

function columnsOf(db: DatabaseSync, table: string): string[] {
  return db
    .prepare('SELECT name FROM pragma_table_info(?)')
    .all(table)
    .map(({ name }) => String(name));
}

/** The lowest row id above `unreadable` from which the table can be read again; beyond every row id if there is none. */
function nextReadable(db: DatabaseSync, table: string, unreadable: number): number {
  const isReadable = (rowId: number) => {
    try {
      db.prepare(`SELECT * FROM "${table}" NOT INDEXED WHERE rowid >= ? ORDER BY rowid LIMIT 1`).get(rowId);
      return true;
    } catch (error) {
      if (isDamage(error)) return false;
      throw error;
    }
  };
  let step = 1;
  while (!isReadable(unreadable + step)) {
    if (unreadable + step > ROW_ID_LIMIT) return ROW_ID_LIMIT + 1;
    step *= 2;
  }
  let low = unreadable + Math.max(1, Math.floor(step / 2));
  let high = unreadable + step;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (isReadable(middle)) high = middle;
    else low = middle + 1;
  }
  return high;
}

const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** Whether SQLite says that the file itself is damaged. */
export function isDamage(error: unknown): boolean {
  // The low byte is the primary result code: https://www.sqlite.org/rescode.html
  const primary = Number((error as { errcode?: unknown }).errcode) & 0xff;
  return primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB;
}
