import { setTimeout as sleep } from 'node:timers/promises';
import type { BlockStore } from '@xscaler/database';
import type { LogWriter } from '@xscaler/runtime';
import type { WriteLog } from '@xscaler/writelog';
import { CommittedMarks } from './committed-marks.ts';

export interface CommittedNotesOptions {
  readonly partition: number;
  readonly log: Pick<WriteLog, 'endOffset'>;
  readonly blocks: Pick<BlockStore, 'resumeOffset' | 'noteCommitted' | 'forgetFutureNotes'>;
  /** Offset of the next record to apply; undefined if the partition isn't live. */
  readonly appliedOffset: () => number | undefined;
  /** Rejects if the log that answers is not the one being applied. */
  readonly verifyLog: () => Promise<void>;
  /** Wall clock, ms. */
  readonly clock: () => number;
  /** Why the clock can't be trusted; undefined while it can. If absent, it is always trusted. */
  readonly clockFault?: () => string | undefined;
  readonly logger: LogWriter;
}

const NOTE_EVERY_MS = 10_000;

/**
 * Notes in the database the instant up to which every acknowledged record of a partition is in blocks. A read of earlier
 * data needs neither the log nor an ingester. The resume offset proves it, whichever ingester moved it.
 *
 * A note in the future would hide records that are acknowledged until then. So no note is written while the clock is wrong,
 * and a note that a wrong clock left (before this was noticed, or in an older release) is taken back.
 */
export class CommittedNotes {
  readonly #options: CommittedNotesOptions;
  readonly #marks = new CommittedMarks();
  #notedMs = 0;

  constructor(options: CommittedNotesOptions) {
    this.#options = options;
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { logger, partition } = this.#options;
    while (!signal.aborted) {
      await sleep(NOTE_EVERY_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      // An unreachable log or database is reported elsewhere.
      const failed = (error: unknown) =>
        logger.debug({ partition, err: error }, 'what is committed was not noted');
      await this.forgetFuture().catch(failed);
      await this.note().catch(failed);
    }
  }

  /** Takes back notes of a wrong clock, here and in the database. */
  async forgetFuture(): Promise<void> {
    const { blocks, clock, clockFault, logger, partition } = this.#options;
    const nowMs = clock();
    if (clockFault?.() !== undefined) return;
    this.#marks.forgetAfter(nowMs);
    if (this.#notedMs > nowMs) this.#notedMs = 0;
    if (await blocks.forgetFutureNotes(partition))
      logger.warn({ partition }, 'a note from the future was taken back: the clock of an ingester was wrong');
  }

  async note(): Promise<void> {
    const { appliedOffset, blocks, clock, clockFault, log, partition, verifyLog } = this.#options;
    const applied = appliedOffset();
    if (applied === undefined) return;
    // Read the clock first: records acknowledged before that instant lie below an end asked for afterwards.
    const timeMs = clock();
    if (clockFault?.() !== undefined) return;
    // A former leader may name an outdated end, but applied records certainly lie below the end.
    const endOffset = Math.max(await log.endOffset(partition), applied);
    // If the log was replaced, the new one may end anywhere.
    await verifyLog();
    this.#marks.add(timeMs, endOffset);
    const mark = this.#marks.reached(await blocks.resumeOffset(partition));
    if (mark === undefined || mark.timeMs <= this.#notedMs) return;
    await blocks.noteCommitted(partition, mark.endOffset, mark.timeMs);
    this.#notedMs = mark.timeMs;
  }
}
