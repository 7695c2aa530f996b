import { setTimeout as sleep } from 'node:timers/promises';
import { type BlockStore, type CommitPoint, DatabaseError, type LedgerRow } from '@xscaler/database';
import type { LogWriter } from '@xscaler/runtime';
import { type WriteLog, WriteLogError } from '@xscaler/writelog';
import type { LedgerView } from '../heads/ledger-view.ts';
import type { HeldHead } from '../heads/partition-heads.ts';
import type { FollowedLog } from '../log/followed-log.ts';
import type { IngesterMetrics } from '../metrics/ingester-metrics.ts';
import type { HeadCommitter } from './head-committer.ts';

export interface CommitQueueOptions {
  readonly partition: number;
  readonly zone: string;
  /** How long to wait for the block of another zone's cut before this zone stores it. */
  readonly otherZoneMs: number;
  readonly committer: HeadCommitter;
  readonly followed: FollowedLog;
  readonly blocks: BlockStore;
  readonly ledger: LedgerView;
  readonly log: WriteLog;
  /** Present if no other process reads the log; a shared log has its own retention. */
  readonly truncatesLog: boolean;
  readonly nextOffset: () => number;
  readonly clock: () => number;
  readonly logger: LogWriter;
  readonly metrics: IngesterMetrics;
  /** Another replica has stored different content, or the log was replaced: an operator must look. */
  readonly onContradiction: (error: Error) => void;
  /** The database has lost commits that were relied on: the partition must be read again from its present state. */
  readonly onCommitsLost: () => void;
  /** Deletions were stored, in this commit or an earlier one. */
  readonly onDeletionsStored: (commit: CommitPoint) => void;
}

class CommitsLostError extends Error {
  override readonly name = 'CommitsLostError';
}

const IDLE_MS = 100;
const RETRY_MS = 1_000;
/** A checkpoint moves the resume offset if no head was committed for this many records, */
const CHECKPOINT_RECORDS = 10_000;
/** or for this long, if the offset can move at all. */
const CHECKPOINT_MS = 60_000;

/**
 * Stores a partition's closed heads as blocks, one at a time.
 *
 * The zone whose cut closed a head stores it. Other zones wait for its ledger row, and store the head themselves if
 * that takes too long: a second insert of the same content is a no-op.
 */
export class CommitQueue {
  readonly #options: CommitQueueOptions;
  readonly #closed: HeldHead[] = [];
  /** Heads that other zones have stored, as of this pass over the queue. */
  #stored: readonly LedgerRow[] | undefined;
  /** The commit after which a conflict was found that the database does not explain. */
  #unexplained: CommitPoint | undefined;
  #lastCheckpoint: number;
  #lastCheckpointMs: number;

  constructor(options: CommitQueueOptions) {
    this.#options = options;
    this.#lastCheckpoint = options.nextOffset();
    this.#lastCheckpointMs = options.clock();
  }

  push(held: HeldHead): void {
    this.#closed.push(held);
  }

  get length(): number {
    return this.#closed.length;
  }

