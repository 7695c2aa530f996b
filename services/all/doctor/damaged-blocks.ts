import {
  type BlockMeta,
  type Database,
  DatabaseError,
  SqlBlockStore,
  SqlCompactionStore,
} from '@xscaler/database';
import { Matcher } from '@xscaler/model';
import { BlockReader, DamagedBlockError } from '@xscaler/tsdb';

export interface DamagedBlock {
  readonly meta: BlockMeta;
  readonly reason: string;
}

export interface BlockCheck {
  readonly checked: number;
  readonly damaged: readonly DamagedBlock[];
}

/** Every series has a name or has none: this selects all of them. */
const EVERY_SERIES = [[new Matcher('=~', '__name__', '.*')]];

/**
 * Reads every live block from end to end, so that each of its slices is compared with its checksum.
 * Rejects with `DatabaseError` if the database itself does not answer.
 */
export async function damagedBlocks(db: Database, signal: AbortSignal): Promise<BlockCheck> {
  const store = new SqlBlockStore(db);
  const damaged: DamagedBlock[] = [];
  let checked = 0;
  for (const tenant of await new SqlCompactionStore(db).tenantsWithBlocks()) {
    for (const meta of await store.list(tenant, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)) {
      const reason = await damageOfBlock(store, meta, signal);
      checked++;
      if (reason !== undefined) damaged.push({ meta, reason });
    }
  }
  return { checked, damaged };
}

/** Why a block cannot be read whole; undefined if it can. */
export async function damageOfBlock(
  store: SqlBlockStore,
  meta: BlockMeta,
  signal: AbortSignal,
): Promise<string | undefined> {
  const reader = new BlockReader(meta, {
    read: (kind, number, offset, length) => store.readPart(meta.blockId, kind, number, offset, length),
  });
  try {
    for (const name of await reader.labelNames([], signal)) await reader.labelValues(name, [], signal);
    await reader.labelCounts([], undefined, signal);
    await reader.exemplars([], Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, signal);
    let series = 0;
    for await (const frame of reader.select(EVERY_SERIES, meta.minTimeMs, meta.maxTimeMs, signal))
      series += frame.length > 0 ? 1 : 0;
    if (series === 0 && meta.sampleCount > 0) return 'its index counts samples, but it has none';
    return undefined;
  } catch (error) {
    if (error instanceof DamagedBlockError) return error.message;
    // A part that is missing, or that lies on a damaged page.
    if (error instanceof DatabaseError && (error.code === 'invalid' || error.code === 'damaged'))
      return `block ${meta.blockId}: ${error.message}`;
    throw error;
  }
}

/** Of whom, when and how much: what an operator has to know about a block that cannot be read. */
export function describedBlock({
  blockId,
  tenant,
  partition,
  minTimeMs,
  maxTimeMs,
  sampleCount,
}: BlockMeta): string {
  const from = new Date(minTimeMs).toISOString();
  const to = new Date(maxTimeMs).toISOString();
  return `block ${blockId} of tenant ${tenant}, partition ${partition}, ${from} to ${to}, ${sampleCount} samples`;
}
