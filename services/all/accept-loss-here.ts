import { join } from 'node:path';
import { migrate, openSqliteDatabase, SqlBlockStore } from '@xscaler/database';
import { acceptLoss } from '@xscaler/ingester';
import { lockDataDir } from '@xscaler/runtime';
import { openSqliteWriteLog } from '@xscaler/writelog';
import type { Config } from './config.ts';

/** Accepts the loss on one machine, whose program is stopped. @throws Error if it runs */
export async function acceptLossHere(config: Config, partition: number): Promise<string> {
  const lock = lockDataDir(config.data_dir);
  try {
    await using stack = new AsyncDisposableStack();
    const db = openSqliteDatabase(join(config.data_dir, 'database.sqlite'));
    stack.defer(() => db.close());
    await migrate(db);
    const log = openSqliteWriteLog({
      path: join(config.data_dir, 'write-log.sqlite'),
      partitionCount: config.write_log.partitions,
    });
    stack.defer(() => log.close());
    if (partition >= log.partitionCount) throw new Error(`there are ${log.partitionCount} partitions`);
    return await acceptLoss({ blocks: new SqlBlockStore(db), log, holdersOf: async () => [] }, partition);
  } finally {
    lock.release();
  }
}
