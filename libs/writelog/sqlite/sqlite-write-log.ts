import { setImmediate as immediate } from 'node:timers/promises';
import { checkRecord } from '../check-record.ts';
import { type LogBatch, type WriteLog, WriteLogError } from '../write-log.ts';
import { LogTail } from './log-tail.ts';
import { type LogEntry, SqliteLogFile } from './sqlite-log-file.ts';

export interface SqliteWriteLogOptions {
  /** The database file; its WAL lies beside it. */
  readonly path: string;
  /** Partitions at least: a log that has more keeps them. */
  readonly partitionCount: number;
  /** Bytes that may wait for a commit; past it appends are refused with `unavailable`. */
  readonly maxPendingBytes?: number;
  /** Bytes of the newest records kept in memory for live readers, all partitions together. */
  readonly tailCacheBytes?: number;
}

/** Counts since the log was opened, and what it holds in memory now. */
export interface SqliteWriteLogStats {
  readonly commits: number;
  readonly records: number;
  readonly bytes: number;
  /** Time spent in commits, and in checkpoints and deletions, ms: the thread was blocked for as long. */
  readonly commitMs: number;
  readonly upkeepMs: number;
  /** Appends refused because too much was waiting or a commit failed. */
  readonly refused: number;
  readonly pendingBytes: number;
  readonly tailBytes: number;
}

/** A batch that a reader gets is closed once it holds this much. */
const BATCH_BYTES = 4 * 1024 * 1024;
/** What one transaction takes of the queue: bounds how long an append waits behind others. */
const COMMIT_BYTES = 16 * 1024 * 1024;
/** What the WAL holds when it is moved into the file: bounds how long one such step keeps appends waiting. */
const CHECKPOINT_BYTES = 8 * 1024 * 1024;
/** Records that one step of a truncation deletes. */
const DELETE_STEP_RECORDS = 64;
const UPKEEP_RETRY_MS = 1_000;
const DEFAULT_MAX_PENDING_BYTES = 64 * 1024 * 1024;
const DEFAULT_TAIL_CACHE_BYTES = 64 * 1024 * 1024;

interface PendingAppend {
  readonly partition: number;
  readonly record: Uint8Array;
  readonly resolve: (offset: number) => void;
  readonly reject: (error: unknown) => void;
}

interface Partition {
  /** First offset that may be read; rows below it are being deleted. */
  start: number;
  /** Rows below it are gone from the file. */
  deletedTo: number;
  /** The next record's offset. */
  end: number;
  readonly tail: LogTail;
}

/**
 * A `WriteLog` in one SQLite file, for the thread that opened it.
 *
 * Group commit: appends queue up, and one turn of the event loop later all of them go into one transaction; those that
 * arrive while it runs (SQLite blocks the thread) go into the next. Deletions and checkpoints are small steps in turns
 * of their own, so that an append waits for one of them at most.
 */
class SqliteWriteLog implements WriteLog {
  readonly partitionCount: number;
  readonly #file: SqliteLogFile;
  readonly #partitions: Partition[] = [];
  readonly #maxPendingBytes: number;
  #queue: PendingAppend[] = [];
  #pendingBytes = 0;
  #walBytes = 0;
  #isTurnDue = false;
  #wasCommitTurn = false;
  readonly #counts = { commits: 0, records: 0, bytes: 0, commitMs: 0, upkeepMs: 0, refused: 0 };
  #isUpkeepPaused = false;
  #isClosed = false;

