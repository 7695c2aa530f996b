import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Database, migrate, openSqliteDatabase } from '@xscaler/database';

/** An empty, migrated database that goes with its test. */
export async function openTenancy(context: TestContext): Promise<Database> {
  const folder = await mkdtemp(join(tmpdir(), 'tenancy-'));
  const db = openSqliteDatabase(join(folder, 'xscaler.db'));
  context.after(async () => {
    await db.close();
    await rm(folder, { recursive: true });
  });
  await migrate(db);
  return db;
}
