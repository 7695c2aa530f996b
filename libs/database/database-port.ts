import type { MessagePort } from 'node:worker_threads';
import type { Database } from './database.ts';

export interface ServeDatabaseOptions {
  /** A transaction whose client says nothing for so long is rolled back. */
  readonly transactionIdleMs?: number;
}

/** Serves `db` to the client at the other end of `port`, until that end closes. Any number of ports may share one `db`. */
export function serveDatabase(db: Database, port: MessagePort, options: ServeDatabaseOptions = {}): void {
  throw new Error(`not built yet: ${db} ${port} ${options}`);
}
