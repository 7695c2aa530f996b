import type { MetricMetadata } from '@xscaler/model';
import type { LoggedDeletion, PartitionTombstone } from '../deletion/series-deletion.ts';
import type { CommittedLog } from '../log-identity/log-identity.ts';
import type { CommitHistory, CommitPoint, PartitionProgress } from './commit-history.ts';
import type { LogReplacement } from './log-replacement.ts';

/** What a part of a block holds. A block is a few large values, each numbered from 0 within its kind. */
export type BlockPartKind = 'index' | 'symbols' | 'postings' | 'series' | 'chunks' | 'exemplars';

export interface BlockPart {
  readonly kind: BlockPartKind;
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** One block, made of one closed head (level 0) or of other blocks. Offsets are the write log's. Times in ms. */
export interface BlockMeta {
  readonly blockId: string;
  readonly tenant: string;
  readonly partition: number;
  readonly level: number;
  readonly windowStartMs: number;
  readonly windowMs: number;
  /** Offset of the log record that opened the head; unique within its window. */
  readonly seq: number;
  /** First and last offset of the log that the head covered, both inclusive; `toOffset` is its cut's. */
  readonly fromOffset: number;
  readonly toOffset: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly seriesCount: number;
  readonly sampleCount: number;
  /** Digest of the content, hex: equal for equal heads, whichever ingester wrote them. */
  readonly digest: string;
}

/** The record that a head was committed; outlives its block until the log has dropped its offsets. */
export type LedgerRow = Pick<
  BlockMeta,
  | 'tenant'
  | 'partition'
  | 'windowStartMs'
  | 'windowMs'
  | 'seq'
  | 'fromOffset'
  | 'toOffset'
  | 'sampleCount'
  | 'digest'
>;

export interface BlockCommit {
  /** The staged block, or undefined if only the resume offset moves. */
  readonly meta: BlockMeta | undefined;
  /** Parts that were staged of it: a block with fewer (a sweep took a staging that stalled for dead) never goes live. */
  readonly partCount: number;
  readonly partition: number;
  /** The resume offset as the caller knows it, and what it becomes. */
  readonly expectedResumeOffset: number;
  /** The partition's last commit as the caller knows it; absent: any. */
  readonly expectedCommit?: CommitPoint;
  /** Of this commit; absent: a random one. */
  readonly commitId?: string;
  readonly resumeOffset: number;
  /** The log that offsets are of; absent: the one that is known. */
  readonly log?: CommittedLog;
  /** Metadata seen in the log below `resumeOffset` and not yet stored, by tenant; left out if others have moved on beyond. */
  readonly metadata: readonly { readonly tenant: string; readonly entries: readonly MetricMetadata[] }[];
  /** Deletions read in the log below `resumeOffset` and not yet stored; absent: none. */
  readonly deletions?: readonly LoggedDeletion[];
}

/**
 * Blocks, the ledger and resume offsets, in a `Database`.
 *
 * Writing a block: `stage` its parts in small transactions under an id nobody lists, then `commit` in one small
 * transaction: the block goes live, its ledger row is written and the resume offset moves by compare-and-swap.
 */
export interface BlockStore {
  /** Inserts parts of a block that is not live yet; the same part again is a no-op. */
  stage(blockId: string, tenant: string, parts: readonly BlockPart[]): Promise<void>;

  /**
   * `already`: a ledger row of the same head and digest is there (an earlier try, another replica); the resume offset moves all
   * the same, forwards only. Rejects with `DatabaseError` code `conflict` if the digest differs, or the resume offset, the
   * last commit or the log isn't the expected one.
   */
  commit(commit: BlockCommit): Promise<'committed' | 'already'>;

  /** Where a partition stands, and its ledger rows that end at `minToOffset` or above, all of one moment. */
  progress(
    partition: number,
    minToOffset?: number,
  ): Promise<PartitionProgress & { readonly ledger: readonly LedgerRow[] }>;
  /** The commits of a partition that are known now. */
  commitHistory(partition: number): Promise<CommitHistory>;
  /** The last commit of every partition that has one. */
  lastCommits(): Promise<ReadonlyMap<number, CommitPoint>>;

  /**
   * Makes a partition go on at the beginning of another log: nothing of it is passed over, and what is stored stays.
   * Rejects with `DatabaseError` code `conflict` if the partition doesn't stand where the caller thinks.
   */
  replaceLog(replacement: LogReplacement): Promise<void>;

  /** 0 if the partition was never committed. */
  resumeOffset(partition: number): Promise<number>;

  /**
   * Notes that at `timeMs` (wall clock) the log of a partition ended at `endOffset`. Counts only if the resume offset
   * has got there: then every record acknowledged before `timeMs` is in blocks. An instant is taken back only if it lies
   * in the future: then a clock was wrong.
   */
  noteCommitted(partition: number, endOffset: number, timeMs: number): Promise<void>;
  /** Takes back a partition's note of an instant in the future, which time would make believable; true if there was one. */
  forgetFutureNotes(partition: number): Promise<boolean>;
  /**
   * By partition the instant until which every acknowledged record of it is in blocks: wall clock, ms. Instants in the future
   * are left out.
   */
  committedUntil(): Promise<ReadonlyMap<number, number>>;

  /** Rows that end at `minToOffset` or above; all of them if it is absent. */
  ledger(partition: number, minToOffset?: number): Promise<LedgerRow[]>;
  /** Forgets ledger rows whose offsets all lie below `offset` (the log has dropped them). */
  pruneLedger(partition: number, offset: number): Promise<void>;

  /** Offsets of records that an operator has taken out: every replica passes them over. */
  skippedRecords(partition: number): Promise<number[]>;
  /** Takes a record out; again is a no-op. */
  skipRecord(partition: number, offset: number): Promise<void>;

  /** Live blocks of a tenant that overlap [minTimeMs, maxTimeMs], both inclusive. */
  list(tenant: string, minTimeMs: number, maxTimeMs: number): Promise<BlockMeta[]>;
  /** A slice of a part (all of it without `offset`); rejects with `DatabaseError` `invalid` if there is no such part. */
  readPart(
    blockId: string,
    kind: BlockPartKind,
    number: number,
    offset?: number,
    length?: number,
  ): Promise<Uint8Array>;

  /**
   * Deletions of a tenant that touch [minTimeMs, maxTimeMs]. All whose offset lies below a resume offset that was read before
   * exist, and those stay for longer than a read lives once no listed block holds any of what they hide.
   */
  tombstones(tenant: string, minTimeMs: number, maxTimeMs: number): Promise<PartitionTombstone[]>;

  metadata(tenant: string, metric: string | undefined): Promise<MetricMetadata[]>;
  /** Deletes staged parts of blocks that never went live and are older than `beforeMs` (wall clock). */
  sweepStaged(beforeMs: number): Promise<number>;
}
