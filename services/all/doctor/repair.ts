import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { migrate, openSqliteDatabase } from '@xscaler/database';
import { openSqliteWriteLog } from '@xscaler/writelog';
import { DATABASE_FILE, databasePath, WRITE_LOG_FILE } from '../data/data-folder.ts';
import { forgetRepair, noteRepair, repairStep, sync } from '../data/pending-repair.ts';
import { type Finding, fault, note, ok } from './finding.ts';
import { giveUpUnreadable } from './give-up-unreadable.ts';
import { isDamage, salvageRows } from './salvage-rows.ts';
import { printedSpans } from './spans.ts';
import { DATA_FILES, type DataFile, damageOf } from './sqlite-file.ts';

/** Behind the name of a file that is to take another's place. */
const REPAIRED = '.repaired';

/**
 * Mends a data folder that this process has locked. Every row of a damaged file that can be read goes into a new file, and
 * the damaged one is kept in a folder of its own. Then blocks and records that cannot be read are given up, each by name.
 * Can be cut short anywhere and begun again; until it is through, no server starts on the folder and no command changes it.
 * @throws Error if nothing of a file can be read
 */
export async function repair(dir: string, nowMs: number): Promise<Finding[]> {
  const findings = repairStep(dir) === 'saved' ? [] : await saveDamaged(dir, nowMs);
  swapIn(dir);
  findings.push(...(await giveUpUnreadable(dir)));
  forgetRepair(dir);
  return findings;
}

/** The damaged files are as before until the new ones are complete and durable. */
async function saveDamaged(dir: string, nowMs: number): Promise<Finding[]> {
  noteRepair(dir, 'saving');
  // What an earlier repair left half written must not take any file's place.
  removeRepaired(dir);
  try {
    const findings = await salvageDamaged(dir, nowMs);
    noteRepair(dir, 'saved');
    return findings;
  } catch (error) {
    removeRepaired(dir);
    forgetRepair(dir);
    throw error;
  }
}

async function salvageDamaged(dir: string, nowMs: number): Promise<Finding[]> {
  const damaged = DATA_FILES.filter((name) => {
    const path = join(dir, name);
    return existsSync(path) && damageOf(path).length > 0;
  });
  if (damaged.length === 0) return [];
  const backup = join(dir, `damaged-${new Date(nowMs).toISOString().replaceAll(':', '')}`);
  mkdirSync(backup, { mode: 0o700 });
  for (const name of damaged) keepCopy(dir, backup, name);
  const findings = [
    note(
      `the damaged files were moved to ${backup}: remove it when you no longer need them (sqlite3 FILE .recover may find more in them)`,
    ),
  ];
  for (const name of damaged) {
    const path = join(dir, name + REPAIRED);
    await EMPTY_FILES[name](path);
    chmodSync(path, 0o600);
    findings.push(...salvageFile(name, join(backup, name), path));
    sync(path);
  }
  return findings;
}

/** Make a file that has the tables of this release and nothing in them. */
const EMPTY_FILES: Readonly<Record<DataFile, (path: string) => Promise<void>>> = {
  [DATABASE_FILE]: async (path) => {
    const db = openSqliteDatabase(path);
    await migrate(db);
    await db.close();
  },
  [WRITE_LOG_FILE]: (path) => openSqliteWriteLog({ path, partitionCount: 1 }).close(),
};

function keepCopy(dir: string, backup: string, name: DataFile): void {
  for (const suffix of ['', '-wal']) {
    const from = join(dir, name + suffix);
    if (!existsSync(from)) continue;
    const to = join(backup, name + suffix);
    copyFileSync(from, to);
    chmodSync(to, 0o600);
    sync(to);
  }
  sync(backup);
}

function swapIn(dir: string): void {
  for (const name of DATA_FILES) {
    if (!existsSync(join(dir, name + REPAIRED))) continue;
    // A WAL belongs to the file that it was written for.
    for (const suffix of ['-wal', '-shm']) rmSync(join(dir, name + suffix), { force: true });
    renameSync(join(dir, name + REPAIRED), join(dir, name));
  }
  sync(dir);
}

function salvageFile(name: DataFile, damagedPath: string, freshPath: string): Finding[] {
  const from = new DatabaseSync(damagedPath, { enableForeignKeyConstraints: false });
  const to = new DatabaseSync(freshPath, { enableForeignKeyConstraints: false });
  try {
    requireReadable(from, damagedPath);
    const findings: Finding[] = [];
    for (const table of tablesOf(to)) {
      // What was applied to the fresh file holds for it, whatever the damaged one has had.
      if (table === 'schema_migrations') continue;
      to.exec('BEGIN');
      const { copied, unreadable } = salvageRows(from, to, table);
      to.exec('COMMIT');
      const text = `${name}, table ${table}: ${copied} rows saved`;
      if (table === 'log' && copied === 0) adoptIdentity(dirname(freshPath), to);
      findings.push(
        unreadable.length === 0 ? ok(text) : fault(`${text}; lost: rows ${printedSpans(unreadable)}`),
      );
    }
    if (name === DATABASE_FILE) raiseChangeCounter(to);
    to.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    return findings;
  } finally {
    from.close();
    to.close();
  }
}

/** A log that has lost its identity is still the one that blocks were created from: the database knows which. */
function adoptIdentity(dir: string, log: DatabaseSync): void {
  const repaired = databasePath(dir) + REPAIRED;
  const path = existsSync(repaired) ? repaired : databasePath(dir);
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const known = db.prepare("SELECT identity FROM registered_logs WHERE name = 'writes'").get();
    if (known !== undefined) log.prepare('UPDATE log SET identity = ?').run(String(known['identity']));
  } finally {
    db.close();
  }
}

/** Change numbers are keys: if the counter's own row is lost, the next one must still be above every one in use. */
function raiseChangeCounter(db: DatabaseSync): void {
  const numbered = db
    .prepare(
      `SELECT t.name FROM sqlite_master t, pragma_table_info(t.name) c
       WHERE t.type = 'table' AND c.name = 'change' AND t.name <> 'changes'`,
    )
    .all();
  const highest = numbered.map(({ name }) =>
    Number(db.prepare(`SELECT coalesce(max(change), 0) AS change FROM "${name}"`).get()?.change),
  );
  db.prepare("UPDATE changes SET change = max(change, ?) WHERE name = 'tenants'").run(Math.max(...highest));
}

/** An empty file in its place would look like a fresh start. */
function requireReadable(db: DatabaseSync, path: string): void {
  try {
    if (tablesOf(db).length > 0) return;
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  throw new Error(`nothing of ${path} can be read: restore the file from a backup`);
}

function tablesOf(db: DatabaseSync): string[] {
  return db
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    .all()
    .map(({ name }) => String(name));
}

function removeRepaired(dir: string): void {
  for (const name of DATA_FILES)
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(dir, name + REPAIRED + suffix), { force: true });
}
