import { setImmediate } from 'node:timers/promises';
import type { PartitionCardinality } from '@xscaler/rpc';
import { countHeadLabels, type MatcherSets } from '@xscaler/tsdb';
import { maskOf } from './masked-heads.ts';
import type { HeldHead } from './partition-heads.ts';

/**
 * Counts the series of a partition's heads, a few milliseconds at a time, so that the thread keeps applying records. It
 * holds the heads before its first pause.
 */
export async function countedHeads(
  partition: number,
  held: readonly HeldHead[],
  matcherSets: MatcherSets,
  startMs: number,
  names: ReadonlySet<string> | undefined,
  signal: AbortSignal,
): Promise<PartitionCardinality> {
  const heads = held.map((one) => ({ head: one.head, mask: maskOf(one) }));
  for (const { head } of heads) head.pin();
  try {
    const counting = countHeadLabels(heads, matcherSets, startMs, names);
    for (;;) {
      const step = counting.next();
      if (step.done) return { partition, chunkCount: chunksOf(held), ...timesOf(held), ...step.value };
      await setImmediate();
      signal.throwIfAborted();
    }
  } finally {
    for (const { head } of heads) head.unpin();
  }
}

function chunksOf(held: readonly HeldHead[]): number {
  return held.reduce((sum, { head }) => sum + head.chunkCount, 0);
}

function timesOf(held: readonly HeldHead[]): Pick<PartitionCardinality, 'minTimeMs' | 'maxTimeMs'> {
  const minTimeMs = Math.min(...held.map(({ head }) => head.minTimeMs));
  const maxTimeMs = Math.max(...held.map(({ head }) => head.maxTimeMs));
  return minTimeMs <= maxTimeMs ? { minTimeMs, maxTimeMs } : { minTimeMs: 0, maxTimeMs: 0 };
}
