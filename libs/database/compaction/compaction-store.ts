import type { BlockMeta, BlockPart } from '../blocks/block-store.ts';
import type { CommitPoint } from '../blocks/commit-history.ts';
import type { PartitionTombstone } from '../deletion/series-deletion.ts';

/** A day of blocks of one tenant and partition that a compactor has to itself until its lease ends. */
export interface CompactionJob {
  readonly tenant: string;
  readonly partition: number;
  readonly dayStartMs: number;
  readonly owner: string;
}

/** When the blocks of a day are to be merged. Days are of sample time; counts are of blocks that no earlier head can still follow. */
export interface CompactionPolicy {
  /** How long after its end a day is given for samples that come late. */
  readonly settleMs: number;
  /** A day that goes on is merged once it has this many blocks that no merge made. */
  readonly freshBlocks: number;
  /** A day that was merged is merged again once this many blocks came later. */
  readonly lateBlocks: number;
}

/** The blocks and deletions of a day, as of one moment. */
export interface CompactionInputs {
  /** By `fromOffset`: live blocks whose windows touch the day and that end below the resume offset. */
  readonly blocks: readonly CompactionBlock[];
  /** Every deletion of the partition below `resumeOffset`, and perhaps later ones. */
  readonly tombstones: readonly PartitionTombstone[];
  readonly resumeOffset: number;
  /** The partition's last commit then. */
  readonly commit: CommitPoint;
}

export interface CompactionBlock extends BlockMeta {
  /** Deletions up to this offset of the log are not in it. */
  readonly purgedOffset: number;
}

/** Blocks that one other takes the place of, or none if nothing is left of them. */
export interface CompactionSwap {
  readonly replaced: readonly BlockMeta[];
  /** Staged with this many parts. */
  readonly merged: { readonly meta: BlockMeta; readonly partCount: number } | undefined;
  /** Deletions up to this offset of the log are not in the merged block. */
  readonly purgedOffset: number;
  /** The commit that the merge's inputs came with; absent: any. */
  readonly commit?: CommitPoint;
}

export interface CompactionCounts {
  readonly jobs: number;
  readonly leasedJobs: number;
  readonly failedJobs: number;
  readonly liveBlocks: number;
  readonly retiredBlocks: number;
  readonly stagedBlocks: number;
  readonly unfinishedDeletions: number;
}

/**
 * What compactors do to the blocks of a database; many at once. Rejects with `DatabaseError`.
 *
 * A merge reads blocks that are live, stages the one that takes their place, and swaps them in one transaction. Replaced
 * blocks are retired: nobody is told of them any more, and their parts stay for the reads that know of them
 * until `purgeRetired`.
 */
export interface CompactionStore {
  /** Notes a job for each day that is due by the policy or holds some of what was deleted; how many are new. */
  plan(policy: CompactionPolicy): Promise<number>;
  /** Takes the job that waits longest, if there is one that nobody has. */
  claim(owner: string, leaseMs: number): Promise<CompactionJob | undefined>;
  /** False if the job isn't the owner's any more. */
  renew(job: CompactionJob, leaseMs: number): Promise<boolean>;
  /** The job is done. */
  finish(job: CompactionJob): Promise<void>;
  /** The job failed and waits, each time longer. */
  postpone(job: CompactionJob): Promise<void>;

  inputs(job: CompactionJob): Promise<CompactionInputs>;
  /** Inserts parts of a block that is not live yet, as `BlockStore.stage`. */
  stage(blockId: string, tenant: string, parts: readonly BlockPart[]): Promise<void>;
  /**
   * Retires blocks and makes the merged one live, or does nothing: `conflict` if one of them isn't live any more or the
   * database has lost the inputs' commit,
   * `invalid` if the merged one isn't staged whole.
   */
  swap(swap: CompactionSwap): Promise<void>;

  /** Tenants that have live blocks. */
  tenantsWithBlocks(): Promise<string[]>;
  /** Retires a tenant's blocks that end before `timeMs`; how many. */
  retireBefore(tenant: string, timeMs: number): Promise<number>;
  /** Retires a tenant's blocks and deletes all else that is kept of its data; how much there was. The ledger stays: a replay asks it. */
  forgetTenant(tenant: string): Promise<number>;
  /** Deletes the parts of blocks that were retired before `beforeMs` (wall clock); how many blocks. */
  purgeRetired(beforeMs: number): Promise<number>;
  /**
   * Notes which deletions no block holds anything of any more. Tombstones go once that was so at `tombstonesBeforeMs`,
   * receipts at `receiptsBeforeMs`.
   */
  settleDeletions(tombstonesBeforeMs: number, receiptsBeforeMs: number): Promise<number>;

  counts(): Promise<CompactionCounts>;
}
