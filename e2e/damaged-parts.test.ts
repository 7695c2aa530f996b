import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate, openSqliteDatabase } from '@xscaler/database';
import { damagedPartsContract } from './damaged-parts.ts';

damagedPartsContract('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'damaged-parts-'));
  const db = openSqliteDatabase(join(folder, 'db.sqlite'));
  await migrate(db);
  return {
    db,
    async dispose() {
      await db.close();
      rmSync(folder, { recursive: true });
    },
  };
});
