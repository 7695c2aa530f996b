import type { CommittedLog, LogMark } from '@xscaler/database';
import { WriteLogError } from '@xscaler/writelog';
import { type JudgedLog, judgeLog } from './log-verdict.ts';
import { RecordMark } from './record-mark.ts';

export interface FollowedLogOptions {
  readonly log: JudgedLog;
  readonly partition: number;
  /** Was asked for after `nextOffset`, which is read next, was found to be right. */
  readonly identity: string;
  readonly nextOffset: number;
  /** Wall clock, ms. */
  readonly clock: () => number;
}

/** After such a time without an answer brokers may have come back with less than they had. */
const LONG_SILENCE_MS = 15_000;

/**
 * The log that a partition's replica follows, and up to where what it has read of it is known to be of that log.
 *
 * A log that is deleted and made again has other records at the same offsets, and a reader that was cut off or stood still for
 * long enough would go on in it. But an identity never comes back: if the log has it still, all that was read before the question
 * is of this log. So only what was read before such a question is committed.
 *
 * Brokers that come back after an outage may have lost the last records, and have others in their place. So after a long silence the
 * last record that was read before it has to be there still.
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

  /** All records below it were read of this log. */
  get verifiedOffset(): number {
    return this.#verifiedOffset;
  }

  /** What a commit says of the log. */
  get committed(): CommittedLog {
    return { identity: this.identity, mark: this.#verifiedMark };
  }

  /** A record was read. */
  read(offset: number, record: Uint8Array): void {
    this.#last.note(offset, record);
    this.#nextOffset = offset + 1;
  }

  /** Rejects with `WriteLogError` `log_replaced` if another log exists, or a cut one; with others if it cannot be asked. */
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
    // A clock that was set back by much does not tell how long it was silent.
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

  /** Verifies what lies at `offset`, if that isn't done yet. Rejects as `verify` does. */
  async require(offset: number): Promise<void> {
    if (offset >= this.#verifiedOffset) await this.verify();
  }
}
