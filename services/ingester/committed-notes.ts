import { setTimeout as sleep } from 'node:timers/promises';
import type { BlockStore } from '@xscaler/database';
import type { LogWriter } from '@xscaler/runtime';
import type { WriteLog } from '@xscaler/writelog';
import { CommittedMarks } from './committed-marks.ts';

export interface CommittedNotesOptions {
  readonly partition: number;
  readonly log: Pick<WriteLog, 'endOffset'>;
  readonly blocks: Pick<BlockStore, 'resumeOffset' | 'noteCommitted' | 'forgetFutureNotes'>;
  /** The offset that is applied next; undefined if the partition isn't live. */
  readonly appliedOffset: () => number | undefined;
  /** Rejects unless the log that is asked is the one that is applied. */
  readonly verifyLog: () => Promise<void>;
  /** Wall clock, ms. */
  readonly clock: () => number;
  /** Why the clock can't be gone by; undefined while it can; absent: it always can. */
  readonly clockFault?: () => string | undefined;
  readonly logger: LogWriter;
}

const NOTE_EVERY_MS = 10_000;

/**
 * Notes in the database until when everything acknowledged in one partition is in blocks: who reads what lies before
 * needs neither the log nor an ingester. The resume offset proves it, whichever ingester moved it.
 *
 * A note of an instant that has yet to come would hide what is acknowledged until then. So nothing is noted by a clock that is
 * wrong; what one noted all the same, before that was noticed or in an older release, is taken back.
 */
export class CommittedNotes {
  readonly #options: CommittedNotesOptions;
  readonly #marks = new CommittedMarks();
  #notedMs = 0;

  constructor(options: CommittedNotesOptions) {
    this.#options = options;
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { logger, partition } = this.#options;
    while (!signal.aborted) {
      await sleep(NOTE_EVERY_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      // Others say that the log or the database is unreachable.
      const failed = (error: unknown) =>
        logger.debug({ partition, err: error }, 'what is committed was not noted');
      await this.forgetFuture().catch(failed);
      await this.note().catch(failed);
    }
  }

  /** Takes back what a wrong clock noted, here or in the database. */
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
    // The clock first: what is acknowledged before it lies below the end that is asked for after it.
    const timeMs = clock();
    if (clockFault?.() !== undefined) return;
    // A leader that isn't one any more may name an end from before; what is applied lies below the end for sure.
    const endOffset = Math.max(await log.endOffset(partition), applied);
    // Another log that is in its place may end anywhere.
    await verifyLog();
    this.#marks.add(timeMs, endOffset);
    const mark = this.#marks.reached(await blocks.resumeOffset(partition));
    if (mark === undefined || mark.timeMs <= this.#notedMs) return;
    await blocks.noteCommitted(partition, mark.endOffset, mark.timeMs);
    this.#notedMs = mark.timeMs;
  }
}
