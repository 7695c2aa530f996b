import type { Matcher, MatchType } from '@xscaler/model';

/** Of a tenant's series that satisfy every matcher of any one set, the samples with startMs ≤ t ≤ endMs are deleted. */
export interface SeriesDeletion {
  readonly deletionId: string;
  readonly tenant: string;
  /** Wall clock, ms. */
  readonly requestedMs: number;
  readonly startMs: number;
  readonly endMs: number;
  /** At least one set. */
  readonly matcherSets: readonly (readonly {
    readonly type: MatchType;
    readonly name: string;
    readonly value: string;
  }[])[];
}

/** A deletion that was read in the log of a partition. */
export interface LoggedDeletion {
  readonly deletion: SeriesDeletion;
  readonly logOffset: number;
}

/** What a deletion hides in one partition. */
export interface PartitionTombstone {
  readonly deletionId: string;
  readonly partition: number;
  readonly logOffset: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly matcherSets: readonly (readonly Matcher[])[];
}

/**
 * Whether a tombstone hides what it selects of a block: what the block holds was in the log before the deletion. A head
 * that was open when the deletion came, and had any of its series, was closed by it; so a block never lies on both sides.
 */
export function hidesOf(
  { partition, logOffset }: Pick<PartitionTombstone, 'partition' | 'logOffset'>,
  block: { readonly partition: number; readonly toOffset: number },
): boolean {
  return partition === block.partition && block.toOffset <= logOffset;
}

/** How far a deletion has got. */
export interface DeletionProgress {
  readonly deletion: SeriesDeletion;
  /** When the last block that held any of it was replaced (wall clock, ms); until then it is hidden. */
  readonly doneMs: number | undefined;
  /** Partitions of the log that know of it, and those of them without a block that holds any of it. */
  readonly partitions: number;
  readonly partitionsDone: number;
  /** Blocks that are still to be written again. */
  readonly blocksLeft: number;
}

/** Deletions of series, as their requester sees them. Rejects with `DatabaseError`. */
export interface DeletionStore {
  /** Deletions of a tenant that aren't done yet. */
  unfinished(tenant: string): Promise<number>;
  /** Hides at once, in blocks; `offsets` are those of the deletion in the log, by partition. Again is a no-op. */
  hide(deletion: SeriesDeletion, offsets: ReadonlyMap<number, number>): Promise<void>;
  /** Undefined if the tenant has no such deletion, or had it long ago. */
  progress(tenant: string, deletionId: string): Promise<DeletionProgress | undefined>;
}
