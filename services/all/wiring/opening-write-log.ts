import { type LogBatch, type WriteLog, WriteLogError } from '@xscaler/writelog';
import { untilThere } from './until-there.ts';

export interface OpeningWriteLogOptions<Log extends WriteLog> {
  /** What counts until it is opened. */
  readonly partitionCount: number;
  /** Rejects with a `WriteLogError` `unavailable` if the log is unreachable; with anything else if it will never do. */
  readonly open: () => Promise<Log>;
  /** Told of every failed try to open it. */
  readonly onAway: (error: Error) => void;
  /** What was found in place of the log, when it came back, will never do. */
  readonly onFault: (error: Error) => void;
  readonly retryMs?: number;
}

/**
 * A log that may be unreachable when its process starts: until it is opened every call is refused with `unavailable`, like
 * while an opened log is unreachable. So a querier started meanwhile reads what is in blocks, and an ingester waits.
 */
export class OpeningWriteLog<Log extends WriteLog> implements WriteLog {
  readonly #options: OpeningWriteLogOptions<Log>;
  readonly #closing = new AbortController();
  #log: Log | undefined;
  #reason: string | undefined = 'not opened yet';
  #wasAway = false;
  #opening: Promise<void> = Promise.resolve();

  constructor(options: OpeningWriteLogOptions<Log>) {
    this.#options = options;
  }

  get partitionCount(): number {
    return this.#log?.partitionCount ?? this.#options.partitionCount;
  }

  /** Undefined until it is open. */
  get opened(): Log | undefined {
    return this.#log;
  }

  /** Why it isn't open; undefined once it is. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Resolves after the first try, whether the log was there or is unreachable. Rejects if it will never do. */
  start(): Promise<void> {
    const firstTry = Promise.withResolvers<void>();
    this.#opening = this.#open(firstTry.resolve).then(firstTry.resolve, (error: Error) => {
      if (this.#closing.signal.aborted) return;
      this.#reason = error.message;
      if (this.#wasAway) this.#options.onFault(error);
      else firstTry.reject(error);
    });
    return firstTry.promise;
  }

  async append(partition: number, record: Uint8Array): Promise<number> {
    return this.#opened().append(partition, record);
  }

  async *read(partition: number, fromOffset: number, signal: AbortSignal): AsyncIterable<LogBatch> {
    yield* this.#opened().read(partition, fromOffset, signal);
  }

  async startOffset(partition: number): Promise<number> {
    return this.#opened().startOffset(partition);
  }

  async endOffset(partition: number): Promise<number> {
    return this.#opened().endOffset(partition);
  }

  async identity(): Promise<string> {
    return this.#opened().identity();
  }

  async truncate(partition: number, offset: number): Promise<void> {
    return this.#opened().truncate(partition, offset);
  }

  async close(): Promise<void> {
    this.#closing.abort(new WriteLogError('closed', 'the log is closed'));
    await this.#opening;
    await this.#log?.close();
  }

  async #open(triedOnce: () => void): Promise<void> {
    const { open, onAway, retryMs } = this.#options;
    const log = await untilThere(open, {
      mayPass: (error) => error instanceof WriteLogError && error.retryable,
      onAway: (error) => {
        this.#wasAway = true;
        this.#reason = error.message;
        onAway(error);
        triedOnce();
      },
      signal: this.#closing.signal,
      ...(retryMs !== undefined && { retryMs }),
    });
    this.#log = log;
    this.#reason = undefined;
  }

  #opened(): Log {
    if (this.#log !== undefined) return this.#log;
    if (this.#closing.signal.aborted) throw this.#closing.signal.reason;
    throw new WriteLogError('unavailable', `the write log is unreachable: ${this.#reason}`);
  }
}
