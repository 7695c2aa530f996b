import { migrate, SqlBlockStore } from '@xscaler/database';
import { acceptLoss } from '@xscaler/ingester';
import { lockDataDir } from '@xscaler/runtime';
import type { Config } from '../configuration/config.ts';
import { withDatabase, withWriteLog } from '../data/data-files.ts';
import { requireNoRepair } from '../data/pending-repair.ts';

/** Accepts the loss on one machine, whose program is stopped. @throws Error if it runs */
export async function acceptLossHere(config: Config, partition: number): Promise<string> {
  const { data_dir: dataDir, write_log: writeLog } = config;
  const lock = lockDataDir(dataDir);
  try {
    requireNoRepair(dataDir);
    return await withDatabase(dataDir, async (db) => {
      await migrate(db);
      return withWriteLog(dataDir, writeLog.partitions, async (log) => {
        if (partition >= log.partitionCount) throw new Error(`there are ${log.partitionCount} partitions`);
        const blocks = new SqlBlockStore(db);
        return acceptLoss({ blocks, log, holdersOf: async () => [] }, partition);
      });
    });
  } finally {
    lock.release();
  }
}
