import { ID_WORDS } from '@xscaler/model';

/** Entries sorted, or merged, between two yields: a few milliseconds. */
const SORT_RUN = 1024;
const MERGE_STEP = 8192;

/**
 * Sorts a list as `sort` does, in steps: yields between them, so that who runs it can let others have their turn.
 * A merge sort from the bottom up, stable; the sorted list is returned, the given one is overwritten.
 */
export function* sortInSteps(
  list: Uint32Array<ArrayBuffer>,
  compare: (a: number, b: number) => number,
): Generator<undefined, Uint32Array<ArrayBuffer>, void> {
  for (let from = 0; from < list.length; from += SORT_RUN) {
    list.subarray(from, from + SORT_RUN).sort(compare);
    yield;
  }
  let source = list;
  let target: Uint32Array<ArrayBuffer> = new Uint32Array(list.length > SORT_RUN ? list.length : 0);
  for (let size = SORT_RUN; size < list.length; size *= 2) {
    for (let from = 0; from < list.length; from += 2 * size)
      yield* mergeRuns(source, target, from, Math.min(from + size, list.length), size, compare);
    [source, target] = [target, source];
  }
  return source;
}

function* mergeRuns(
  source: Uint32Array,
  target: Uint32Array,
  from: number,
  middle: number,
  size: number,
  compare: (a: number, b: number) => number,
): Generator<undefined, void, void> {
  const end = Math.min(middle + size, source.length);
  let left = from;
  let right = middle;
  for (let at = from; at < end; ) {
    const pauseAt = Math.min(end, at + MERGE_STEP);
    for (; at < pauseAt; at++) {
      const takesLeft = right >= end || (left < middle && compare(source[left], source[right]) <= 0);
      target[at] = takesLeft ? source[left++] : source[right++];
    }
    yield;
  }
}

/** What the order of a block's series goes by. */
export interface SeriesLabels {
  /** Four words for each series. */
  readonly ids: Int32Array;
  /** The label pairs of all series, one series' behind the other's; each series' by name. */
  readonly pairs: Uint32Array;
  /** Each pair's number in byte order of name, then value. */
  readonly pairNumbers: Uint32Array;
  /** The pairs of series s are those from starts[s] up to, not including, starts[s + 1]. */
  readonly starts: Uint32Array;
}

/**
 * Series in the order of a block, in steps: by their labels, compared pair by pair. That is the order of their lists of
 * pair numbers, and the one in which Prometheus sorts series.
 */
export function* seriesOrder(
  { ids, pairs, pairNumbers, starts }: SeriesLabels,
  count: number,
): Generator<undefined, Uint32Array<ArrayBuffer>, void> {
  const slots = new Uint32Array(count);
  for (let i = 0; i < count; i++) slots[i] = i;
  return yield* sortInSteps(slots, (a, b) => {
    let i = starts[a];
    let j = starts[b];
    const endA = starts[a + 1];
    const endB = starts[b + 1];
    for (; i < endA && j < endB; i++, j++)
      if (pairs[i] !== pairs[j]) return pairNumbers[pairs[i]] - pairNumbers[pairs[j]];
    const order = endA - i - (endB - j);
    return order !== 0 ? order : compareIds(ids, a * ID_WORDS, ids, b * ID_WORDS);
  });
}

/** Ids, four words from a place on: for labels that are equal, which no two series of a tenant should have. */
export function compareIds(a: Int32Array, atA: number, b: Int32Array, atB: number): number {
  for (let i = 0; i < ID_WORDS; i++) {
    const order = (a[atA + i] >>> 0) - (b[atB + i] >>> 0);
    if (order !== 0) return order;
  }
  return 0;
}
