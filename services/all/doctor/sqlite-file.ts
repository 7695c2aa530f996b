import { existsSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { DATABASE_FILE, WRITE_LOG_FILE } from '../data/data-folder.ts';
import { isDamage } from './salvage-rows.ts';

/** Lines of SQLite's report that are kept: one damaged page can make thousands. */
const MAX_PROBLEMS = 20;

/** The files in a data folder that hold data, with what each holds. */
export const DATA_FILES = [DATABASE_FILE, WRITE_LOG_FILE] as const;

export type DataFile = (typeof DATA_FILES)[number];

/**
 * What SQLite's own check says is wrong with a file, which nobody else may have open; empty if it is sound.
 * Reads all of it. A WAL beside it is applied first, as a start would.
 */
export function damageOf(path: string): string[] {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    const rows = db.prepare(`PRAGMA integrity_check(${MAX_PROBLEMS})`).all();
    const lines = rows.map((row) => String(row['integrity_check']));
    return lines.length === 1 && lines[0] === 'ok' ? [] : lines;
  } catch (error) {
    if (isDamage(error)) return [(error as Error).message];
    throw error;
  } finally {
    db?.close();
  }
}

/** Bytes of a file and of its WAL; undefined if there is no such file. */
export function sizeOf(path: string): number | undefined {
  if (!existsSync(path)) return undefined;
  const wal = `${path}-wal`;
  return statSync(path).size + (existsSync(wal) ? statSync(wal).size : 0);
}
