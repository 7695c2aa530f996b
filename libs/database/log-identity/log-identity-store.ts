import type { Database } from '../sql/database.ts';
import { type KnownLog, readKnownLog, registerLog } from './log-identity.ts';

/** Which log the database goes with. Rejects with `DatabaseError`. */
export interface LogIdentityStore {
  known(): Promise<KnownLog>;
  /** Registers a log unless one is registered; resolves with the identity that is registered then. */
  register(identity: string): Promise<string>;
}

/** As the tables of `migrations/0008_log_identity.sql`. */
export class SqlLogIdentityStore implements LogIdentityStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  known(): Promise<KnownLog> {
    return this.#db.transaction(readKnownLog);
  }

  register(identity: string): Promise<string> {
    return this.#db.transaction((tx) => registerLog(tx, identity));
  }
}
