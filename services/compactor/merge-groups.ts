import {
  COMPACTION_DAY_MS,
  type CompactionBlock,
  type CompactionInputs,
  type CompactionJob,
  hidesOf,
} from '@xscaler/database';

/** Bounds on one merge: it holds some parts of every block, and a few bytes for each of their series. */
export interface MergeBounds {
  readonly maxBlocks: number;
  readonly maxSeries: number;
}

/**
 * What is to be written anew of a day: each group becomes one block, or none.
 *
 * Readers let the sample of the lowest (partition, fromOffset) stand, and a merged block has the lowest `fromOffset` of its
 * inputs. So that they decide as before, a group is the first blocks of its day by `fromOffset`, and a day
 * that shares a block with another day isn't merged: then each block that holds something deleted is written alone.
 */
export function groupsToMerge(
  job: CompactionJob,
  inputs: Pick<CompactionInputs, 'blocks' | 'tombstones' | 'resumeOffset'>,
  bounds: MergeBounds,
): CompactionBlock[][] {
  const { blocks } = inputs;
  const dayEndMs = job.dayStartMs + COMPACTION_DAY_MS;
  const begins = ({ windowStartMs }: CompactionBlock) =>
    windowStartMs >= job.dayStartMs && windowStartMs < dayEndMs;
  const isWithin = (block: CompactionBlock) =>
    begins(block) && block.windowStartMs + block.windowMs <= dayEndMs;
  if (!blocks.every(isWithin))
    return blocks.filter((block) => begins(block) && isToPurge(block, inputs)).map((block) => [block]);
  const group = firstOf(blocks, bounds);
  const isWorthIt = group.length > 1 || group.some((block) => isToPurge(block, inputs));
  return isWorthIt ? [group] : [];
}

/** Whether the block holds, or may hold, something that was deleted, and no earlier head is to come that does too. */
export function isToPurge(
  block: CompactionBlock,
  { tombstones, resumeOffset }: Pick<CompactionInputs, 'tombstones' | 'resumeOffset'>,
): boolean {
  return tombstones.some(
    (tombstone) =>
      hidesOf(tombstone, block) &&
      tombstone.logOffset > block.purgedOffset &&
      tombstone.logOffset < resumeOffset &&
      tombstone.startMs <= block.maxTimeMs &&
      tombstone.endMs >= block.minTimeMs,
  );
}

function firstOf(
  blocks: readonly CompactionBlock[],
  { maxBlocks, maxSeries }: MergeBounds,
): CompactionBlock[] {
  let series = 0;
  const first: CompactionBlock[] = [];
  for (const block of blocks) {
    series += block.seriesCount;
    // Two at least: a day must get on.
    if (first.length >= 2 && (first.length >= maxBlocks || series > maxSeries)) break;
    first.push(block);
  }
  return first;
}
