import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { type BlockStore, type CommitPoint, DatabaseError } from '@xscaler/database';
import { UnavailableError } from '@xscaler/rpc';
import type { LogWriter } from '@xscaler/runtime';
import type { HeadMemory } from '@xscaler/tsdb';
import { LogRecordReader } from '@xscaler/wire/log-record';
import { type WriteLog, WriteLogError } from '@xscaler/writelog';
import { CommitQueue } from './commits/commit-queue.ts';
import { CommittedNotes } from './commits/committed-notes.ts';
import { HeadCommitter } from './commits/head-committer.ts';
import { HeadKeeper } from './commits/head-keeper.ts';
import { ReliedCommits } from './commits/relied-commits.ts';
import { Conflicts } from './heads/conflicts.ts';
import type { CutSettings } from './heads/cut-policy.ts';
import { LedgerView } from './heads/ledger-view.ts';
import { PartitionHeads } from './heads/partition-heads.ts';
import { PendingDeletions } from './heads/pending-deletions.ts';
import { PendingMetadata } from './heads/pending-metadata.ts';
import { noCounts, RecordApplier } from './heads/record-applier.ts';
import { FollowedLog } from './log/followed-log.ts';
import { judgeLog } from './log/log-verdict.ts';
import { OffsetWaiters } from './log/offset-waiters.ts';
import type { IngesterMetrics } from './metrics/ingester-metrics.ts';
import { type PartitionReport, reportOf } from './partition-report.ts';

export interface PartitionOwnerOptions {
  readonly partition: number;
  readonly zone: string;
  readonly otherZoneMs: number;
  readonly truncatesLog: boolean;
  readonly log: WriteLog;
  readonly blocks: BlockStore;
  readonly cuts: CutSettings;
  /** Memory for heads, shared by all partitions of a thread. */
  readonly memory: HeadMemory;
  /** How long a committed head stays readable: longer than a query lives. */
  readonly committedHeadLingerMs: number;
  readonly clock: () => number;
  /** Why the clock can't be trusted; undefined while it can. If absent, it is always trusted. */
  readonly clockFault?: () => string | undefined;
  readonly logger: LogWriter;
  readonly metrics: IngesterMetrics;
  /** The database has gone back in time: this owner has ended, and another must start from the database's present state. */
  readonly onCommitsLost: () => void;
}

/** Records are applied for this long before reads get a turn. */
const TURN_MS = 5;
const RETRY_MS = 1_000;
/** How often to check that the log is still the same. */
const VERIFY_EVERY_MS = 3_000;
const DELETIONS_STORED_POLL_MS = 20;

/**
 * One partition's state machine: applies the log from the resume offset on, closes heads at the log's cuts, and
 * stores closed heads as blocks. `state` stays `stopped` once a record cannot be read or a block contradicts
 * another replica's: an operator must look.
 */
export class PartitionOwner {
  readonly partition: number;
  readonly heads: PartitionHeads;
  readonly metadata = new PendingMetadata();
  readonly conflicts = new Conflicts();
  state: 'loading' | 'replaying' | 'live' | 'stopped' = 'loading';
  /** Why it is stopped, once it is. */
  stoppedBy: string | undefined;
  /** Offset of the next record to apply. */
  nextOffset = 0;
  readonly #options: PartitionOwnerOptions;
  readonly #ledger = new LedgerView();
  readonly #applier: RecordApplier;
  readonly #record = new LogRecordReader();
  readonly #waiters = new OffsetWaiters();
  readonly #stopping = new AbortController();
  readonly #deletions = new PendingDeletions();
  readonly #keeper: HeadKeeper;
  #followed: FollowedLog | undefined;
  #commits: CommitQueue | undefined;
  #relied: ReliedCommits | undefined;
  #replayEnd = 0;
  /** Records that an operator took out. */
  #skipped: ReadonlySet<number> = new Set();
  #work: Promise<unknown> = Promise.resolve();

