import type { Database } from '@xscaler/database';
import { openPostgresDatabase, type PostgresOptions } from '@xscaler/database/postgres';
import type { PostgresServer } from './postgres-server.ts';

/** An empty database of a server, its first client and a maker of others; `dispose` closes the clients. */
export async function openTestDatabase(server: PostgresServer, options: PostgresOptions = {}) {
  const name = await server.createDatabase();
  const clients: Database[] = [];
  const open = (more: PostgresOptions = {}) => {
    const client = openPostgresDatabase({ url: server.url(name), ...options, ...more });
    clients.push(client);
    return client;
  };
  return {
    name,
    db: open(),
    connect: async (more: PostgresOptions = {}) => open(more),
    async dispose() {
      for (const client of clients) await client.close();
    },
  };
}
