import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'pg';
import { type Database, DatabaseError, type Row, type SqlRunner, type SqlValue } from '../sql/database.ts';
import { PostgresConnection, PostgresTransaction } from './postgres-connection.ts';
import { databaseErrorOf, mayRunAgain, refusalOf } from './postgres-errors.ts';
import { type PostgresOptions, targetOf } from './postgres-options.ts';
import { VALUE_TYPES } from './postgres-values.ts';

export interface PostgresDatabaseStats {
  /** Connections that are open or being opened, and those of them nobody uses. */
  readonly connections: number;
  readonly idleConnections: number;
  /** Calls that wait for a connection. */
  readonly queuedCalls: number;
  /** Counts since the database was opened. */
  readonly transactions: number;
  readonly rerunTransactions: number;
  readonly refusedCalls: number;
  readonly lostConnections: number;
}

const DEFAULT_MAX_CONNECTIONS = 10;
const DEFAULT_MAX_QUEUED = 1024;
const DEFAULT_CONNECT_TIMEOUT_MS = 5_000;
const DEFAULT_STATEMENT_TIMEOUT_MS = 30_000;
const DEFAULT_TRANSACTION_IDLE_MS = 10_000;

/** How much longer than the server we wait before we take it for dead. */
const GRACE_MS = 2_000;
const IDLE_CONNECTION_MS = 60_000;
const KEEP_ALIVE_DELAY_MS = 10_000;

/** Runs of a transaction that meets deadlocks or serialization failures; the last one's error is the caller's. */
const MAX_RUNS = 5;
const RERUN_DELAY_MS = 20;

/** How long a server that is unreachable may hold up `close`. */
const CLOSE_WITHIN_MS = 1_000;

/**
 * Opens a pool of connections to a PostgreSQL database. Nothing is connected before the first call.
 * @throws DatabaseError `invalid` if the options can't be understood
 */
export function openPostgresDatabase(
  options: PostgresOptions,
): Database & { readonly stats: PostgresDatabaseStats } {
  return new PostgresDatabase(options);
}

/**
 * A `Database` in PostgreSQL.
 *
 * Transactions are READ COMMITTED: our statements are each a compare-and-swap in themselves (`INSERT … ON CONFLICT`,
 * `UPDATE … WHERE … RETURNING`), which wait for a row that another transaction holds and then look at what that one
 * committed. At the stricter levels they would fail there instead. So the only failure by chance is a deadlock; the
 * transaction is then run again from the start, `work` included. A deadlock that doesn't go away is `unavailable`:
 * `conflict` is left to a compare-and-swap that was lost.
 */
class PostgresDatabase implements Database {
  readonly dialect = 'postgres';
  readonly #pool: Pool;
  readonly #maxQueued: number;
  /** What a failure to connect means, if it is one of TLS or of who we are. */
  readonly #explain: (error: unknown) => string | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #underWay = new Set<Promise<unknown>>();
  #transactions = 0;
  #reruns = 0;
  #refused = 0;
  #lost = 0;
  #closed: Promise<void> | undefined;

  constructor(options: PostgresOptions) {
    const statementTimeoutMs = options.statementTimeoutMs ?? DEFAULT_STATEMENT_TIMEOUT_MS;
    this.#maxQueued = options.maxQueuedCalls ?? DEFAULT_MAX_QUEUED;
    const { tls, ...target } = targetOf(options);
    this.#explain = (error) => {
      const fault = tls?.explain(error) ?? refusalOf(error);
      return fault === undefined ? undefined : `PostgreSQL at ${target.host}:${target.port}: ${fault}`;
    };
    this.#pool = new Pool({
      ...target,
      ssl: tls?.connectOptions ?? false,
      enableChannelBinding: tls?.bindsChannel ?? false,
      max: options.maxConnections ?? DEFAULT_MAX_CONNECTIONS,
      connectionTimeoutMillis: options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
      idleTimeoutMillis: IDLE_CONNECTION_MS,
      statement_timeout: statementTimeoutMs,
      query_timeout: statementTimeoutMs + GRACE_MS,
      idle_in_transaction_session_timeout: options.transactionIdleMs ?? DEFAULT_TRANSACTION_IDLE_MS,
      application_name: options.applicationName ?? 'xscaler',
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
      types: VALUE_TYPES,
      stream: () => this.#openSocket(),
    });
    this.#pool.on('error', (error) => {
      this.#lost++;
      options.onConnectionLost?.(databaseErrorOf(error).message);
    });
  }

  query<R extends Row = Row>(sql: string, params: readonly SqlValue[] = []): Promise<R[]> {
    return this.#track(() =>
      this.#runAgain(async () => {
        const connection = await this.#connect();
        try {
          return (await connection.run(sql, params)).rows as R[];
        } finally {
          connection.release();
        }
      }),
    );
  }

  transaction<T>(work: (tx: SqlRunner) => Promise<T>): Promise<T> {
    return this.#track(() => {
      this.#transactions++;
      return this.#runAgain(() => this.#transact(work));
    });
  }

  get stats(): PostgresDatabaseStats {
    return {
      connections: this.#pool.totalCount,
      idleConnections: this.#pool.idleCount,
      queuedCalls: this.#pool.waitingCount,
      transactions: this.#transactions,
      rerunTransactions: this.#reruns,
      refusedCalls: this.#refused,
      lostConnections: this.#lost,
    };
  }

  /** Waits for the calls that were begun. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    const timer = new AbortController();
    const timeout = sleep(CLOSE_WITHIN_MS, undefined, { signal: timer.signal }).catch(() => undefined);
    await Promise.race([this.#pool.end(), timeout]);
    timer.abort();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #transact<T>(work: (tx: SqlRunner) => Promise<T>): Promise<T> {
    const connection = await this.#connect();
    const tx = new PostgresTransaction(connection);
    try {
      await connection.begin();
      const result = await work(tx);
      await tx.end();
      if (tx.fault !== undefined) throw tx.fault;
      await connection.commit();
      return result;
    } catch (error) {
      await tx.end();
      await connection.rollBack();
      // `work` may have made another error of it.
      throw mayRunAgain(tx.fault) ? tx.fault : error;
    } finally {
      connection.release();
    }
  }

  /** Runs `attempt` again if the server rolled it back for reasons that pass. */
  async #runAgain<T>(attempt: () => Promise<T>): Promise<T> {
    for (let run = 1; ; run++) {
      try {
        return await attempt();
      } catch (error) {
        if (run === MAX_RUNS || !mayRunAgain(error)) throw error;
        this.#reruns++;
        // Not in step with the one it met.
        await sleep(Math.random() * RERUN_DELAY_MS * run);
      }
    }
  }

  async #connect(): Promise<PostgresConnection> {
    try {
      return new PostgresConnection(await this.#pool.connect());
    } catch (error) {
      const fault = this.#explain(error);
      if (fault !== undefined) throw new DatabaseError('unavailable', fault, { cause: error });
      throw databaseErrorOf(error);
    }
  }

  async #track<T>(call: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) throw new DatabaseError('unavailable', 'the database is closed');
    if (this.#pool.waitingCount >= this.#maxQueued) {
      this.#refused++;
      throw new DatabaseError('unavailable', `${this.#maxQueued} calls wait for a connection`);
    }
    const done = call();
    this.#underWay.add(done);
    try {
      return await done;
    } finally {
      this.#underWay.delete(done);
    }
  }

  #openSocket(): Socket {
    const socket = new Socket();
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    return socket;
  }
}
