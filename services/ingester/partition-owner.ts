import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { type BlockStore, DatabaseError } from '@xscaler/database';
import type { PagePool } from '@xscaler/tsdb';
import { encodeCut, LogRecordReader } from '@xscaler/wire';
import type { WriteLog } from '@xscaler/writelog';
import type { Logger } from './contracts.ts';
import { type CutSettings, headsToCut } from './cut-policy.ts';
import { HeadCommitter } from './head-committer.ts';
import type { IngesterMetrics } from './ingester-metrics.ts';
import { LedgerView } from './ledger-view.ts';
import { OffsetWaiters } from './offset-waiters.ts';
import { type HeldHead, PartitionHeads } from './partition-heads.ts';
import { PendingMetadata } from './pending-metadata.ts';
import { noCounts, RecordApplier } from './record-applier.ts';

export interface PartitionOwnerOptions {
  readonly partition: number;
  readonly log: WriteLog;
  readonly blocks: BlockStore;
  readonly cuts: CutSettings;
  /** Memory for heads, shared by all partitions of a thread. */
  readonly pool: PagePool;
  /** How long a committed head stays readable: longer than a query lives. */
  readonly committedHeadLingerMs: number;
  readonly clock: () => number;
  readonly logger: Logger;
  readonly metrics: IngesterMetrics;
}

/** Records are applied for this long before reads get a turn. */
const TURN_MS = 5;
const COMMIT_RETRY_MS = 1_000;
/** Resume offsets move by checkpoint where no head was committed for so many records. */
const CHECKPOINT_RECORDS = 10_000;

/**
 * One partition's state machine: applies the log from the resume offset on, closes heads where the log says cut,
 * and stores closed heads as blocks. `state` is `stopped` for good once a record cannot be read or a block
 * contradicts another replica's: somebody has to look.
 */
export class PartitionOwner {
  readonly partition: number;
  readonly heads: PartitionHeads;
  readonly metadata = new PendingMetadata();
  state: 'loading' | 'replaying' | 'live' | 'stopped' = 'loading';
  /** The offset of the record that is applied next. */
  nextOffset = 0;
  readonly #options: PartitionOwnerOptions;
  readonly #ledger = new LedgerView();
  readonly #applier: RecordApplier;
  readonly #record = new LogRecordReader();
  readonly #waiters = new OffsetWaiters();
  readonly #stopping = new AbortController();
  readonly #toCommit: HeldHead[] = [];
  #committer: HeadCommitter | undefined;
  #replayEnd = 0;
  #work: Promise<unknown> = Promise.resolve();
  #lastCheckpoint = 0;

  constructor(options: PartitionOwnerOptions) {
    this.#options = options;
    this.partition = options.partition;
    this.heads = new PartitionHeads(options.partition, options.pool);
    this.#applier = new RecordApplier(this.heads, this.#ledger);
  }

  /** Loads ledger and resume offset, then follows the log. Resolves once the records that were there are applied. */
  async start(): Promise<void> {
    const { partition, blocks, log, logger } = this.#options;
    for (const row of await blocks.ledger(partition)) this.#ledger.add(row);
    const resumeOffset = await blocks.resumeOffset(partition);
    const startOffset = await log.startOffset(partition);
    if (resumeOffset < startOffset) {
      this.state = 'stopped';
      throw new Error(
        `partition ${partition}: the log starts at offset ${startOffset}, above the resume offset ${resumeOffset}: records are missing`,
      );
    }
    this.nextOffset = resumeOffset;
    this.#lastCheckpoint = resumeOffset;
    this.#committer = new HeadCommitter(partition, blocks, this.heads, this.metadata, resumeOffset);
    this.#replayEnd = await log.endOffset(partition);
    this.state = 'replaying';
    logger.info({ partition, resumeOffset, endOffset: this.#replayEnd }, 'replaying the write log');
    this.#work = Promise.all([this.#follow(), this.#tend(), this.#commitClosed()]);
    await this.waitFor(this.#replayEnd, this.#stopping.signal);
  }

  /** Waits until every offset below `offset` is applied. Rejects when the signal aborts or the partition stops. */
  waitFor(offset: number, signal: AbortSignal): Promise<void> {
    if (this.state === 'stopped') return Promise.reject(new Error(`partition ${this.partition} is stopped`));
    return this.nextOffset >= offset ? Promise.resolve() : this.#waiters.wait(offset, signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the ingester is stopping'));
    await this.#work;
  }

  async #follow(): Promise<void> {
    const { log, partition, clock } = this.#options;
    const { signal } = this.#stopping;
    try {
      let turnEndMs = clock() + TURN_MS;
      for await (const batch of log.read(partition, this.nextOffset, signal)) {
        if (batch.firstOffset !== this.nextOffset) {
          throw new Error(`the log jumped from offset ${this.nextOffset} to ${batch.firstOffset}`);
        }
        for (const bytes of batch.records) {
          if (signal.aborted) return;
          this.#apply(bytes, this.nextOffset);
          this.nextOffset++;
          if (clock() < turnEndMs) continue;
          this.#announce();
          await nextTurn();
          turnEndMs = clock() + TURN_MS;
        }
        this.#announce();
        await this.#roomForMore(signal);
      }
    } catch (error) {
      if (!signal.aborted) this.#stopLoudly(error);
    }
  }

  #announce(): void {
    if (this.state === 'replaying' && this.nextOffset >= this.#replayEnd) this.state = 'live';
    this.#waiters.reached(this.nextOffset);
    this.#options.metrics.nextOffset.set({ partition: this.partition }, this.nextOffset);
  }

  #apply(bytes: Uint8Array, offset: number): void {
    const { clock, metrics, logger } = this.#options;
    const record = this.#record;
    record.decode(bytes);
    if (record.kind === 'cut') {
      const { tenant, windowStartMs, windowMs, seq } = record;
      const held = this.heads.close(tenant, windowStartMs, windowMs, seq, offset);
      if (held) this.#toCommit.push(held);
      return;
    }
    const counts = noCounts();
    this.#applier.apply(record, offset, clock(), counts);
    for (const entry of record.metadata()) this.metadata.add(record.tenant, entry);
    metrics.appliedSamples.inc(counts.stored);
    if (counts.repeated > 0) metrics.repeatedSamples.inc(counts.repeated);
    if (counts.skipped > 0) metrics.skippedSamples.inc(counts.skipped);
    if (counts.conflicting === 0) return;
    metrics.conflictingSamples.inc({ tenant: record.tenant }, counts.conflicting);
    logger.debug(
      { tenant: record.tenant, offset, samples: counts.conflicting },
      'timestamps written again with another value',
    );
  }

  /** At its memory bound the partition stops consuming until a block is stored. */
  async #roomForMore(signal: AbortSignal): Promise<void> {
    const { cuts } = this.#options;
    while (!signal.aborted && this.#toCommit.length > 0 && this.heads.uncommittedBytes > cuts.maxHeadBytes) {
      await sleep(50, undefined, { signal }).catch(() => undefined);
    }
  }

