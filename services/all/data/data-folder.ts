import { join } from 'node:path';
import { closeDataDir, LOCK_FILES, type Logger } from '@xscaler/runtime';

export const DATABASE_FILE = 'database.sqlite';
export const WRITE_LOG_FILE = 'write-log.sqlite';

export const databasePath = (dataDir: string): string => join(dataDir, DATABASE_FILE);
export const writeLogPath = (dataDir: string): string => join(dataDir, WRITE_LOG_FILE);

/** Leaves a data folder and what `xscaler all` keeps there to the user that it runs as alone, and says what it changed. */
export function closeDataFolder(dataDir: string, logger: Pick<Logger, 'info' | 'warn'>): void {
  const { closed, keptOpen } = closeDataDir(dataDir, [...LOCK_FILES, DATABASE_FILE, WRITE_LOG_FILE]);
  if (closed.length > 0) {
    logger.info({ closed }, 'other users could read the data folder: its mode is now 0700, and its files have 0600');
  }
  for (const { path, mode, reason } of keptOpen) {
    logger.warn(
      { path, mode, reason },
      'other users can access the data folder: use a separate folder for data_dir, or run chmod go= on this path',
    );
  }
}
