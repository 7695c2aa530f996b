import type { MessagePort } from 'node:worker_threads';
import type { Database } from './database.ts';

/** A `Database` on the other end of `port`, where `serveDatabase` runs. `close` closes the port, not the database. */
export function connectDatabase(port: MessagePort, dialect: Database['dialect'] = 'sqlite'): Database {
  throw new Error(`not built yet: ${port} ${dialect}`);
}
