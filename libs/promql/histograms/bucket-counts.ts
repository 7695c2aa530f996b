import type { BucketSpan } from '@xscaler/model';

/** One side of a histogram as parallel columns, indices rising; counts may be zero. */
export interface BucketCounts {
  readonly indices: number[];
  readonly counts: number[];
}

/** Spreads spans and their counts out by index. */
export function spread(spans: readonly BucketSpan[], counts: readonly number[]): BucketCounts {
  const indices: number[] = [];
  let index = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let i = 0; i < length; i++) indices.push(index++);
  }
  return { indices, counts: counts.slice(0, indices.length) };
}

/** Packs buckets into spans, leaving empty ones out. */
export function pack({ indices, counts }: BucketCounts): { spans: BucketSpan[]; buckets: number[] } {
  const spans: { offset: number; length: number }[] = [];
  const buckets: number[] = [];
  let next = 0;
  for (let i = 0; i < indices.length; i++) {
    if (counts[i] === 0) continue;
    const last = spans.at(-1);
    if (last && indices[i] === next) last.length++;
    else spans.push({ offset: indices[i] - next, length: 1 });
    next = indices[i] + 1;
    buckets.push(counts[i]);
  }
  return { spans, buckets };
}

/** a + sign × b, bucket by bucket. */
export function combine(a: BucketCounts, b: BucketCounts, sign: 1 | -1): BucketCounts {
  const indices: number[] = [];
  const counts: number[] = [];
  let i = 0;
  let j = 0;
  while (i < a.indices.length || j < b.indices.length) {
    const left = a.indices[i] ?? Number.POSITIVE_INFINITY;
    const right = b.indices[j] ?? Number.POSITIVE_INFINITY;
    indices.push(Math.min(left, right));
    let count = 0;
    if (left <= right) count = a.counts[i++];
    if (right <= left) count += sign * b.counts[j++];
    counts.push(count);
  }
  return { indices, counts };
}

/** Joins neighbouring buckets; `target` gives a bucket's new index and never falls. */
export function rebucket({ indices, counts }: BucketCounts, target: (index: number) => number): BucketCounts {
  const merged: BucketCounts = { indices: [], counts: [] };
  indices.forEach((index, i) => {
    const to = target(index);
    const last = merged.indices.length - 1;
    if (merged.indices[last] === to) merged.counts[last] += counts[i];
    else {
      merged.indices.push(to);
      merged.counts.push(counts[i]);
    }
  });
  return merged;
}
