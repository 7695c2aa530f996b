import type { Labels, Matcher } from '@xscaler/model';
import type { MatcherSets } from '../postings/selector.ts';

/** Hides, of the series that the sets select, the samples and exemplars with startMs ≤ t ≤ endMs: none if endMs < startMs. */
export interface Tombstone {
  /** At least one. */
  readonly matcherSets: MatcherSets;
  readonly startMs: number;
  readonly endMs: number;
}

/** A time range in which nothing of a series is to be seen, both ends included, ms. */
export interface Hole {
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * The same ranges, sorted, with those joined that overlap or touch, and without those that end before they start: these
 * hide nothing, and between others they would show again what those hide.
 */
export function joinHoles(holes: readonly Hole[]): readonly Hole[] {
  if (holes.length === 0) return holes;
  const joined: Hole[] = [];
  for (const hole of [...holes].sort((a, b) => a.startMs - b.startMs)) {
    if (hole.endMs < hole.startMs) continue;
    const last = joined.at(-1);
    if (last === undefined || hole.startMs > last.endMs + 1) joined.push(hole);
    else if (hole.endMs > last.endMs) joined[joined.length - 1] = { ...last, endMs: hole.endMs };
  }
  return joined;
}

/** Whether anything between the times may be hidden. */
export function touchesHole(holes: readonly Hole[], minTimeMs: number, maxTimeMs: number): boolean {
  return holes.some(({ startMs, endMs }) => startMs <= maxTimeMs && endMs >= minTimeMs);
}

/** Whether everything between the times is hidden, by holes that `joinHoles` made. */
export function isWithinHole(holes: readonly Hole[], minTimeMs: number, maxTimeMs: number): boolean {
  return holes.some(({ startMs, endMs }) => startMs <= minTimeMs && endMs >= maxTimeMs);
}

/** Values of one matcher that are remembered; beyond it they are tested again. */
const MEMO_VALUES = 65_536;

/** Tells by a series' labels what tombstones hide of it. Each distinct label value is tested once. */
export class SeriesMask {
  readonly #tombstones: readonly Tombstone[];
  readonly #memos = new Map<Matcher, Map<string, boolean>>();

  constructor(tombstones: readonly Tombstone[]) {
    this.#tombstones = tombstones;
  }

  /** Sorted and disjoint; none if the series is seen unchanged. */
  holesOf(labels: Labels): readonly Hole[] {
    return joinHoles(this.#tombstones.filter(({ matcherSets }) => this.#selects(matcherSets, labels)));
  }

  #selects(matcherSets: MatcherSets, labels: Labels): boolean {
    return matcherSets.some((matchers) =>
      matchers.every((matcher) => this.#matches(matcher, labels.get(matcher.name))),
    );
  }

  #matches(matcher: Matcher, value: string): boolean {
    let memo = this.#memos.get(matcher);
    if (memo === undefined) {
      memo = new Map();
      this.#memos.set(matcher, memo);
    }
    let matches = memo.get(value);
    if (matches === undefined) {
      matches = matcher.matches(value);
      if (memo.size < MEMO_VALUES) memo.set(value, matches);
    }
    return matches;
  }
}
