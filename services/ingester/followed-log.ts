import type { CommittedLog, LogMark } from '@xscaler/database';
import { type WriteLog, WriteLogError } from '@xscaler/writelog';
import { RecordMark } from './record-mark.ts';

/**
 * The log that a partition's replica follows, and up to where what it has read of it is known to be of that log.
 *
 * A log that is deleted and made again has other records at the same offsets, and a reader that was cut off or stood still for
 * long enough would go on in it. But an identity never comes back: if the log has it still, all that was read before the question
 * is of this log. So only what was read before such a question is committed.
 */
export class FollowedLog {
  readonly identity: string;
  readonly #log: Pick<WriteLog, 'identity'>;
  readonly #last = new RecordMark();
  #nextOffset: number;
  #verifiedOffset: number;
  #verifiedMark: LogMark | undefined;

  /** `identity` was asked for after `nextOffset`, which is read next, was found to be right. */
  constructor(log: Pick<WriteLog, 'identity'>, identity: string, nextOffset: number) {
    this.#log = log;
    this.identity = identity;
    this.#nextOffset = nextOffset;
    this.#verifiedOffset = nextOffset;
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

  /** Rejects with `WriteLogError` `log_replaced` if another log is there; with others if it cannot be asked. */
  async verify(): Promise<void> {
    const nextOffset = this.#nextOffset;
    const { mark } = this.#last;
    const found = await this.#log.identity();
    if (found !== this.identity) {
      throw new WriteLogError(
        'log_replaced',
        `the log was deleted and made again: its identity is ${found}, it was ${this.identity}`,
      );
    }
    if (nextOffset < this.#verifiedOffset) return;
    this.#verifiedOffset = nextOffset;
    this.#verifiedMark = mark;
  }

  /** Verifies what lies at `offset`, if that isn't done yet. Rejects as `verify` does. */
  async require(offset: number): Promise<void> {
    if (offset >= this.#verifiedOffset) await this.verify();
  }
}
