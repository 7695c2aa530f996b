import type { MessagePort } from 'node:worker_threads';
import { checkRecord } from '../check-record.ts';
import { type LogBatch, type WriteLog, WriteLogError } from '../write-log.ts';
import {
  batchBytes,
  type CallResult,
  type ClientMessage,
  detachable,
  errorOf,
  type ServerMessage,
} from './write-log-port.ts';

export interface ConnectWriteLogOptions {
  /** Bytes this client may have on their way to a commit; past it appends are refused with `unavailable`. */
  readonly maxPendingBytes?: number;
}

const DEFAULT_MAX_PENDING_BYTES = 64 * 1024 * 1024;

/**
 * A `WriteLog` on the other end of `port`, once `serveWriteLog` runs there. `close` closes the port, not the log.
 * Rejects with `WriteLogError` `unavailable` if that end has gone.
 */
export async function connectWriteLog(
  port: MessagePort,
  options: ConnectWriteLogOptions = {},
): Promise<WriteLog> {
  const client = new WriteLogClient(port, options.maxPendingBytes ?? DEFAULT_MAX_PENDING_BYTES);
  await client.connected;
  return client;
}

interface PendingCall {
  readonly resolve: (value: CallResult['value']) => void;
  readonly reject: (error: Error) => void;
}

/** The client's end of a read: batches that came, and the consumer that waits for them. */
interface PendingRead {
  readonly batches: LogBatch[];
  isEnded: boolean;
  error: Error | undefined;
  wake: (() => void) | undefined;
}

class WriteLogClient implements WriteLog {
  /** Of no use before `connected` has resolved. */
  partitionCount = 0;
  readonly #hello = Promise.withResolvers<void>();
  readonly #port: MessagePort;
  readonly #calls = new Map<number, PendingCall>();
  readonly #reads = new Map<number, PendingRead>();
  readonly #maxPendingBytes: number;
  #pendingBytes = 0;
  #lastId = 0;
  #closed: WriteLogError | undefined;

  constructor(port: MessagePort, maxPendingBytes: number) {
    this.#maxPendingBytes = maxPendingBytes;
    this.#port = port;
    port.on('message', (message: ServerMessage) => this.#receive(message));
    port.on('close', () => this.#fail(new WriteLogError('unavailable', "the log's thread has gone")));
  }

  get connected(): Promise<void> {
    return this.#hello.promise;
  }

  async append(partition: number, record: Uint8Array): Promise<number> {
    this.#check();
    checkRecord(record);
    const bytes = record.length;
    if (this.#pendingBytes + bytes > this.#maxPendingBytes) {
      throw new WriteLogError('unavailable', `${this.#pendingBytes} bytes are waiting for a commit`);
    }
    const moved = detachable(record);
    this.#pendingBytes += bytes;
    try {
      return await this.#call((id) => ({ kind: 'append', id, partition, record: moved }), [moved.buffer]);
    } finally {
      this.#pendingBytes -= bytes;
    }
  }

  async startOffset(partition: number): Promise<number> {
    this.#check();
    return this.#call((id) => ({ kind: 'startOffset', id, partition }));
  }

  async endOffset(partition: number): Promise<number> {
    this.#check();
    return this.#call((id) => ({ kind: 'endOffset', id, partition }));
  }

  async identity(): Promise<string> {
    this.#check();
    return this.#call<string>((id) => ({ kind: 'identity', id }));
  }

  async truncate(partition: number, offset: number): Promise<void> {
    this.#check();
    await this.#call((id) => ({ kind: 'truncate', id, partition, offset }));
  }

  async *read(partition: number, fromOffset: number, signal: AbortSignal): AsyncGenerator<LogBatch, void> {
    this.#check();
    if (signal.aborted) return;
    const id = ++this.#lastId;
    const read: PendingRead = { batches: [], isEnded: false, error: undefined, wake: undefined };
    const wake = () => read.wake?.();
    this.#reads.set(id, read);
    signal.addEventListener('abort', wake);
    this.#post({ kind: 'read', id, partition, offset: fromOffset });
    try {
      while (!signal.aborted) {
        const batch = read.batches.shift();
        if (batch !== undefined) {
          const bytes = batchBytes(batch);
          yield batch;
          this.#post({ kind: 'credit', id, bytes });
          continue;
        }
        if (read.error !== undefined) throw read.error;
        if (read.isEnded) return;
        await new Promise<void>((resolve) => {
          read.wake = resolve;
        });
      }
    } finally {
      signal.removeEventListener('abort', wake);
      this.#reads.delete(id);
      if (!read.isEnded) this.#post({ kind: 'stop', id });
    }
  }

  /** Calls under way reject with `unavailable`: they may or may not happen. */
  async close(): Promise<void> {
    this.#fail(new WriteLogError('closed', 'the log is closed'));
    this.#port.close();
  }

  /** Which partitions there are the other end knows better. */
  #check(): void {
    if (this.#closed !== undefined) throw this.#closed;
  }

  #post(message: ClientMessage, moved: ArrayBuffer[] = []): void {
    this.#port.postMessage(message, moved);
  }

  #call<T extends CallResult['value'] = number>(
    messageOf: (id: number) => ClientMessage,
    moved: ArrayBuffer[] = [],
  ): Promise<T> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#post(messageOf(id), moved);
      this.#calls.set(id, { resolve: resolve as PendingCall['resolve'], reject });
    });
  }

  #receive(message: ServerMessage): void {
    if (message.kind === 'hello') {
      this.partitionCount = message.partitionCount;
      this.#hello.resolve();
      return;
    }
    if (message.kind === 'results') {
      for (const result of message.results) this.#settle(result);
      return;
    }
    const read = this.#reads.get(message.id);
    if (read === undefined) return;
    if (message.kind === 'batch') {
      read.batches.push(message.batch);
    } else {
      read.isEnded = true;
      if (message.fault !== undefined) read.error = errorOf(message.fault);
    }
    read.wake?.();
  }

  #settle({ id, value, fault }: CallResult): void {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (fault !== undefined) call?.reject(errorOf(fault));
    else call?.resolve(value);
  }

  #fail(reason: WriteLogError): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    this.#hello.reject(reason);
    const lost = new WriteLogError(
      'unavailable',
      `${reason.message}; the call may or may not have been carried out`,
    );
    for (const { reject } of this.#calls.values()) reject(lost);
    this.#calls.clear();
    for (const read of this.#reads.values()) {
      read.isEnded = true;
      read.error = reason;
      read.wake?.();
    }
  }
}