  constructor(options: SqliteWriteLogOptions) {
    this.#maxPendingBytes = options.maxPendingBytes ?? DEFAULT_MAX_PENDING_BYTES;
    this.#file = new SqliteLogFile(options.path, options.partitionCount);
    this.partitionCount = this.#file.partitionCount;
    const tailBytes = (options.tailCacheBytes ?? DEFAULT_TAIL_CACHE_BYTES) / this.partitionCount;
    for (let p = 0; p < this.partitionCount; p++) {
      const { start, end } = this.#file.bounds(p);
      this.#partitions.push({ start, end, deletedTo: 0, tail: new LogTail(end, tailBytes) });
    }
    this.#file.checkpoint();
    // A truncation may have been cut short by the last stop.
    if (this.#partitions.some((partition) => partition.start > 0)) this.#scheduleTurn();
  }

  async append(partition: number, record: Uint8Array): Promise<number> {
    this.#mustFind(partition);
    checkRecord(record);
    if (this.#pendingBytes + record.length > this.#maxPendingBytes) {
      this.#counts.refused++;
      throw new WriteLogError('unavailable', `${this.#pendingBytes} bytes are waiting for a commit`);
    }
    this.#pendingBytes += record.length;
    return new Promise((resolve, reject) => {
      this.#queue.push({ partition, record, resolve, reject });
      this.#scheduleTurn();
    });
  }

  async *read(partition: number, fromOffset: number, signal: AbortSignal): AsyncGenerator<LogBatch, void> {
    const log = this.#mustFind(partition);
    const reader = log.tail.enter(fromOffset);
    const wake = () => reader.wake();
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted) {
        this.#mustFind(partition);
        const firstOffset = reader.next;
        if (firstOffset < log.start || firstOffset > log.end) {
          throw new WriteLogError(
            'offset_out_of_range',
            `partition ${partition} holds offsets ${log.start} to ${log.end}, not ${firstOffset}`,
          );
        }
        if (firstOffset === log.end) {
          await reader.sleep();
          continue;
        }
        const live = log.tail.take(reader, BATCH_BYTES);
        const records = live ?? this.#file.read(partition, firstOffset, log.end, BATCH_BYTES);
        reader.next += records.length;
        yield { firstOffset, records };
        // Reading from disk must leave turns to appends, however fast the reader is.
        if (live === undefined) await immediate();
      }
    } finally {
      signal.removeEventListener('abort', wake);
      log.tail.leave(reader);
    }
  }

  async startOffset(partition: number): Promise<number> {
    return this.#mustFind(partition).start;
  }

  async endOffset(partition: number): Promise<number> {
    return this.#mustFind(partition).end;
  }

  async identity(): Promise<string> {
    this.#mustFind(0);
    return this.#file.identity;
  }

  /** Resolves when the new start is durable; the space is freed in the background. */
  async truncate(partition: number, offset: number): Promise<void> {
    const log = this.#mustFind(partition);
    if (offset > log.end) {
      throw new WriteLogError(
        'offset_out_of_range',
        `partition ${partition} ends at ${log.end}, not ${offset}`,
      );
    }
    if (offset <= log.start) return;
    this.#file.saveBounds(partition, offset, log.end);
    log.start = offset;
    this.#scheduleTurn();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    while (this.#queue.length > 0) this.#commit();
    this.#isClosed = true;
    for (const { tail } of this.#partitions) tail.wakeAll();
    this.#file.close();
  }

  get stats(): SqliteWriteLogStats {
    let tailBytes = 0;
    for (const { tail } of this.#partitions) tailBytes += tail.bytes;
    return { ...this.#counts, pendingBytes: this.#pendingBytes, tailBytes };
  }

  #mustFind(partition: number): Partition {
    if (this.#isClosed) throw new WriteLogError('closed', 'the log is closed');
    const found = this.#partitions[partition];
    if (found === undefined) {
      throw new RangeError(`there is no partition ${partition}: the log has ${this.partitionCount}`);
    }
    return found;
  }

  #scheduleTurn(): void {
    if (this.#isTurnDue) return;
    this.#isTurnDue = true;
    setImmediate(() => {
      this.#isTurnDue = false;
      if (!this.#isClosed) this.#turn();
    });
  }

  /** One commit or one step of upkeep; the two alternate if both are due. */
  #turn(): void {
    const isUpkeepTurn = this.#isUpkeepDue() && (this.#wasCommitTurn || this.#queue.length === 0);
    const startMs = performance.now();
    if (isUpkeepTurn) this.#upkeep();
    else this.#commit();
    this.#counts[isUpkeepTurn ? 'upkeepMs' : 'commitMs'] += performance.now() - startMs;
    this.#wasCommitTurn = !isUpkeepTurn;
    if (this.#queue.length > 0 || this.#isUpkeepDue()) this.#scheduleTurn();
  }

  #commit(): void {
    const group = this.#takeGroup();
    if (group.length === 0) return;
    const entries: LogEntry[] = [];
    const ends = this.#partitions.map(({ end }) => end);
    let bytes = 0;
    for (const { partition, record } of group) {
      entries.push({ partition, offset: ends[partition]++, record });
      bytes += record.length;
    }
    this.#pendingBytes -= bytes;
    try {
      this.#file.append(entries);
    } catch (error) {
      this.#recoverBounds();
      this.#counts.refused += group.length;
      for (const { reject } of group) reject(error);
      return;
    }
    this.#walBytes += bytes;
    this.#counts.commits++;
    this.#counts.records += group.length;
    this.#counts.bytes += bytes;
    for (let i = 0; i < group.length; i++) {
      const { partition, offset, record } = entries[i];
      const { tail } = this.#partitions[partition];
      tail.push(record);
      this.#partitions[partition].end = offset + 1;
      group[i].resolve(offset);
    }
    for (const { tail } of this.#partitions) tail.wakeAll();
  }

  #takeGroup(): PendingAppend[] {
    let count = 0;
    for (let bytes = 0; count < this.#queue.length && bytes < COMMIT_BYTES; count++) {
      bytes += this.#queue[count].record.length;
    }
    if (count === this.#queue.length) {
      const all = this.#queue;
      this.#queue = [];
      return all;
    }
    return this.#queue.splice(0, count);
  }

  /** A commit that failed may have happened all the same: the file says where each partition ends. */
  #recoverBounds(): void {
    for (let p = 0; p < this.partitionCount; p++) {
      const log = this.#partitions[p];
      try {
        log.end = this.#file.bounds(p).end;
      } catch {
        // Not readable either: the next commit fails on a duplicate id rather than overwrite anything, and comes back here.
      }
      log.tail.reset(log.end);
      log.tail.wakeAll();
    }
  }

  #isUpkeepDue(): boolean {
    if (this.#isUpkeepPaused) return false;
    return this.#walBytes >= CHECKPOINT_BYTES || this.#partitions.some((log) => log.deletedTo < log.start);
  }

  #upkeep(): void {
    try {
      if (this.#walBytes >= CHECKPOINT_BYTES) {
        this.#file.checkpoint();
        this.#walBytes = 0;
        return;
      }
      const partition = this.#partitions.findIndex((log) => log.deletedTo < log.start);
      const log = this.#partitions[partition];
      const deleted = this.#file.delete(partition, log.start, DELETE_STEP_RECORDS);
      if (deleted < DELETE_STEP_RECORDS) log.deletedTo = log.start;
    } catch {
      // Appends report a full or failing disk; upkeep has nobody to tell and tries again.
      this.#isUpkeepPaused = true;
      setTimeout(() => {
        this.#isUpkeepPaused = false;
        this.#scheduleTurn();
      }, UPKEEP_RETRY_MS).unref();
    }
  }
}

/** Opens (or creates) a log in one SQLite file, in this thread: commits run synchronously in it. Throws if it can't. */
export function openSqliteWriteLog(
  options: SqliteWriteLogOptions,
): WriteLog & { readonly stats: SqliteWriteLogStats } {
  return new SqliteWriteLog(options);
}
