import type { LabelCounts, SeriesCounts } from '../frame/label-counts.ts';
import { SeriesFrameReader } from '../frame/series-frame.ts';
import { type MatcherSets, resolveMatcherSets } from '../postings/selector.ts';
import { allSlots } from '../postings/slot-sets.ts';
import { maskFrame } from '../tombstone/masked-frame.ts';
import type { SeriesMask } from '../tombstone/tombstones.ts';
import type { Head } from './head.ts';
import type { ChunkMark } from './head-chunks.ts';

/** A head of a partition, and what hides some of it. */
export interface CountedHead {
  readonly head: Head;
  readonly mask: SeriesMask | undefined;
}

/** Series or label pairs handled between two pauses: some milliseconds. */
const PAUSE_EVERY = 32_768;

/**
 * Counts the series of a partition's heads that the sets select and that have a sample at `startMs` or later, each once
 * however many heads it is in. Only the labels in `names` are counted by value; undefined: all.
 *
 * Of one head whose window begins at `startMs` or later, without a selector, the postings say it all and no series is
 * touched. Yields now and then, so that the thread can do other work: samples appended meanwhile may
 * or may not count. The heads have to be kept (`Head.pin`) until it is done.
 */
export function* countHeadLabels(
  heads: readonly CountedHead[],
  matcherSets: MatcherSets,
  startMs: number,
  names: ReadonlySet<string> | undefined,
): Generator<void, SeriesCounts, void> {
  const counts = new CountsByName(names);
  const before: { head: Head; isCounted: Uint8Array }[] = [];
  let seriesCount = 0;
  for (const { head, mask } of heads) {
    const isWhole = matcherSets.length === 0 && mask === undefined && head.windowStartMs >= startMs;
    if (isWhole && heads.length === 1) {
      yield* countPostings(head, counts);
      return { seriesCount: head.seriesCount, labels: counts.finish() };
    }
    const slots = isWhole
      ? allSlots(head.seriesCount)
      : yield* selectedSlots(head, mask, matcherSets, startMs);
    const isCounted = new Uint8Array(head.seriesCount);
    const pairCounts = new Uint32Array(head.table.pairCount);
    seriesCount += yield* countSlots(head, slots, before, isCounted, pairCounts);
    before.push({ head, isCounted });
    for (let pair = 0; pair < pairCounts.length; pair++) {
      if (pairCounts[pair] > 0)
        counts.add(head.table.pairName(pair), head.table.pairValue(pair), pairCounts[pair]);
      if (pair % PAUSE_EVERY === PAUSE_EVERY - 1) yield;
    }
  }
  return { seriesCount, labels: counts.finish() };
}

class CountsByName {
  readonly #wanted: ReadonlySet<string> | undefined;
  readonly #byName = new Map<string, Map<string, number>>();

  constructor(wanted: ReadonlySet<string> | undefined) {
    this.#wanted = wanted;
  }

  wants(name: string): boolean {
    return this.#wanted === undefined || this.#wanted.has(name);
  }

  add(name: string, value: string, count: number): void {
    if (!this.wants(name)) return;
    let values = this.#byName.get(name);
    if (values === undefined) {
      values = new Map();
      this.#byName.set(name, values);
    }
    values.set(value, (values.get(value) ?? 0) + count);
  }

  finish(): LabelCounts[] {
    return [...this.#byName].map(([name, values]) => ({
      name,
      values: [...values.keys()],
      seriesCounts: [...values.values()],
    }));
  }
}

function* countPostings({ table }: Head, counts: CountsByName): Generator<void, void, void> {
  let counted = 0;
  for (const name of table.labelNames()) {
    if (!counts.wants(name)) continue;
    for (const pair of table.pairsOfName(name)) {
      counts.add(name, table.pairValue(pair), table.pairSeriesCount(pair));
      if (++counted % PAUSE_EVERY === 0) yield;
    }
  }
}

/** Slots, ascending, of which something is to be seen at `startMs` or later. */
function* selectedSlots(
  head: Head,
  mask: SeriesMask | undefined,
  matcherSets: MatcherSets,
  startMs: number,
): Generator<void, Uint32Array, void> {
  if (mask !== undefined) return yield* unmaskedSlots(head, mask, matcherSets, startMs);
  const slots = resolveMatcherSets(head.table, matcherSets);
  const leastTime = startMs - head.windowStartMs;
  const mark: ChunkMark = { link: 0, openCount: 0, openBits: 0, openTime: 0 };
  const kept = new Uint32Array(slots.length);
  let length = 0;
  for (let i = 0; i < slots.length; i++) {
    head.chunks.mark(slots[i], mark);
    if (mark.openCount > 0 && mark.openTime >= leastTime) kept[length++] = slots[i];
    if (i % PAUSE_EVERY === PAUSE_EVERY - 1) yield;
  }
  return kept.subarray(0, length);
}

function* unmaskedSlots(
  head: Head,
  mask: SeriesMask,
  matcherSets: MatcherSets,
  startMs: number,
): Generator<void, Uint32Array, void> {
  using selection = head.select(matcherSets, startMs, Number.POSITIVE_INFINITY);
  const slots: number[] = [];
  for (const frame of selection.frames()) {
    const masked = maskFrame(frame, mask);
    if (masked !== undefined) {
      const reader = new SeriesFrameReader(masked);
      const { id } = reader;
      while (reader.next()) slots.push(head.find(id[0], id[1], id[2], id[3]));
    }
    yield;
  }
  return Uint32Array.from(slots);
}

/** Counts those slots of which no head before has the series; how many they are. */
function* countSlots(
  head: Head,
  slots: Uint32Array,
  before: readonly { readonly head: Head; readonly isCounted: Uint8Array }[],
  isCounted: Uint8Array,
  pairCounts: Uint32Array,
): Generator<void, number, void> {
  const { pairs, starts } = head.table.pairColumns;
  let seriesCount = 0;
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i];
    if (slot < isCounted.length && !isInAny(head, slot, before)) {
      isCounted[slot] = 1;
      seriesCount++;
      for (let at = starts[slot]; at < starts[slot + 1]; at++) pairCounts[pairs[at]]++;
    }
    if (i % PAUSE_EVERY === PAUSE_EVERY - 1) yield;
  }
  return seriesCount;
}

function isInAny(
  { table }: Head,
  slot: number,
  before: readonly { readonly head: Head; readonly isCounted: Uint8Array }[],
): boolean {
  const { ids } = table;
  for (const { head, isCounted } of before) {
    const other = head.find(ids[4 * slot], ids[4 * slot + 1], ids[4 * slot + 2], ids[4 * slot + 3]);
    if (other >= 0 && other < isCounted.length && isCounted[other] === 1) return true;
  }
  return false;
}
