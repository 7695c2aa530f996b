import type { MessagePort } from 'node:worker_threads';
import { fromWireError, type WireError } from '@xscaler/rpc';
import {
  type Database,
  DatabaseError,
  type DatabaseErrorCode,
  type Row,
  type SqlRunner,
  type SqlValue,
} from '../sql/database.ts';
import type { DatabaseAnswer, DatabaseRequest } from './database-port.ts';

/** A `Database` on the other end of `port`, if `serveDatabase` runs. `close` closes the port, not the database. */
export function connectDatabase(port: MessagePort, dialect: Database['dialect'] = 'sqlite'): Database {
  return new DatabaseClient(port, dialect);
}

interface PendingRequest {
  readonly resolve: (rows: readonly Row[]) => void;
  readonly reject: (error: Error) => void;
}

class DatabaseClient implements Database {
  readonly dialect: Database['dialect'];
  readonly #port: MessagePort;
  readonly #pending = new Map<number, PendingRequest>();
  #lastId = 0;
  #closed: DatabaseError | undefined;

  constructor(port: MessagePort, dialect: Database['dialect']) {
    this.dialect = dialect;
    this.#port = port;
    port.on('message', (answer: DatabaseAnswer) => this.#receive(answer));
    port.on('close', () => this.#fail('the database thread has ended'));
  }

  query<R extends Row = Row>(sql: string, params: readonly SqlValue[] = []): Promise<R[]> {
    return this.#ask((id) => ({ kind: 'query', id, sql, params: params.map(ownBlob) }));
  }

  async transaction<T>(work: (tx: SqlRunner) => Promise<T>): Promise<T> {
    let tx = 0;
    await this.#ask((id) => {
      tx = id;
      return { kind: 'begin', id };
    });
    const runner: SqlRunner = {
      query: (sql, params = []) =>
        this.#ask((id) => ({ kind: 'statement', id, tx, sql, params: params.map(ownBlob) })),
    };
    let result: T;
    try {
      result = await work(runner);
    } catch (error) {
      // Whether the rollback is confirmed or the connection lost: either way nothing was committed.
      await this.#ask((id) => ({ kind: 'end', id, tx, commit: false })).catch(() => undefined);
      throw error;
    }
    await this.#ask((id) => ({ kind: 'end', id, tx, commit: true }));
    return result;
  }

  /** Requests under way reject with `unavailable`: they may or may not happen. */
  async close(): Promise<void> {
    this.#fail('the database is closed');
    this.#port.close();
  }

  #ask<R extends Row = Row>(requestOf: (id: number) => DatabaseRequest): Promise<R[]> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const request = requestOf(id);
      this.#port.postMessage(request, blobsOf(request));
      this.#pending.set(id, { resolve: resolve as PendingRequest['resolve'], reject });
    });
  }

  #receive({ id, rows, fault }: DatabaseAnswer): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (fault !== undefined) pending?.reject(errorOf(fault));
    else pending?.resolve(rows ?? []);
  }

  #fail(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#closed = new DatabaseError('unavailable', reason);
    for (const { reject } of this.#pending.values()) reject(this.#closed);
    this.#pending.clear();
  }
}

function errorOf(fault: WireError): Error {
  if (fault.name !== 'DatabaseError') return fromWireError(fault);
  return new DatabaseError(fault.code as DatabaseErrorCode, fault.message);
}

/** A copy that can be moved: a parameter stays its caller's, and a view would take its whole buffer along. */
function ownBlob(value: SqlValue): SqlValue {
  return value instanceof Uint8Array ? Uint8Array.from(value) : value;
}

function blobsOf(request: DatabaseRequest): ArrayBuffer[] {
  if (!('params' in request)) return [];
  return request.params
    .filter((value) => value instanceof Uint8Array)
    .map((blob) => blob.buffer as ArrayBuffer);
}
