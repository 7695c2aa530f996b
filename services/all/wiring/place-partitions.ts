import type { Database } from '@xscaler/database';
import { PlacementStore } from '@xscaler/tenancy';
import type { WriteLog } from '@xscaler/writelog';

/**
 * Makes writers use `wanted` partitions of the embedded log, as the configuration has it at this start: it has got as many, and keeps
 * those above if it had more, which are read and followed on.
 */
export async function placePartitions(db: Database, log: WriteLog, wanted: number): Promise<void> {
  const store = new PlacementStore(db);
  const placed = await store.ensurePartitionCount(log.partitionCount);
  if (placed !== wanted) await store.setPartitionCount(wanted, { who: 'configuration', from: 'start' });
}
