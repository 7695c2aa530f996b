import { setImmediate } from 'node:timers/promises';
import { compareUtf8 } from '@xscaler/model';
import type { PartitionCardinality } from '@xscaler/rpc';
import type { SeriesCounts } from '@xscaler/tsdb';
import { ApiError } from '../answer/api-error.ts';

/** Label values of one count at most, all labels together. */
const MAX_VALUES = 2_000_000;
/** Values taken in between two pauses: a few milliseconds. */
const PAUSE_EVERY = 16_384;

export interface Counted {
  readonly name: string;
  readonly count: number;
}

/** How many series of a label have each of its values. */
export type ValueCounts = ReadonlyMap<string, number>;

interface Sources {
  readonly heads: readonly PartitionCardinality[];
  readonly blocks: readonly { readonly partition: number; readonly counts: SeriesCounts }[];
}

/**
 * Series of a tenant by label value, from what heads and blocks count. Which values there are is exact. A partition's heads
 * count each series once, but its blocks may have the same series again, and their postings don't say which. What stands
 * is the most that any one source of the partition counts: exact if it has all series of the others, too few else.
 * (A series that was written to two partitions, their number having changed, counts in both.)
 */
export class Cardinality {
  readonly seriesCount: number;
  readonly labels: ReadonlyMap<string, ValueCounts>;

  private constructor(seriesCount: number, labels: ReadonlyMap<string, ValueCounts>) {
    this.seriesCount = seriesCount;
    this.labels = labels;
  }

  /** @throws ApiError if there are too many values to count */
  static async of({ heads, blocks }: Sources, signal: AbortSignal): Promise<Cardinality> {
    const byPartition = new Map<number, SeriesCounts[]>();
    for (const { partition, counts } of [
      ...heads.map((counts) => ({ partition: counts.partition, counts })),
      ...blocks,
    ]) {
      const there = byPartition.get(partition);
      if (there) there.push(counts);
      else byPartition.set(partition, [counts]);
    }
    let seriesCount = 0;
    const total = new ValueTable(signal);
    for (const sources of byPartition.values()) {
      seriesCount += sources.reduce((most, source) => Math.max(most, source.seriesCount), 0);
      if (sources.length === 1) {
        await total.take(sources[0], (a, b) => a + b);
        continue;
      }
      const most = new ValueTable(signal);
      for (const source of sources) await most.take(source, Math.max);
      await total.take({ seriesCount: 0, labels: most.counts() }, (a, b) => a + b);
    }
    return new Cardinality(seriesCount, total.labels);
  }

  /** Of all labels together. */
  get valueCount(): number {
    let count = 0;
    for (const values of this.labels.values()) count += values.size;
    return count;
  }

  valuesOf(name: string): ValueCounts {
    return this.labels.get(name) ?? new Map();
  }
}

class ValueTable {
  readonly labels = new Map<string, Map<string, number>>();
  readonly #signal: AbortSignal;
  #size = 0;
  #taken = 0;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  async take({ labels }: SeriesCounts, join: (a: number, b: number) => number): Promise<void> {
    for (const { name, values, seriesCounts } of labels) {
      const counts = this.labels.get(name) ?? new Map<string, number>();
      this.labels.set(name, counts);
      for (const [i, value] of values.entries()) {
        const there = counts.get(value);
        if (there === undefined) this.#grow();
        counts.set(value, there === undefined ? seriesCounts[i] : join(there, seriesCounts[i]));
        if (++this.#taken % PAUSE_EVERY > 0) continue;
        await setImmediate();
        this.#signal.throwIfAborted();
      }
    }
  }

  counts(): SeriesCounts['labels'] {
    return [...this.labels].map(([name, counts]) => ({
      name,
      values: [...counts.keys()],
      seriesCounts: [...counts.values()],
    }));
  }

  #grow(): void {
    if (++this.#size > MAX_VALUES)
      throw new ApiError(
        'execution',
        `more than ${MAX_VALUES} label values: ask for some labels or with a selector`,
      );
  }
}

/** The largest counts, descending, equal ones by name; held are never more than some times `limit`. */
export function largest(entries: Iterable<Counted>, limit: number): Counted[] {
  let kept: Counted[] = [];
  const cut = () => {
    kept = kept.sort((a, b) => b.count - a.count || compareUtf8(a.name, b.name)).slice(0, limit);
  };
  for (const entry of entries) {
    kept.push(entry);
    if (kept.length >= 4 * limit + 64) cut();
  }
  cut();
  return kept;
}
