import type { CommittedLog, LogMark } from '@xscaler/database';
import { WriteLogError } from '@xscaler/writelog';
import { type JudgedLog, judgeLog } from './log-verdict.ts';
import { RecordMark } from './record-mark.ts';

export interface FollowedLogOptions {
  readonly log: JudgedLog;
  readonly partition: number;
  /** Requested after `nextOffset`, the next to be read, was found to be right. */
  readonly identity: string;
  readonly nextOffset: number;
  /** Wall clock, ms. */
  readonly clock: () => number;
}

/** After this long without an answer, brokers may have come back with fewer records. */
const LONG_SILENCE_MS = 15_000;

/**
 * The log that a partition's replica follows, and the offset up to which its reads are verified to come from that log.
 *
 * A log that is deleted and created again has other records at the same offsets, and a reader that was disconnected or paused
 * for long enough would continue in it. But an identity is never reused: if the log still has it, all records read before the
 * check are from this log. So only records read before such a check are committed.
 *
 * Brokers that return after an outage may have lost the last records, and hold others at those offsets. So after a long
 * silence the last record read before it must still exist.
 */
export class FollowedLog {
  readonly identity: string;
  readonly #options: FollowedLogOptions;
  readonly #last = new RecordMark();
  #nextOffset: number;
  #verifiedOffset: number;
  #verifiedMark: LogMark | undefined;
  #verifiedMs: number;

  constructor(options: FollowedLogOptions) {
    this.#options = options;
    this.identity = options.identity;
    this.#nextOffset = options.nextOffset;
    this.#verifiedOffset = options.nextOffset;
    this.#verifiedMs = options.clock();
  }

  /** All records below it were read from this log. */
  get verifiedOffset(): number {
    return this.#verifiedOffset;
  }

  /** The log's identity and mark, for a commit. */
  get committed(): CommittedLog {
    return { identity: this.identity, mark: this.#verifiedMark };
  }

  /** A record was read. */
  read(offset: number, record: Uint8Array): void {
    this.#last.note(offset, record);
    this.#nextOffset = offset + 1;
  }

  /** Rejects with `WriteLogError` `log_replaced` if the log was replaced or cut; with other codes if it cannot be asked. */
  async verify(): Promise<void> {
    const nextOffset = this.#nextOffset;
    const { mark } = this.#last;
    const { log, clock } = this.#options;
    const askedMs = clock();
    const found = await log.identity();
    if (found !== this.identity) {
      throw new WriteLogError(
        'log_replaced',
        `the log was deleted and made again: its identity is ${found}, it was ${this.identity}`,
      );
    }
    // A clock that was set back far does not tell how long the silence was.
    if (Math.abs(askedMs - this.#verifiedMs) >= LONG_SILENCE_MS) await this.#requireMark();
    this.#verifiedMs = askedMs;
    if (nextOffset < this.#verifiedOffset) return;
    this.#verifiedOffset = nextOffset;
    this.#verifiedMark = mark;
  }

  async #requireMark(): Promise<void> {
    const { log, partition, identity: logIdentity } = this.#options;
    const progress = { resumeOffset: 0, logIdentity, mark: this.#verifiedMark };
    const { kind, reason } = await judgeLog(log, partition, progress);
    if (kind === 'cut' || kind === 'replaced') throw new WriteLogError('log_replaced', reason ?? kind);
  }

  /** Verifies the record at `offset` unless that is done. Rejects like `verify`. */
  async require(offset: number): Promise<void> {
    if (offset >= this.#verifiedOffset) await this.verify();
  }
}
