import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqlBlockStore } from '../blocks/sql-block-store.ts';
import { compactionStoreContract } from '../compaction/compaction-store-contract.ts';
import { SqlCompactionStore } from '../compaction/sql-compaction-store.ts';
import { deletionStoreContract } from '../deletion/deletion-store-contract.ts';
import { SqlDeletionStore } from '../deletion/sql-deletion-store.ts';
import { logIdentityContract } from '../log-identity/log-identity-contract.ts';
import { SqlLogIdentityStore } from '../log-identity/log-identity-store.ts';
import { SqlOutageStore } from '../outage/outage-store.ts';
import { outageStoreContract } from '../outage/outage-store-contract.ts';
import { migrate } from '../sql/migrate.ts';
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
