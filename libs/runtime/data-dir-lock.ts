import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The data folder is in use by another process (or another part of this one). */
export class DataDirLockedError extends Error {
  override readonly name = 'DataDirLockedError';
  readonly code = 'data_dir_locked';
  readonly dir: string;
  /** Undefined if the holder hadn't written it down yet. */
  readonly pid: number | undefined;

  constructor(dir: string, pid: number | undefined) {
    super(`data folder ${dir} is in use by ${pid === undefined ? 'another process' : `process ${pid}`}`);
    this.dir = dir;
    this.pid = pid;
  }
}

export interface DataDirLock {
  readonly dir: string;
  release(): void;
}

const LOCK_FILE = 'lock.sqlite';
const PID_FILE = 'lock.pid';

/** What the lock puts into a data folder. */
export const LOCK_FILES: readonly string[] = [LOCK_FILE, PID_FILE];

/**
 * Takes a data folder (made, for this user alone, if it is missing) for this process alone.
 *
 * The lock is the operating system's, on a file that SQLite holds locked exclusively: it goes with the process
 * however that dies, so there is no stale lock to judge. `lock.pid` beside it only says who; it is never trusted.
 * Nobody may open `lock.sqlite` by other means in this process: closing any handle drops a POSIX lock.
 * @throws DataDirLockedError
 */
export function lockDataDir(dir: string): DataDirLock {
  const path = resolve(dir);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const pidPath = join(path, PID_FILE);
  const db = new DatabaseSync(join(path, LOCK_FILE));
  try {
    db.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA busy_timeout=0; BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (isBusy(error)) throw new DataDirLockedError(path, readPid(pidPath));
    throw error;
  }
  writeFileSync(pidPath, `${process.pid}\n`);
  return {
    dir: path,
    release() {
      if (!db.isOpen) return;
      rmSync(pidPath, { force: true });
      db.close();
    },
  };
}

const SQLITE_BUSY = 5;

function isBusy(error: unknown): boolean {
  // Extended codes have the primary code in their low byte.
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === SQLITE_BUSY;
}

function readPid(path: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
    return Number.isSafeInteger(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}
