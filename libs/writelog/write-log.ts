/** Records of one partition that follow one another: record i has offset `firstOffset + i`. */
export interface LogBatch {
  readonly firstOffset: number;
  readonly records: readonly Uint8Array[];
}

/**
 * The write log: the truth that everything behind it is a function of.
 *
 * Partitions are numbered from 0. Within one, offsets are consecutive integers in the order of appending.
 * A record is opaque here and at most `MAX_RECORD_BYTES` long.
 */
export interface WriteLog {
  /** How many there were when the log was opened: they only become more, and those are as good as the others. */
  readonly partitionCount: number;

  /**
   * Resolves with the record's offset once it is durable; rejects with `WriteLogError` if it may not be.
   * The log owns `record` and its buffer from the call on (it may be moved to another thread).
   * A record that was refused may still appear (a lost answer): doubles are harmless by (series id, timestamp).
   */
  append(partition: number, record: Uint8Array): Promise<number>;

  /**
   * All records from `fromOffset` on, in order, without a gap, then those that are appended later;
   * ends when `signal` aborts. Buffers belong to the reader.
   * Rejects with `WriteLogError` code `offset_out_of_range` if the log no longer holds `fromOffset`
   * or never reached it.
   */
  read(partition: number, fromOffset: number, signal: AbortSignal): AsyncIterable<LogBatch>;

  /** The lowest offset that the log still holds (equal to `endOffset` if it is empty). */
  startOffset(partition: number): Promise<number>;

  /** The offset that the next record will get: every record acknowledged before the call lies below it. */
  endOffset(partition: number): Promise<number>;

  /**
   * Names this log: the same name for as long as it exists, another one once it was deleted and made again. Asked anew at
   * every call. Later appends go to the log of that name, or are refused with `log_replaced`.
   * Rejects with `WriteLogError` code `log_missing` if the log was deleted.
   */
  identity(): Promise<string>;

  /** Allows the log to forget everything below `offset`. */
  truncate(partition: number, offset: number): Promise<void>;

  close(): Promise<void>;
}

export const MAX_RECORD_BYTES = 8 * 1024 * 1024;

export type WriteLogErrorCode =
  | 'unavailable'
  | 'disk_full'
  /** The file under an embedded log is not what was written. */
  | 'damaged'
  | 'record_too_large'
  | 'offset_out_of_range'
  /** The log was deleted. */
  | 'log_missing'
  /** The log was deleted, and another one has its name. */
  | 'log_replaced'
  | 'closed';

export class WriteLogError extends Error {
  override readonly name = 'WriteLogError';
  readonly code: WriteLogErrorCode;

  constructor(code: WriteLogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** Whether the same append may succeed later. */
  get retryable(): boolean {
    return this.code === 'unavailable' || this.code === 'disk_full' || this.code === 'log_missing';
  }
}