  constructor(options: PartitionOwnerOptions) {
    this.#options = options;
    this.partition = options.partition;
    this.heads = new PartitionHeads(options.partition, options.memory);
    this.#applier = new RecordApplier(this.heads, this.#ledger);
    this.#keeper = new HeadKeeper({
      ...options,
      heads: this.heads,
      relied: () => this.#relied,
      isLive: () => this.state === 'live',
    });
  }

  /** Loads ledger and resume offset, then follows the log. Resolves once the records present at the start are applied. */
  async start(): Promise<void> {
    const { partition, logger } = this.#options;
    try {
      const resumeOffset = await this.#loadPatiently();
      this.state = 'replaying';
      logger.info({ partition, resumeOffset, endOffset: this.#replayEnd }, 'replaying the write log');
    } catch (error) {
      this.#stopLoudly(error);
      throw error;
    }
    this.#announce();
    const { signal } = this.#stopping;
    const commits = this.#commits as CommitQueue;
    const notes = new CommittedNotes({
      ...this.#options,
      verifyLog: () => (this.#followed as FollowedLog).verify(),
      appliedOffset: () => (this.state === 'live' ? this.nextOffset : undefined),
    });
    this.#work = Promise.all([
      this.#follow(),
      this.#keeper.run(signal),
      commits.run(signal),
      notes.run(signal),
      this.#verifyNowAndThen(signal),
    ]);
    await this.waitFor(this.#replayEnd, signal);
  }

  /** Retries while the database or the log is unreachable. */
  async #loadPatiently(): Promise<number> {
    const { logger, partition } = this.#options;
    const { signal } = this.#stopping;
    for (;;) {
      try {
        return await this.#load();
      } catch (error) {
        if (signal.aborted || !mayPass(error)) throw error;
        logger.warn({ partition, err: error }, 'ledger and offsets cannot be read; trying again');
        await sleep(RETRY_MS, undefined, { signal });
      }
    }
  }

  /** Loads ledger and resume offset, and finds where the replay ends. @throws Error if the log lacks records that no block holds */
  async #load(): Promise<number> {
    const { partition, blocks, clock, log } = this.#options;
    const progress = await blocks.progress(partition);
    const { resumeOffset, history, ledger: rows } = progress;
    const skipped = await blocks.skippedRecords(partition);
    const verdict = await judgeLog(log, partition, progress);
    if (verdict.reason !== undefined) throw new Error(verdict.reason);
    this.#replayEnd = verdict.endOffset;
    const { identity } = verdict;
    const followed = new FollowedLog({ log, partition, identity, nextOffset: resumeOffset, clock });
    this.#followed = followed;
    for (const row of rows) this.#ledger.add(row);
    this.#skipped = new Set(skipped);
    this.nextOffset = resumeOffset;
    const known = { resumeOffset, commit: history.last };
    const committer = new HeadCommitter({
      partition,
      blocks,
      heads: this.heads,
      metadata: this.metadata,
      deletions: this.#deletions,
      followed,
      known,
    });
    const onCommitsLost = () => this.#commitsLost();
    this.#relied = new ReliedCommits(
      partition,
      blocks,
      history.last,
      () => committer.known.commit,
      onCommitsLost,
    );
    this.#commits = new CommitQueue({
      ...this.#options,
      committer,
      followed,
      ledger: this.#ledger,
      nextOffset: () => this.nextOffset,
      onContradiction: (error) => this.#stopLoudly(error),
      onCommitsLost,
      onDeletionsStored: (commit) => this.#relied?.storedDeletions(commit),
    });
    return resumeOffset;
  }

  /**
   * Waits until every offset below `offset` is applied and the replay is over: until then heads lack records that no
   * block holds. Rejects when the signal aborts or the partition stops.
   */
  waitFor(offset: number, signal: AbortSignal): Promise<void> {
    if (this.state === 'stopped')
      return Promise.reject(new UnavailableError(`partition ${this.partition} is stopped`));
    if (this.state === 'live' && this.nextOffset >= offset) return Promise.resolve();
    return this.#waiters.wait(offset, signal);
  }

  /**
   * Resolves if the blocks that a reader finds at its last commit and the heads here are complete, and the database has
   * all deletions that apply to these blocks.
   */
  async requireIn(found: CommitPoint, tenant: string, signal: AbortSignal): Promise<void> {
    while (this.#deletions.has(tenant)) await sleep(DELETIONS_STORED_POLL_MS, undefined, { signal });
    await this.#relied?.requireIn(found);
  }

  /** The partition's details, for an operator who looks for a fault. */
  inspect(): Promise<PartitionReport> {
    const { log, blocks } = this.#options;
    return reportOf(this, log, blocks);
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the ingester is stopping'));
    await this.#work;
  }

  /** Ends this owner so that another can replace it: waiting reads are refused, memory is returned. */
  async giveUp(): Promise<void> {
    this.state = 'stopped';
    this.#waiters.fail(new UnavailableError(`partition ${this.partition} is read again`));
    await this.stop();
    for (const held of [...this.heads.all()]) this.heads.drop(held);
  }

  #commitsLost(): void {
    const { logger, partition, onCommitsLost } = this.#options;
    if (this.#stopping.signal.aborted) return;
    logger.error(
      { partition },
      'the database has lost commits: it has gone back in time; reading the log again from what it has',
    );
    this.#stopping.abort(new Error('the database has lost commits'));
    onCommitsLost();
  }

  /** Stops the partition once its log is replaced. */
  async #verifyNowAndThen(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(VERIFY_EVERY_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.#followed?.verify();
      } catch (error) {
        // An unreachable log is reported when it is read.
        if (isReplaced(error) && !signal.aborted) return this.#stopLoudly(error);
      }
    }
  }

  /** Applies the log until the partition stops. Waits for an unreachable log; a permanent failure stops the partition. */
  async #follow(): Promise<void> {
    const { logger, partition } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#applyFromLog(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof WriteLogError && error.retryable)) return this.#stopLoudly(error);
        logger.warn(
          { partition, offset: this.nextOffset, err: error },
          'the write log cannot be read; trying again',
        );
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #applyFromLog(signal: AbortSignal): Promise<void> {
    const { log, partition, clock } = this.#options;
    let turnEndMs = clock() + TURN_MS;
    for await (const batch of log.read(partition, this.nextOffset, signal)) {
      if (batch.firstOffset !== this.nextOffset) {
        throw new Error(`the log jumped from offset ${this.nextOffset} to ${batch.firstOffset}`);
      }
      for (const bytes of batch.records) {
        if (signal.aborted) return;
        this.#apply(bytes, this.nextOffset);
        this.#followed?.read(this.nextOffset, bytes);
        this.nextOffset++;
        if (clock() < turnEndMs) continue;
        this.#announce();
        await nextTurn();
        turnEndMs = clock() + TURN_MS;
      }
      this.#announce();
      await this.#roomForMore(signal);
    }
  }

  #announce(): void {
    if (this.state === 'replaying' && this.nextOffset >= this.#replayEnd) this.state = 'live';
    if (this.state === 'live') this.#waiters.reached(this.nextOffset);
    this.#options.metrics.nextOffset.set({ partition: this.partition }, this.nextOffset);
  }

  #apply(bytes: Uint8Array, offset: number): void {
    const { clock, metrics, logger } = this.#options;
    if (this.#skipped.has(offset)) {
      logger.info({ partition: this.partition, offset }, 'a record that an operator took out is passed over');
      return;
    }
    const record = this.#record;
    record.decode(bytes);
    if (record.kind === 'cut') {
      const held = this.heads.close(record, offset, clock());
      if (held) this.#commits?.push(held);
      return;
    }
    if (record.deletion !== undefined) {
      this.#deletions.add({ deletion: record.deletion, logOffset: offset });
      const closed = this.heads.delete(record.deletion, offset, this.#options.zone, clock());
      for (const held of closed) this.#commits?.push(held);
      metrics.appliedDeletions.inc();
      return;
    }
    const counts = noCounts();
    this.#applier.apply(record, offset, clock(), counts);
    for (const entry of record.metadata()) {
      if (!this.metadata.add(record.tenant, entry)) metrics.droppedMetadata.inc();
    }
    metrics.appliedSamples.inc(counts.stored);
    if (counts.repeated > 0) metrics.repeatedSamples.inc(counts.repeated);
    if (counts.skipped > 0) metrics.skippedSamples.inc(counts.skipped);
    if (counts.conflicting === 0) return;
    metrics.conflictingSamples.inc({ tenant: record.tenant }, counts.conflicting);
    const series = record.labelsOf(counts.conflictingSeries).toString();
    this.conflicts.add(record.tenant, counts.conflicting, series, offset);
    logger.warn(
      { partition: this.partition, tenant: record.tenant, offset, samples: counts.conflicting, series },
      'timestamps written again with another value: the first one stands',
    );
  }

  /** At its memory bound the partition stops consuming until a block is stored. */
  async #roomForMore(signal: AbortSignal): Promise<void> {
    const { cuts } = this.#options;
    const waiting = () => (this.#commits?.length ?? 0) > 0;
    while (!signal.aborted && waiting() && this.heads.uncommittedBytes > cuts.maxHeadBytes) {
      await sleep(50, undefined, { signal }).catch(() => undefined);
    }
  }

  #stopLoudly(error: unknown): void {
    this.state = 'stopped';
    this.stoppedBy = error instanceof Error ? error.message : String(error);
    const { logger, partition, metrics } = this.#options;
    metrics.stoppedPartitions.set({ partition }, 1);
    logger.error({ partition, offset: this.nextOffset, err: error }, 'the partition is stopped');
    this.#waiters.fail(new UnavailableError(`partition ${partition} is stopped`));
    this.#stopping.abort(error);
  }
}

function isReplaced(error: unknown): boolean {
  return error instanceof WriteLogError && error.code === 'log_replaced';
}

/** Whether the same call may succeed later, because a remote service is unavailable. */
function mayPass(error: unknown): boolean {
  if (error instanceof DatabaseError) return error.code === 'unavailable';
  return error instanceof WriteLogError && error.retryable;
}
