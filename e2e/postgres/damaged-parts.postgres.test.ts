import { after, before, describe } from 'node:test';
import { migrate } from '@xscaler/database';
import { damagedPartsContract } from '../damaged-parts.ts';
import { openTestDatabase } from './open-test-database.ts';
import { PostgresServer, skipWithoutPostgres } from './postgres-server.ts';

describe('damaged blocks on PostgreSQL', { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.dispose());

  damagedPartsContract('PostgreSQL', async () => {
    const opened = await openTestDatabase(server);
    await migrate(opened.db);
    return opened;
  });
});
