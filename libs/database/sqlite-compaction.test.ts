import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compactionStoreContract } from './compaction-store-contract.ts';
import { deletionStoreContract } from './deletion-store-contract.ts';
import { logIdentityContract } from './log-identity-contract.ts';
import { SqlLogIdentityStore } from './log-identity-store.ts';
import { migrate } from './migrate.ts';
import { SqlOutageStore } from './outage-store.ts';
import { outageStoreContract } from './outage-store-contract.ts';
import { SqlBlockStore } from './sql-block-store.ts';
import { SqlCompactionStore } from './sql-compaction-store.ts';
import { SqlDeletionStore } from './sql-deletion-store.ts';
import { openSqliteDatabase } from './sqlite-database.ts';

async function openStores() {
  const folder = await mkdtemp(join(tmpdir(), 'compaction-'));
  const db = openSqliteDatabase(join(folder, 'xscaler.db'));
  await migrate(db);
  let nowMs = 0;
  const now = () => nowMs;
  return {
    compaction: new SqlCompactionStore(db, now),
    blocks: new SqlBlockStore(db, now),
    deletions: new SqlDeletionStore(db),
    outages: new SqlOutageStore(db),
    identities: new SqlLogIdentityStore(db),
    setTimeMs(ms: number) {
      nowMs = ms;
    },
    async dispose() {
      await db.close();
      await rm(folder, { recursive: true });
    },
  };
}

deletionStoreContract('sqlite', openStores);
compactionStoreContract('sqlite', openStores);
outageStoreContract('sqlite', openStores);
logIdentityContract('sqlite', openStores);
