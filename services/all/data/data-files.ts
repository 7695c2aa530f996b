import { type Database, openSqliteDatabase } from '@xscaler/database';
import { openSqliteWriteLog, type WriteLog } from '@xscaler/writelog';
import { databasePath, writeLogPath } from './data-folder.ts';

/** Runs `work` on the database of a data folder that this process has locked; its schema stays unchanged. */
export async function withDatabase<T>(dataDir: string, work: (db: Database) => Promise<T>): Promise<T> {
  const db = openSqliteDatabase(databasePath(dataDir));
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

/** Runs `work` on the write log of a data folder that this process has locked. A log that has more partitions keeps them. */
export async function withWriteLog<T>(
  dataDir: string,
  partitionCount: number,
  work: (log: WriteLog) => Promise<T>,
): Promise<T> {
  const log = openSqliteWriteLog({ path: writeLogPath(dataDir), partitionCount });
  try {
    return await work(log);
  } finally {
    await log.close();
  }
}
