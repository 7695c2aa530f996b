/** Thread of the embedded database: tenants, blocks and the ledger in one SQLite file. */
import { migrate, openSqliteDatabase, serveDatabase } from '@xscaler/database';
import { createRegistry, runThread } from '@xscaler/runtime';

runThread<{ path: string }>(async ({ config, ports }) => {
  const db = openSqliteDatabase(config.path);
  await migrate(db);
  for (const port of Object.values(ports)) serveDatabase(db, port);
  return { registry: createRegistry('database'), stop: () => db.close() };
});