  #stopLoudly(error: unknown): void {
    this.state = 'stopped';
    const { logger, partition, metrics } = this.#options;
    metrics.stoppedPartitions.set({ partition }, 1);
    logger.error({ partition, offset: this.nextOffset, err: error }, 'the partition is stopped');
    this.#waiters.fail(new Error(`partition ${partition} is stopped`));
    this.#stopping.abort(error);
  }

  /** Asks for cuts through the log, drops heads that lingered long enough, keeps the resume offset near. */
  async #tend(): Promise<void> {
    const { signal } = this.#stopping;
    const { clock, cuts, log, logger, partition, committedHeadLingerMs, metrics } = this.#options;
    while (!signal.aborted) {
      await sleep(tendIntervalMs(cuts), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      if (this.state === 'live') {
        for (const { head } of headsToCut(this.heads, cuts, clock())) {
          const { tenant, windowStartMs, windowMs, seq } = head;
          const cut = encodeCut({ tenant, windowStartMs, windowMs, seq });
          await log
            .append(partition, cut)
            .catch((error) => logger.warn({ partition, err: error }, 'a cut was not logged'));
        }
      }
      for (const held of [...this.heads.all()]) {
        if (held.state === 'committed' && clock() - held.committedAtMs > committedHeadLingerMs)
          this.heads.drop(held);
      }
      metrics.observeHeads(partition, this.heads);
    }
  }

  async #commitClosed(): Promise<void> {
    const { signal } = this.#stopping;
    const { clock, logger, partition, metrics } = this.#options;
    const committer = this.#committer as HeadCommitter;
    while (!signal.aborted) {
      const held = this.#toCommit[0];
      try {
        if (held) {
          const startedMs = clock();
          const meta = await committer.commit(held, this.nextOffset);
          held.state = 'committed';
          held.committedAtMs = clock();
          this.#toCommit.shift();
          this.#ledger.add(meta);
          metrics.commitSeconds.observe((clock() - startedMs) / 1000);
          logger.info(
            { partition, tenant: meta.tenant, window: meta.windowStartMs, samples: meta.sampleCount },
            'head committed',
          );
          await this.#forgetLog();
        } else if (this.nextOffset - this.#lastCheckpoint >= CHECKPOINT_RECORDS) {
          await committer.checkpoint(this.nextOffset);
          await this.#forgetLog();
        }
      } catch (error) {
        logger.warn({ partition, err: error }, 'a head could not be committed; trying again');
        if (error instanceof DatabaseError && error.code === 'conflict')
          await this.#resolveConflict(committer, error);
        await sleep(COMMIT_RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
      if (this.#toCommit.length === 0) await sleep(100, undefined, { signal }).catch(() => undefined);
    }
  }

  /** A resume offset that moved without us (a commit whose answer was lost) is taken over; anything else stops the partition. */
  async #resolveConflict(committer: HeadCommitter, error: DatabaseError): Promise<void> {
    const stored = await this.#options.blocks
      .resumeOffset(this.partition)
      .catch(() => committer.resumeOffset);
    if (stored === committer.resumeOffset) this.#stopLoudly(error);
    committer.resumeOffset = stored;
  }

  async #forgetLog(): Promise<void> {
    const { blocks, log, partition } = this.#options;
    const { resumeOffset } = this.#committer as HeadCommitter;
    this.#lastCheckpoint = this.nextOffset;
    await log.truncate(partition, resumeOffset);
    const startOffset = await log.startOffset(partition);
    await blocks.pruneLedger(partition, startOffset);
    this.#ledger.prune(startOffset);
  }
}

/** Cuts are looked for once a second, or more often where windows are short. */
function tendIntervalMs(cuts: CutSettings): number {
  return Math.min(1_000, Math.max(50, Math.min(cuts.graceMs, cuts.lateHeadAgeMs) / 2));
}
