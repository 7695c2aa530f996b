import { DatabaseSync, type StatementSync } from 'node:sqlite';
import {
  type Database,
  DatabaseError,
  migrate,
  type Row,
  type SqlRunner,
  type SqlValue,
} from '@xscaler/database';
import type { Random } from '@xscaler/e2e/harness';
import type { Callee, Network } from './network.ts';
import type { Actor, VirtualTime } from './virtual-time.ts';

export interface Statement {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

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
  readonly #commits: Commit[] = [];
  #db = new DatabaseSync(':memory:');
  #prepared = new Map<string, StatementSync>();
  #lastTransaction: Promise<unknown> = Promise.resolve();

  /** `schema` is what creates its tables. */
  constructor(time: VirtualTime, random: Random, schema: readonly Statement[]) {
    this.#time = time;
    this.#random = random;
    this.#commits.push({ atMs: Number.NEGATIVE_INFINITY, statements: schema });
    for (const { sql, params } of schema) this.#run(sql, params);
  }

  query(sql: string, params: readonly SqlValue[]): Promise<Row[]> {
    if (/^\s*select\b/i.test(sql)) return this.#inTurn(async () => this.#run(sql, params));
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
      while ((this.#commits.at(-1) as Commit).atMs >= atMs) this.#commits.pop();
      this.#db.close();
      this.#db = new DatabaseSync(':memory:');
      this.#prepared = new Map();
      for (const { statements } of this.#commits) {
        for (const { sql, params } of statements) this.#run(sql, params);
      }
    });
  }

  close(): void {
    this.#db.close();
  }

  async #attempt<T>(work: (tx: SqlRunner) => Promise<T>, commits: boolean): Promise<T> {
    const statements: Statement[] = [];
    const query = async <R extends Row>(sql: string, params: readonly SqlValue[] = []): Promise<R[]> => {
      const rows = this.#run(sql, params) as R[];
      if (!/^\s*select\b/i.test(sql)) statements.push({ sql, params });
      return rows;
    };
    this.#db.exec('BEGIN');
    let isCommitted = false;
    try {
      const result = await work({ query });
      if (!commits) throw new Error('rolled back, to be run again');
      this.#db.exec('COMMIT');
      isCommitted = true;
      if (statements.length > 0) this.#commits.push({ atMs: this.#time.nowMs, statements });
      return result;
    } finally {
      if (!isCommitted) this.#db.exec('ROLLBACK');
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#lastTransaction.then(work);
    this.#lastTransaction = done.catch(() => undefined);
    return done;
  }

  #run(sql: string, params: readonly SqlValue[]): Row[] {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    const named: Record<string, SqlValue> = {};
    for (let i = 0; i < params.length; i++) named[`$${i + 1}`] = params[i];
    try {
      return statement.all(named) as Row[];
    } catch (error) {
      throw new DatabaseError('invalid', (error as Error).message, { cause: error });
    }
  }
}

/** The statements that bring an empty database to the current schema. */
export async function schemaStatements(): Promise<Statement[]> {
  const statements: Statement[] = [];
  const query = async <R extends Row>(sql: string, params: readonly SqlValue[] = []): Promise<R[]> => {
    if (!/^\s*select\b/i.test(sql)) statements.push({ sql, params });
    return [];
  };
  await migrate({
    dialect: 'sqlite',
    query,
    transaction: (work) => work({ query }),
    close: async () => undefined,
  });
  return statements;
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
