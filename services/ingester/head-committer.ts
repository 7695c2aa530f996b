import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type BlockMeta,
  type BlockPart,
  type BlockStore,
  type CommitPoint,
  randomCommitId,
} from '@xscaler/database';
import { writeBlock } from '@xscaler/tsdb';
import type { FollowedLog } from './followed-log.ts';
import type { HeldHead, PartitionHeads } from './partition-heads.ts';
import type { PendingDeletions } from './pending-deletions.ts';
import type { PendingMetadata } from './pending-metadata.ts';

/** A resume offset and the commit that set it. */
export interface KnownProgress {
  readonly resumeOffset: number;
  readonly commit: CommitPoint;
}

export interface HeadCommitterOptions {
  readonly partition: number;
  readonly blocks: BlockStore;
  readonly heads: PartitionHeads;
  readonly metadata: PendingMetadata;
  readonly deletions: PendingDeletions;
  readonly followed: FollowedLog;
  readonly known: KnownProgress;
}

/** Parts of a block go into the database in transactions of about this size. */
const STAGE_BYTES = 1024 * 1024;

/**
 * Turns closed heads into blocks: parts staged under an id that nobody lists, then one transaction with the
 * ledger row and the resume offset. A crash before that leaves parts that the sweep removes; after it, a
 * replay skips what the ledger spans.
 */
export class HeadCommitter {
  readonly #partition: number;
  readonly #blocks: BlockStore;
  readonly #heads: PartitionHeads;
  readonly #metadata: PendingMetadata;
  readonly #deletions: PendingDeletions;
  readonly #followed: FollowedLog;
  /** Where the partition stands in the database, as known here: all that this replica relies on is in commits up to this one. */
  known: KnownProgress;
  #hasStoredDeletions = false;

  constructor(options: HeadCommitterOptions) {
    this.#partition = options.partition;
    this.#blocks = options.blocks;
    this.#heads = options.heads;
    this.#metadata = options.metadata;
    this.#deletions = options.deletions;
    this.#followed = options.followed;
    this.known = options.known;
  }

  /** Stores a closed head, all of which is known to be of the log that is followed. Rejects as `BlockStore` does: try again later. */
  async commit(held: HeldHead): Promise<{ outcome: 'committed' | 'already'; meta: BlockMeta }> {
    const { head } = held;
    const { blockId } = held;
    const written = writeBlock(head);
    let pieces: BlockPart[] = [];
    let bytes = 0;
    let partCount = 0;
    let step = written.next();
    for (; !step.done; step = written.next()) {
      if (step.value === undefined) {
        await nextTurn();
        continue;
      }
      pieces.push(step.value);
      partCount++;
      bytes += step.value.bytes.length;
      if (bytes < STAGE_BYTES) continue;
      await this.#blocks.stage(blockId, head.tenant, pieces);
      pieces = [];
      bytes = 0;
    }
    if (pieces.length > 0) await this.#blocks.stage(blockId, head.tenant, pieces);
    const meta: BlockMeta = {
      blockId,
      tenant: head.tenant,
      partition: this.#partition,
      level: 0,
      windowStartMs: head.windowStartMs,
      windowMs: head.windowMs,
      seq: head.seq,
      fromOffset: head.fromOffset,
      toOffset: held.toOffset,
      ...step.value,
    };
    const outcome = await this.#commit(meta, partCount, this.#resumeOffset(held));
    return { outcome, meta };
  }

  /** Whether deletions wait to be stored: its requester may have disconnected before its readers knew of it. */
  get hasDeletions(): boolean {
    return !this.#deletions.isEmpty;
  }

  /** Whether deletions were stored since this was asked last: they are in `known.commit` or an earlier one. */
  takeStoredDeletions(): boolean {
    const hasStored = this.#hasStoredDeletions;
    this.#hasStoredDeletions = false;
    return hasStored;
  }

  /** Whether a checkpoint would move the resume offset. */
  get isBehind(): boolean {
    return this.#resumeOffset(undefined) > this.known.resumeOffset;
  }

  /** Moves the resume offset alone, if records bring nothing that a head holds (metadata, cuts, samples skipped). */
  async checkpoint(): Promise<void> {
    const resumeOffset = this.#resumeOffset(undefined);
    if (resumeOffset > this.known.resumeOffset || !this.#metadata.isEmpty || this.hasDeletions)
      await this.#commit(undefined, 0, resumeOffset);
  }

  /** What isn't known yet to be of the log that is followed is read again by a replay. */
  #resumeOffset(committed: HeldHead | undefined): number {
    return this.#heads.resumeOffsetWithout(committed, this.#followed.verifiedOffset);
  }

  /** Another zone may be ahead: what it found stored is stored, whatever this one has applied. */
  async #commit(
    meta: BlockMeta | undefined,
    partCount: number,
    ownResumeOffset: number,
  ): Promise<'committed' | 'already'> {
    const { resumeOffset: expectedResumeOffset, commit: expectedCommit } = this.known;
    const resumeOffset = Math.max(ownResumeOffset, expectedResumeOffset);
    const metadata = this.#metadata.snapshot();
    const { verifiedOffset, committed: log } = this.#followed;
    const deletions = this.#deletions.snapshot(verifiedOffset);
    const commitId = randomCommitId();
    const outcome = await this.#blocks.commit({
      meta,
      partCount,
      partition: this.#partition,
      expectedResumeOffset,
      expectedCommit,
      commitId,
      resumeOffset,
      log,
      metadata,
      deletions,
    });
    // Where the head was stored already, others have been here: the queue looks where the partition stands now. What went with
    // this commit goes with the next one again, since nobody knows its number, by which its loss would be noticed.
    if (outcome === 'already') return outcome;
    this.known = { resumeOffset, commit: { number: expectedCommit.number + 1, id: commitId } };
    this.#metadata.forget(metadata);
    this.#deletions.forget(deletions);
    if (deletions.length > 0) this.#hasStoredDeletions = true;
    return outcome;
  }
}
