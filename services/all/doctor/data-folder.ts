import { existsSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, SqlBlockStore, schemaState } from '@xscaler/database';
import { judgeLog } from '@xscaler/ingester';
import type { WriteLog } from '@xscaler/writelog';
import { withDatabase, withWriteLog } from '../data/data-files.ts';
import { DATABASE_FILE } from '../data/data-folder.ts';
import { repairStep } from '../data/pending-repair.ts';
import { damagedBlocks, describedBlock } from './damaged-blocks.ts';
import { type Finding, fault, note, ok } from './finding.ts';
import { DATA_FILES, damageOf, sizeOf } from './sqlite-file.ts';
import { unreadableRecords } from './unreadable-records.ts';

const MB = 1024 * 1024;
/** Below it a start may fail, or soon after it writes are refused. */
const LEAST_FREE_BYTES = 256 * MB;
const REPAIR = 'xscaler doctor --repair';

/** Checks of a data folder that this process has locked. `dir` is absolute. */
export async function checkDataFolder(dir: string, signal: AbortSignal): Promise<Finding[]> {
  const findings = [...modesOf(dir), freeSpace(dir)];
  if (repairStep(dir) !== undefined) return [...findings, fault('a repair was interrupted', REPAIR)];
  const files = DATA_FILES.map((name) => checkFile(dir, name));
  findings.push(...files);
  // What lies in a damaged file is looked at once it is repaired.
  if (files.some(({ level }) => level !== 'ok')) return findings;
  await withDatabase(dir, async (db) => {
    const schema = await checkSchema(db, DATABASE_FILE);
    findings.push(schema);
    if (schema.level === 'ok')
      findings.push(...(await checkBlocks(db, signal)), ...(await checkPartitions(dir, db)));
  });
  return findings;
}

/** What others on this machine may read or change. */
function modesOf(dir: string): Finding[] {
  const names = DATA_FILES.flatMap((name) => [name, `${name}-wal`, `${name}-shm`]);
  const open = ['', ...names]
    .map((name) => join(dir, name))
    .filter((path) => existsSync(path))
    .filter((path) => (statSync(path).mode & 0o077) !== 0);
  if (open.length === 0) return [ok(`${dir}: only its owner has access`)];
  return [fault(`other users have access to ${open.join(', ')}`, `chmod -R go-rwx ${dir}`)];
}

function freeSpace(dir: string): Finding {
  const { bavail, bsize } = statfsSync(dir);
  const free = bavail * bsize;
  const text = `${Math.floor(free / MB)} MB are free on the disk of ${dir}`;
  return free < LEAST_FREE_BYTES ? fault(text, `df -h ${dir}`) : ok(text);
}

function checkFile(dir: string, name: string): Finding {
  const path = join(dir, name);
  const size = sizeOf(path);
  if (size === undefined) return missingFile(dir, name);
  const damage = damageOf(path);
  if (damage.length === 0) return ok(`${name} (${Math.ceil(size / MB)} MB) is intact`);
  return fault(`${path} is damaged: ${damage.join('; ')}`, REPAIR);
}

/** A folder without either file is one that no server has used yet. */
function missingFile(dir: string, name: string): Finding {
  if (!DATA_FILES.some((other) => existsSync(join(dir, other)))) return note(`${name} does not exist yet`);
  return fault(`${join(dir, name)} is missing`, `restore it from a backup`);
}

export async function checkSchema(db: Database, name: string): Promise<Finding> {
  const { missing, unknown } = await schemaState(db);
  if (unknown.length > 0)
    return fault(`${name} was written by a newer release (${unknown.join(', ')})`, 'start the newer release');
  if (missing.length > 0)
    return note(`${name} lacks ${missing.join(', ')}: the next start brings it up to date`);
  return ok(`${name} has the schema of this release`);
}

export async function checkBlocks(db: Database, signal: AbortSignal): Promise<Finding[]> {
  const { checked, damaged } = await damagedBlocks(db, signal);
  if (damaged.length === 0) return [ok(`all ${checked} blocks are readable from end to end`)];
  return damaged.map(({ meta, reason }) =>
    fault(`${describedBlock(meta)}: ${reason}`, `xscaler doctor --drop-block ${meta.blockId}`),
  );
}

function checkPartitions(dir: string, db: Database): Promise<Finding[]> {
  return withWriteLog(dir, 1, async (log) => {
    const findings: Finding[] = [];
    for (let partition = 0; partition < log.partitionCount; partition++)
      findings.push(await checkPartition(log, db, partition), ...(await checkRecords(log, db, partition)));
    return findings;
  });
}

/** A replay stops at the first record that it cannot read. */
async function checkRecords(log: WriteLog, db: Database, partition: number): Promise<Finding[]> {
  const damaged = await unreadableRecords(log, new SqlBlockStore(db), partition);
  return damaged.map(({ offset, reason }) =>
    fault(`partition ${partition}: the record at offset ${offset} cannot be read: ${reason}`, REPAIR),
  );
}

/** Whether the log is the one that blocks were created from, and has what they do not. */
export async function checkPartition(log: WriteLog, db: Database, partition: number): Promise<Finding> {
  const progress = await new SqlBlockStore(db).progress(partition);
  const { reason, startOffset, endOffset } = await judgeLog(log, partition, progress);
  if (reason !== undefined) return fault(reason, `xscaler log accept-loss --partition ${partition}`);
  const holds = `partition ${partition}: the log holds offsets ${startOffset} to ${endOffset}`;
  return ok(`${holds}, blocks hold everything below ${progress.resumeOffset}`);
}
