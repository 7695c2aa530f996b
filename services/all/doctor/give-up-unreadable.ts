import { existsSync } from 'node:fs';
import { type Database, migrate, SqlBlockStore } from '@xscaler/database';
import { TenantStore } from '@xscaler/tenancy';
import { fillLostRecords } from '@xscaler/writelog';
import { OPERATOR } from '../commands/operator.ts';
import { withDatabase, withWriteLog } from '../data/data-files.ts';
import { databasePath, writeLogPath } from '../data/data-folder.ts';
import { damagedBlocks } from './damaged-blocks.ts';
import { retireBlock } from './drop-block.ts';
import { type Finding, fault } from './finding.ts';
import { printedSpans, spansOf } from './spans.ts';
import { unreadableRecords } from './unreadable-records.ts';

/** Gives up, by name, every block and every record of a data folder that cannot be read, so that a start goes on without. */
export async function giveUpUnreadable(dir: string): Promise<Finding[]> {
  if (!existsSync(databasePath(dir))) return [];
  return withDatabase(dir, async (db) => {
    await migrate(db);
    return [...(await giveUpBlocks(db)), ...(await giveUpRecords(dir, db))];
  });
}

async function giveUpBlocks(db: Database): Promise<Finding[]> {
  const { damaged } = await damagedBlocks(db, new AbortController().signal);
  const findings: Finding[] = [];
  for (const block of damaged) findings.push(fault(`lost: ${await retireBlock(db, block)}`));
  return findings;
}

async function giveUpRecords(dir: string, db: Database): Promise<Finding[]> {
  const path = writeLogPath(dir);
  if (!existsSync(path)) return [];
  const blocks = new SqlBlockStore(db);
  const rows = await db.query<{ partition: number; resume_offset: number }>(
    'SELECT partition, resume_offset FROM resume_offsets',
  );
  const resumeOffsets = new Map(rows.map((row) => [row.partition, row.resume_offset]));
  fillLostRecords(path, resumeOffsets);
  return withWriteLog(dir, 1, async (log) => {
    const findings: Finding[] = [];
    for (let partition = 0; partition < log.partitionCount; partition++) {
      const lost = await unreadableRecords(log, blocks, partition);
      if (lost.length === 0) continue;
      const offsets = lost.map(({ offset }) => offset);
      const detail = `partition ${partition}, ${offsets.length} records, offsets ${printedSpans(spansOf(offsets))}`;
      await new TenantStore(db).noteAction({ action: 'log.skip', tenant: '', detail }, OPERATOR);
      for (const offset of offsets) await blocks.skipRecord(partition, offset);
      findings.push(fault(`lost: ${detail}`));
    }
    return findings;
  });
}
