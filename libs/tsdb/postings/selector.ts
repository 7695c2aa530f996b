import type { Matcher } from '@xscaler/model';
import type { LabelIndex, LabelPostings } from './label-index.ts';
import { allSlots, keepSlots, unionSlots } from './slot-sets.ts';

/** A series is selected that satisfies every matcher of any one set; no set at all selects every series. */
export type MatcherSets = readonly (readonly Matcher[])[];

/** Slots of the series that the sets select, ascending. */
export function resolveMatcherSets(index: LabelIndex, matcherSets: MatcherSets): Uint32Array {
  if (matcherSets.length === 0) return allSlots(index.seriesCount);
  return unionSlots(
    matcherSets.map((matchers) => resolveMatchers(index, matchers)),
    index.seriesCount,
  );
}

/** The postings that a matcher speaks of: those series are required, or `excluding` the others. */
export interface MatchingLists {
  readonly excluding: boolean;
  readonly lists: readonly Uint32Array[];
}

/**
 * Whether a value's series are among a matcher's lists. Where a matcher accepts series without the label
 * (they have the empty value), the lists are of the values it does not accept, to be excluded.
 */
export function wantedValues(matcher: Matcher): (value: string) => boolean {
  return matcher.matchesEmpty ? (value) => !matcher.matches(value) : (value) => matcher.matches(value);
}

/** Slots that the lists of all matchers of a set leave, ascending. */
export function selectByLists(seriesCount: number, matchers: readonly MatchingLists[]): Uint32Array {
  const required = matchers.filter(({ excluding }) => !excluding);
  const excluded = matchers.filter(({ excluding }) => excluding).flatMap(({ lists }) => lists);
  const unions = required.map(({ lists }) => unionSlots(lists, seriesCount));
  unions.sort((a, b) => a.length - b.length);
  let slots = unions.length > 0 ? unions[0] : allSlots(seriesCount);
  for (const union of unions.slice(1)) slots = keepSlots(slots, union, true);
  if (excluded.length > 0) slots = keepSlots(slots, unionSlots(excluded, seriesCount), false);
  return slots;
}

function resolveMatchers(index: LabelIndex, matchers: readonly Matcher[]): Uint32Array {
  const lists: MatchingLists[] = [];
  for (const matcher of matchers) {
    const label = index.label(matcher.name);
    const matching = { excluding: matcher.matchesEmpty, lists: label ? matchingLists(label, matcher) : [] };
    if (!matching.excluding && matching.lists.length === 0) return new Uint32Array(0);
    lists.push(matching);
  }
  return selectByLists(index.seriesCount, lists);
}

function matchingLists(label: LabelPostings, matcher: Matcher): Uint32Array[] {
  if (matcher.literals !== undefined && !matcher.matchesEmpty) {
    const found = new Set(matcher.literals.map((value) => label.find(value)));
    return [...found].filter((index) => index >= 0).map((index) => label.slots(index));
  }
  const wanted = wantedValues(matcher);
  const lists: Uint32Array[] = [];
  for (let i = 0; i < label.valueCount; i++) if (wanted(label.value(i))) lists.push(label.slots(i));
  return lists;
}
