import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  type Database,
  migrate,
  openPostgresDatabase,
  type PostgresOptions,
  SqlBlockStore,
} from '@xscaler/database';
import { blockStoreContract, databaseContract, rejectsWith } from '@xscaler/database/contracts';
import { PostgresServer, skipWithoutPostgres } from './postgres-server.ts';

describe('PostgreSQL', { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.dispose());

  /** An empty database, its first client and a maker of others. */
  async function open(options: PostgresOptions = {}) {
    const name = await server.createDatabase();
    const clients: Database[] = [];
    const connect = async () => {
      const client = openPostgresDatabase({ url: server.url(name), ...options });
      clients.push(client);
      return client;
    };
    const db = openPostgresDatabase({ url: server.url(name), ...options });
    clients.push(db);
    return {
      name,
      db,
      connect,
      async dispose() {
        for (const client of clients) await client.close();
      },
    };
  }

  databaseContract('postgres', () => open());

  blockStoreContract('postgres', async () => {
    const { db, dispose } = await open();
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
  void assert;
  void test;
  void rejectsWith;
});
