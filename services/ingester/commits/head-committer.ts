import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type BlockMeta,
  type BlockPart,
  type BlockStore,
  type CommitPoint,
  randomCommitId,
} from '@xscaler/database';
import { writeBlock } from '@xscaler/tsdb';
import type { HeldHead, PartitionHeads } from '../heads/partition-heads.ts';
import type { PendingDeletions } from '../heads/pending-deletions.ts';
import type { PendingMetadata } from '../heads/pending-metadata.ts';
import type { FollowedLog } from '../log/followed-log.ts';

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

/** A block's parts are inserted in transactions of about this size. */
const STAGE_BYTES = 1024 * 1024;

/**
 * Turns closed heads into blocks. Parts are staged under an unlisted id, then one transaction adds the ledger row and
 * moves the resume offset. A crash before it leaves parts that the sweep removes; after it, a replay skips the offsets
 * that the ledger spans.
 */
export class HeadCommitter {
  readonly #partition: number;
  readonly #blocks: BlockStore;
  readonly #heads: PartitionHeads;
  readonly #metadata: PendingMetadata;
  readonly #deletions: PendingDeletions;
  readonly #followed: FollowedLog;
  /** The partition's progress in the database, as known here: all that this replica relies on is in commits up to this one. */
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

  /** Stores a closed head whose records are all verified to come from the followed log. Rejects as `BlockStore` does: try again later. */
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

  /** Whether deletions wait to be stored. A client may have disconnected before the readers learned of its deletion. */
  get hasDeletions(): boolean {
    return !this.#deletions.isEmpty;
  }

  /** Whether deletions were stored since the last call; they are in `known.commit` or an earlier one. */
  takeStoredDeletions(): boolean {
    const hasStored = this.#hasStoredDeletions;
    this.#hasStoredDeletions = false;
    return hasStored;
  }

  /** Whether a checkpoint would move the resume offset. */
  get isBehind(): boolean {
    return this.#resumeOffset(undefined) > this.known.resumeOffset;
  }

  /** Moves the resume offset without a block, for records that add nothing to a head (metadata, cuts, skipped samples). */
  async checkpoint(): Promise<void> {
    const resumeOffset = this.#resumeOffset(undefined);
    if (resumeOffset > this.known.resumeOffset || !this.#metadata.isEmpty || this.hasDeletions)
      await this.#commit(undefined, 0, resumeOffset);
  }

  /** Records not yet verified to come from the followed log are read again by a replay. */
  #resumeOffset(committed: HeldHead | undefined): number {
    return this.#heads.resumeOffsetWithout(committed, this.#followed.verifiedOffset);
  }

  /** Another zone may be ahead: its resume offset holds, whatever this replica has applied. */
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
    // If the head was already stored, another zone did it, and the queue reads the partition's progress again. Metadata and
    // deletions go with the next commit too: this one's number is unknown, so its loss would not be noticed.
    if (outcome === 'already') return outcome;
    this.known = { resumeOffset, commit: { number: expectedCommit.number + 1, id: commitId } };
    this.#metadata.forget(metadata);
    this.#deletions.forget(deletions);
    if (deletions.length > 0) this.#hasStoredDeletions = true;
    return outcome;
  }
}
