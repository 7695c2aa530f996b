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

/** The label names whose postings resolving the sets needs. */
export function matcherNames(matcherSets: MatcherSets): string[] {
  return [...new Set(matcherSets.flatMap((matchers) => matchers.map(({ name }) => name)))];
}

function resolveMatchers(index: LabelIndex, matchers: readonly Matcher[]): Uint32Array {
  const required: Uint32Array[] = [];
  const excluded: Uint32Array[] = [];
  for (const matcher of matchers) {
    const label = index.label(matcher.name);
    if (matcher.matchesEmpty) {
      // Series without the label match, so what is sought is the series to leave out.
      if (label) excluded.push(...valuesWhere(label, (value) => !matcher.matches(value)));
      continue;
    }
    const lists = label ? matchingValues(label, matcher) : [];
    if (lists.length === 0) return new Uint32Array(0);
    required.push(unionSlots(lists, index.seriesCount));
  }
  required.sort((a, b) => a.length - b.length);
  let slots = required.length > 0 ? required[0] : allSlots(index.seriesCount);
  for (const list of required.slice(1)) slots = keepSlots(slots, list, true);
  if (excluded.length > 0) slots = keepSlots(slots, unionSlots(excluded, index.seriesCount), false);
  return slots;
}

function matchingValues(label: LabelPostings, matcher: Matcher): Uint32Array[] {
  if (matcher.literals === undefined) return valuesWhere(label, (value) => matcher.matches(value));
  const found = new Set(matcher.literals.map((value) => label.find(value)));
  return [...found].filter((index) => index >= 0).map((index) => label.slots(index));
}

function valuesWhere(label: LabelPostings, test: (value: string) => boolean): Uint32Array[] {
  const lists: Uint32Array[] = [];
  for (let i = 0; i < label.valueCount; i++) if (test(label.value(i))) lists.push(label.slots(i));
  return lists;
}
