import { type BlockMeta, type Database, SqlBlockStore, SqlCompactionStore } from '@xscaler/database';
import { TenantStore } from '@xscaler/tenancy';
import { OPERATOR } from '../commands/operator.ts';
import { type DamagedBlock, damageOfBlock, describedBlock } from './damaged-blocks.ts';
import { type Finding, fault, ok } from './finding.ts';

/**
 * Gives up one live block that cannot be read, so that queries over its time no longer fail. Its parts are kept for as long
 * as those of a replaced block. A block that is readable is never dropped.
 */
export async function dropBlock(db: Database, blockId: string, signal: AbortSignal): Promise<Finding> {
  const meta = await findBlock(db, blockId);
  if (meta === undefined) return fault(`there is no live block ${blockId}`);
  const reason = await damageOfBlock(new SqlBlockStore(db), meta, signal);
  if (reason === undefined) return fault(`${describedBlock(meta)} is readable: it was not dropped`);
  return ok(`dropped: ${await retireBlock(db, { meta, reason })}`);
}

/** Takes a block out of what is read, with a row in the audit log; says which it was. */
export async function retireBlock(db: Database, { meta, reason }: DamagedBlock): Promise<string> {
  const description = describedBlock(meta);
  const { last } = await new SqlBlockStore(db).commitHistory(meta.partition);
  const trace = { action: 'block.drop', tenant: meta.tenant, detail: `${description}: ${reason}` };
  await new TenantStore(db).noteAction(trace, OPERATOR);
  const swap = { replaced: [meta], merged: undefined, purgedOffset: -1, commit: last };
  await new SqlCompactionStore(db).swap(swap);
  return description;
}

async function findBlock(db: Database, blockId: string): Promise<BlockMeta | undefined> {
  const blocks = new SqlBlockStore(db);
  for (const tenant of await new SqlCompactionStore(db).tenantsWithBlocks()) {
    const all = await blocks.list(tenant, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    const found = all.find((meta) => meta.blockId === blockId);
    if (found !== undefined) return found;
  }
  return undefined;
}