  /** Runs until the signal aborts; failures are retried. */
  async run(signal: AbortSignal): Promise<void> {
    const { logger, partition, onCommitsLost, onContradiction } = this.#options;
    while (!signal.aborted) {
      let waitMs = IDLE_MS;
      this.#stored = undefined;
      try {
        // A head that waits for another zone does not hold up the others.
        for (const held of [...this.#closed]) if (await this.#advance(held)) waitMs = 0;
        // Reads wait for deletions to be stored, so they are not held up by a head that another zone will store.
        if (this.#closed.length === 0 || this.#options.committer.hasDeletions) await this.#checkpoint();
      } catch (error) {
        if (error instanceof CommitsLostError) return onCommitsLost();
        if (error instanceof WriteLogError && error.code === 'log_replaced') return onContradiction(error);
        logger.warn({ partition, err: error }, 'a head could not be committed; trying again');
        if (error instanceof DatabaseError && error.code === 'conflict') await this.#resolveConflict(error);
        waitMs = RETRY_MS;
      }
      if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Whether the head is in a block now. */
  async #advance(held: HeldHead): Promise<boolean> {
    const { clock, zone, otherZoneMs, committer, followed, metrics, logger, partition } = this.#options;
    if (held.cutByZone !== zone && clock() - held.closedAtMs < otherZoneMs) {
      const row = await this.#ledgerRowOf(held);
      if (row === undefined) return false;
      if (row.sampleCount !== held.head.sampleCount || row.toOffset !== held.toOffset) {
        throw new DatabaseError('conflict', `another zone stored head ${held.head.seq} with other content`);
      }
      this.#finish(held, row);
      return true;
    }
    const startedMs = clock();
    await followed.require(held.toOffset);
    const { outcome, meta } = await committer.commit(held);
    if (outcome === 'already') {
      const stored = await this.#progress(meta.toOffset);
      // A database that has since gone back in time may have lost it again.
      if (!stored.some((row) => isOf(row, held))) return false;
    }
    this.#finish(held, meta);
    this.#noteDeletions();
    metrics.commitSeconds.observe((clock() - startedMs) / 1000);
    const { tenant, windowStartMs: window, sampleCount: samples } = meta;
    logger.info({ partition, tenant, window, samples }, 'head committed');
    await this.#forgetLog();
    return true;
  }

  #finish(held: HeldHead, row: LedgerRow): void {
    held.state = 'committed';
    held.committedAtMs = this.#options.clock();
    held.commit = this.#options.committer.known.commit;
    this.#closed.splice(this.#closed.indexOf(held), 1);
    this.#options.ledger.add(row);
  }

  async #ledgerRowOf(held: HeldHead): Promise<LedgerRow | undefined> {
    // The queue is in the order of the cuts.
    this.#stored ??= await this.#progress(this.#closed[0].toOffset);
    return this.#stored.find((row) => isOf(row, held));
  }

  async #checkpoint(): Promise<void> {
    const { clock, committer, followed, nextOffset } = this.#options;
    const isLate = clock() - this.#lastCheckpointMs >= CHECKPOINT_MS && committer.isBehind;
    const isDue = isLate || committer.hasDeletions;
    if (!isDue && nextOffset() - this.#lastCheckpoint < CHECKPOINT_RECORDS) return;
    // Another zone may have stored it first, which is not a conflict.
    await this.#progress(nextOffset());
    await followed.verify();
    await committer.checkpoint();
    this.#noteDeletions();
    await this.#forgetLog();
  }

  #noteDeletions(): void {
    const { committer, onDeletionsStored } = this.#options;
    if (committer.takeStoredDeletions()) onDeletionsStored(committer.known.commit);
  }

  /**
   * Adopts commits that this replica did not see (another zone's, or one whose answer was lost). The conflicting commit may
   * also have vanished because the database went back in time. Any other conflict that occurs twice is a contradiction.
   */
  async #resolveConflict(error: DatabaseError): Promise<void> {
    const { committer, onContradiction, onCommitsLost } = this.#options;
    const { commit } = committer.known;
    try {
      await this.#progress(0);
      if (committer.known.commit.id !== commit.id) return;
      if (this.#unexplained?.id === commit.id) onContradiction(error);
      this.#unexplained = commit;
    } catch (failure) {
      if (failure instanceof CommitsLostError) onCommitsLost();
      if (failure instanceof WriteLogError && failure.code === 'log_replaced') onContradiction(failure);
    }
  }

  /**
   * Reads the partition's progress, and returns its ledger rows from `minToOffset` on.
   * @throws CommitsLostError if the database has lost commits
   * @throws WriteLogError `log_replaced` if the partition now belongs to another log
   */
  async #progress(minToOffset: number): Promise<readonly LedgerRow[]> {
    const { blocks, committer, followed, partition } = this.#options;
    const { resumeOffset, history, ledger, logIdentity } = await blocks.progress(partition, minToOffset);
    if (logIdentity !== undefined && logIdentity !== followed.identity) {
      const reason = `the partition goes on with log ${logIdentity}, this replica has read ${followed.identity}`;
      throw new WriteLogError('log_replaced', reason);
    }
    if (!history.includes(committer.known.commit)) throw new CommitsLostError();
    committer.known = { resumeOffset, commit: history.last };
    return ledger;
  }

  async #forgetLog(): Promise<void> {
    const { blocks, committer, ledger, log, partition, nextOffset } = this.#options;
    this.#lastCheckpoint = nextOffset();
    this.#lastCheckpointMs = this.#options.clock();
    if (this.#options.truncatesLog) await log.truncate(partition, committer.known.resumeOffset);
    const startOffset = await log.startOffset(partition);
    await blocks.pruneLedger(partition, startOffset);
    ledger.prune(startOffset);
  }
}

function isOf(row: LedgerRow, { head }: HeldHead): boolean {
  return (
    row.tenant === head.tenant &&
    row.windowStartMs === head.windowStartMs &&
    row.windowMs === head.windowMs &&
    row.seq === head.seq
  );
}
