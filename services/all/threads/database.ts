/** Thread of the embedded database: tenants, blocks and the ledger in one SQLite file. */
import { migrate, openSqliteDatabase, serveDatabase } from '@xscaler/database';
import { createRegistry, runThread } from '@xscaler/runtime';
import { exposeStats } from '../status/thread-gauges.ts';

runThread<{ path: string }>(async ({ config, ports }) => {
  const db = openSqliteDatabase(config.path);
  await migrate(db);
  for (const port of Object.values(ports)) serveDatabase(db, port);
  const registry = createRegistry('database');
  exposeStats(registry, () => db.stats, {
    queuedTransactions: ['xscaler_database_transactions_queued', 'Write transactions that run or wait.'],
    transactions: ['xscaler_database_transactions', 'Write transactions since the start.'],
    refusedTransactions: [
      'xscaler_database_transactions_refused',
      'Write transactions refused since the start.',
    ],
  });
  return { registry, stop: () => db.close() };
});
