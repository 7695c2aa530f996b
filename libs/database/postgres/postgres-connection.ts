import type { PoolClient, QueryConfig, QueryResult } from 'pg';
import { DatabaseError, type Row, type SqlRunner, type SqlValue } from '../sql/database.ts';
import { databaseErrorOf, endsSession } from './postgres-errors.ts';

/** The driver's types don't know its `queryMode`. */
interface ExtendedQuery extends QueryConfig<SqlValue[]> {
  readonly queryMode: 'extended';
}

/** A connection of the pool in one caller's hands, until `release`. */
export class PostgresConnection {
  readonly #client: PoolClient;
  /** While nobody waits for an answer a lost connection is an event, which would end the process if nobody listened. */
  readonly #onError = () => {
    this.#isBroken = true;
  };
  #isBroken = false;

  constructor(client: PoolClient) {
    this.#client = client;
    client.on('error', this.#onError);
  }

  /** Runs one statement. Rejects with `DatabaseError`, whose cause is the driver's error. */
  async run(sql: string, params: readonly SqlValue[] = []): Promise<QueryResult<Row>> {
    // Extended even without parameters: the simple protocol would take several statements in one text.
    const query: ExtendedQuery = { text: sql, values: [...params], queryMode: 'extended' };
    try {
      return await this.#client.query<Row, SqlValue[]>(query);
    } catch (error) {
      if (!(error instanceof DatabaseError) && endsSession(error)) this.#isBroken = true;
      throw databaseErrorOf(error);
    }
  }

  begin(): Promise<unknown> {
    // Whatever the server's default is. See `PostgresDatabase` for why this one.
    return this.run('BEGIN ISOLATION LEVEL READ COMMITTED');
  }

  async commit(): Promise<void> {
    const { command } = await this.run('COMMIT');
    // A transaction that can't be committed answers COMMIT with ROLLBACK, and no error.
    if (command !== 'COMMIT')
      throw new DatabaseError('unavailable', 'the server rolled the transaction back');
  }

  /** Never rejects: a connection that can't roll back is closed, and the server does it then. */
  async rollBack(): Promise<void> {
    if (this.#isBroken) return;
    await this.run('ROLLBACK').catch(this.#onError);
  }

  /** Gives it back to the pool, or closes it if it is broken. */
  release(): void {
    this.#client.release(this.#isBroken);
    this.#client.off('error', this.#onError);
  }
}

/** The statements of one transaction, one after another. One that fails fails the transaction. */
export class PostgresTransaction implements SqlRunner {
  readonly #connection: PostgresConnection;
  /** Resolves when the last statement is done; never rejects. */
  #last: Promise<unknown> = Promise.resolve();
  #fault: unknown;
  #isOver = false;

  constructor(connection: PostgresConnection) {
    this.#connection = connection;
  }

  /** What the first statement that failed rejected with. */
  get fault(): unknown {
    return this.#fault;
  }

  async query<R extends Row = Row>(sql: string, params: readonly SqlValue[] = []): Promise<R[]> {
    if (this.#isOver) throw new DatabaseError('invalid', 'the transaction is over');
    const rows = this.#last.then(() => this.#run(sql, params));
    this.#last = rows.catch(() => undefined);
    return rows as Promise<R[]>;
  }

  /** Takes no more statements, and waits for those under way. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#last;
  }

  async #run(sql: string, params: readonly SqlValue[]): Promise<Row[]> {
    if (this.#fault !== undefined) {
      throw new DatabaseError('invalid', 'an earlier statement of the transaction failed', {
        cause: this.#fault,
      });
    }
    try {
      return (await this.#connection.run(sql, params)).rows;
    } catch (error) {
      this.#fault = error;
      throw error;
    }
  }
}
