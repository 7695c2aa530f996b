import { after, before, describe } from 'node:test';
import { migrate, SqlBlockStore } from '@xscaler/database';
import { blockStoreContract, databaseContract } from '@xscaler/database/contracts';
import { openTestDatabase } from './open-test-database.ts';
import { PostgresServer, skipWithoutPostgres } from './postgres-server.ts';

describe('PostgreSQL', { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.dispose());

  databaseContract('postgres', () => openTestDatabase(server));

  blockStoreContract('postgres', async () => {
    const { db, dispose } = await openTestDatabase(server);
    await migrate(db);
    let nowMs = 0;
    const store = new SqlBlockStore(db, () => nowMs);
    return {
      store,
      dispose,
      setTimeMs(ms) {
        nowMs = ms;
      },
    };
  });
});
