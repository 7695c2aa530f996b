import { type Database, DatabaseError, type Row, type SqlRunner, type SqlValue } from '@xscaler/database';
import type { Random } from '@xscaler/e2e/harness';
import type { Callee, Network } from './network.ts';
import { isSelect, type Statement, type Tables } from './tables.ts';
import type { Actor, VirtualTime } from './virtual-time.ts';

interface Commit {
  readonly atMs: number;
  readonly statements: readonly Statement[];
}

/** The database's server: SQLite in memory, with a record of its commits, so that it can go back in time. */
export class SimulatedDatabase implements Callee {
  readonly actor = undefined;
  isAway = false;
  /** Chance that a transaction is rolled back at its end and run again, as PostgreSQL's serialisation faults have it. */
  rerunTransactions = 0;
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #tables: Tables;
  readonly #commits: Commit[] = [];
  #lastTransaction: Promise<unknown> = Promise.resolve();

  /** `tables` are this database's own until somebody else clears them. */
  constructor(time: VirtualTime, random: Random, tables: Tables) {
    this.#time = time;
    this.#random = random;
    this.#tables = tables;
    tables.clear();
  }

  query(sql: string, params: readonly SqlValue[]): Promise<Row[]> {
    if (isSelect(sql)) return this.#inTurn(async () => this.#tables.run(sql, params));
    return this.transaction((tx) => tx.query(sql, params));
  }

  transaction<T>(work: (tx: SqlRunner) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      if (this.#random.next() < this.rerunTransactions)
        await this.#attempt(work, false).catch(() => undefined);
      return this.#attempt(work, true);
    });
  }

  /** A replica that had not heard of the last commits takes over. */
  forgetSince(atMs: number): Promise<void> {
    return this.#inTurn(async () => {
      const kept = this.#commits.findLastIndex((commit) => commit.atMs < atMs) + 1;
      if (kept === this.#commits.length) return;
      this.#commits.length = kept;
      this.#tables.clear();
      for (const { statements } of this.#commits) {
        for (const { sql, params } of statements) this.#tables.run(sql, params);
      }
    });
  }

  async #attempt<T>(work: (tx: SqlRunner) => Promise<T>, commits: boolean): Promise<T> {
    const tables = this.#tables;
    const statements: Statement[] = [];
    const query = async <R extends Row>(sql: string, params: readonly SqlValue[] = []): Promise<R[]> => {
      const rows = tables.run(sql, params) as R[];
      if (!isSelect(sql)) statements.push({ sql, params });
      return rows;
    };
    tables.run('BEGIN', []);
    let isCommitted = false;
    try {
      const result = await work({ query });
      if (!commits) throw new Error('rolled back, to be run again');
      tables.run('COMMIT', []);
      isCommitted = true;
      if (statements.length > 0) this.#commits.push({ atMs: this.#time.nowMs, statements });
      return result;
    } finally {
      if (!isCommitted) tables.run('ROLLBACK', []);
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#lastTransaction.then(work);
    this.#lastTransaction = done.catch(() => undefined);
    return done;
  }
}

/** The database as one process has it. A transaction goes over the network as one call. */
export class DatabaseClient implements Database {
  readonly dialect = 'sqlite';
  readonly #database: SimulatedDatabase;
  readonly #network: Network;
  readonly #actor: Actor | undefined;

  constructor(database: SimulatedDatabase, network: Network, actor: Actor | undefined) {
    this.#database = database;
    this.#network = network;
    this.#actor = actor;
  }

  query<R extends Row = Row>(sql: string, params: readonly SqlValue[] = []): Promise<R[]> {
    return this.#call(() => this.#database.query(sql, params) as Promise<R[]>);
  }

  transaction<T>(work: (tx: SqlRunner) => Promise<T>): Promise<T> {
    return this.#call(() => this.#database.transaction(work));
  }

  async close(): Promise<void> {}

  #call<T>(work: () => Promise<T>): Promise<T> {
    const lost = () => new DatabaseError('unavailable', 'no answer from the database');
    return this.#network.call(this.#actor, this.#database, work, lost);
  }
}
