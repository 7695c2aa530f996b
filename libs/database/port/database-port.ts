import type { MessagePort } from 'node:worker_threads';
import { toWireError, type WireError } from '@xscaler/rpc';
import { type Database, DatabaseError, type Row, type SqlRunner, type SqlValue } from '../sql/database.ts';

/*
 * The protocol between `connectDatabase` and `serveDatabase`: structured-clone messages, blobs transferred.
 *
 * The client numbers its requests; each gets one answer. `begin` opens a transaction, which from then on goes by the number
 * of that request, and is answered when its turn has come; `end` closes it and is answered once it is committed
 * or rolled back.
 */
export type DatabaseRequest =
  | {
      readonly kind: 'query';
      readonly id: number;
      readonly sql: string;
      readonly params: readonly SqlValue[];
    }
  | { readonly kind: 'begin'; readonly id: number }
  | {
      readonly kind: 'statement';
      readonly id: number;
      readonly tx: number;
      readonly sql: string;
      readonly params: readonly SqlValue[];
    }
  | { readonly kind: 'end'; readonly id: number; readonly tx: number; readonly commit: boolean };

export interface DatabaseAnswer {
  readonly id: number;
  readonly rows?: readonly Row[];
  readonly fault?: WireError;
}

export interface ServeDatabaseOptions {
  /** A transaction whose client says nothing for this long is rolled back. */
  readonly transactionIdleMs?: number;
}

const DEFAULT_TRANSACTION_IDLE_MS = 10_000;

/** Serves `db` to the client at the other end of `port`, until that end closes. Any number of ports may share one `db`. */
export function serveDatabase(db: Database, port: MessagePort, options: ServeDatabaseOptions = {}): void {
  new DatabaseServer(db, port, options.transactionIdleMs ?? DEFAULT_TRANSACTION_IDLE_MS);
}

/** A transaction that a client has open. */
interface OpenTransaction {
  readonly runner: SqlRunner;
  readonly commit: () => void;
  readonly rollBack: (reason: Error) => void;
  readonly idleTimer: NodeJS.Timeout;
  /** The `end` request that is to be answered when it is over. */
  endId: number | undefined;
}

/** Why a transaction rolls back that its client wanted rolled back: no fault of anyone. */
class RolledBack extends Error {}

class DatabaseServer {
  readonly #db: Database;
  readonly #port: MessagePort;
  readonly #transactionIdleMs: number;
  readonly #transactions = new Map<number, OpenTransaction>();
  #isClosed = false;

  constructor(db: Database, port: MessagePort, transactionIdleMs: number) {
    this.#db = db;
    this.#port = port;
    this.#transactionIdleMs = transactionIdleMs;
    port.on('message', (request: DatabaseRequest) => this.#receive(request));
    port.on('close', () => {
      this.#isClosed = true;
      for (const { rollBack } of this.#transactions.values()) rollBack(new RolledBack());
    });
  }

  #receive(request: DatabaseRequest): void {
    switch (request.kind) {
      case 'query':
        this.#answer(request.id, this.#db.query(request.sql, request.params));
        break;
      case 'begin':
        void this.#begin(request.id);
        break;
      case 'statement': {
        const transaction = this.#transactions.get(request.tx);
        transaction?.idleTimer.refresh();
        const rows = transaction?.runner.query(request.sql, request.params);
        this.#answer(request.id, rows ?? Promise.reject(transactionGone()));
        break;
      }
      case 'end': {
        const transaction = this.#transactions.get(request.tx);
        if (transaction === undefined) {
          this.#answer(request.id, Promise.reject(transactionGone()));
          break;
        }
        transaction.endId = request.id;
        if (request.commit) transaction.commit();
        else transaction.rollBack(new RolledBack());
      }
    }
  }

  async #begin(tx: number): Promise<void> {
    let opened: OpenTransaction | undefined;
    const over = this.#db.transaction((runner) => {
      // The client has had its answers; only it could begin again.
      if (opened !== undefined) throw new DatabaseError('unavailable', 'the transaction was rolled back');
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      if (this.#isClosed) reject(new RolledBack());
      const idle = () => {
        // At once, since the rollback may take a while: until it is done a statement must hear of this reason.
        this.#transactions.delete(tx);
        reject(
          new DatabaseError('unavailable', `the transaction was idle for ${this.#transactionIdleMs} ms`),
        );
      };
      const idleTimer = setTimeout(idle, this.#transactionIdleMs);
      opened = { runner, commit: resolve, rollBack: reject, idleTimer, endId: undefined };
      this.#transactions.set(tx, opened);
      this.#answer(tx, Promise.resolve([]));
      return promise;
    });
    const outcome = over.then(
      () => [],
      (error) => {
        if (error instanceof RolledBack) return [];
        throw error;
      },
    );
    await outcome.catch(() => undefined);
    clearTimeout(opened?.idleTimer);
    this.#transactions.delete(tx);
    // It failed before it began, or ended as its client asked, or timed out: then the next request is told.
    if (opened === undefined) this.#answer(tx, outcome);
    else if (opened.endId !== undefined) this.#answer(opened.endId, outcome);
  }

  #answer(id: number, call: Promise<readonly Row[]>): void {
    call.then(
      (rows) => this.#port.postMessage({ id, rows } satisfies DatabaseAnswer, blobsOf(rows)),
      (error) => this.#port.postMessage({ id, fault: toWireError(error) } satisfies DatabaseAnswer),
    );
  }
}

function transactionGone(): DatabaseError {
  return new DatabaseError('unavailable', 'the transaction was rolled back: it was idle for too long');
}

/** The buffers of the blobs in `rows` that belong to one blob alone, and so can be moved. */
function blobsOf(rows: readonly Row[]): ArrayBuffer[] {
  const blobs: ArrayBuffer[] = [];
  for (const row of rows) {
    for (const name in row) {
      const value = row[name];
      if (!(value instanceof Uint8Array) || !(value.buffer instanceof ArrayBuffer)) continue;
      if (value.byteLength > 0 && value.byteLength === value.buffer.byteLength) blobs.push(value.buffer);
    }
  }
  return blobs;
}
