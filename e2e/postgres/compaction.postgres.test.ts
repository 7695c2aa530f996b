import { after, before, describe } from 'node:test';
import {
  migrate,
  SqlBlockStore,
  SqlCompactionStore,
  SqlDeletionStore,
  SqlLogIdentityStore,
  SqlOutageStore,
} from '@xscaler/database';
import {
  compactionStoreContract,
  deletionStoreContract,
  logIdentityContract,
  outageStoreContract,
} from '@xscaler/database/contracts';
import { openTestDatabase } from './open-test-database.ts';
import { PostgresServer, skipWithoutPostgres } from './postgres-server.ts';

describe('compaction on PostgreSQL', { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.dispose());

  const open = async () => {
    const { db, dispose } = await openTestDatabase(server);
    await migrate(db);
    let nowMs = 0;
    const now = () => nowMs;
    return {
      compaction: new SqlCompactionStore(db, now),
      blocks: new SqlBlockStore(db, now),
      deletions: new SqlDeletionStore(db),
      outages: new SqlOutageStore(db),
      identities: new SqlLogIdentityStore(db),
      dispose,
      setTimeMs(ms: number) {
        nowMs = ms;
      },
    };
  };
  deletionStoreContract('postgres', open);
  compactionStoreContract('postgres', open);
  outageStoreContract('postgres', open);
  logIdentityContract('postgres', open);
});
