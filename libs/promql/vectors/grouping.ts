import { type Labels, METRIC_NAME } from '@xscaler/model';
import type { Budget } from './budget.ts';
import { labelSetBytes } from './label-set-bytes.ts';
import { isMetadataLabel, LABELS_WORK } from './label-sets.ts';

/** Rows that share the labels that count, worked out once for all steps. */
export interface Groups {
  /** Group of each row. */
  readonly groupOf: Int32Array;
  /** Labels of each group, in the order of their first rows. */
  readonly labels: Labels[];
}

/** Groups rows by the labels that `reduce` leaves of theirs. The groups' label sets are held until the node settles. */
export function groupRows(
  rows: readonly Labels[],
  reduce: (labels: Labels) => Labels,
  budget: Budget,
): Groups {
  const groups = new RowGroups(reduce, budget);
  const groupOf = groups.add(rows);
  for (const labels of groups.labels) budget.holdLabels(labelSetBytes(labels));
  return { groupOf, labels: groups.labels };
}

/** The same for rows that come some at a time. */
export class RowGroups {
  /** Of each group, in the order of their first rows. */
  readonly labels: Labels[] = [];
  readonly #reduce: (labels: Labels) => Labels;
  readonly #budget: Budget;
  readonly #byKey = new Map<string, number>();

  constructor(reduce: (labels: Labels) => Labels, budget: Budget) {
    this.#reduce = reduce;
    this.#budget = budget;
  }

  /** @returns the group of each row */
  add(rows: readonly Labels[]): Int32Array {
    const groupOf = new Int32Array(rows.length);
    for (let i = 0; i < rows.length; i++) {
      this.#budget.work(LABELS_WORK);
      const reduced = this.#reduce(rows[i]);
      const { key } = reduced;
      this.#budget.workOnText(key.length);
      let group = this.#byKey.get(key);
      if (group === undefined) {
        group = this.labels.length;
        this.#byKey.set(key, group);
        this.labels.push(reduced);
      }
      groupOf[i] = group;
    }
    return groupOf;
  }
}

/** The labels an aggregation `by` or `without` the given names leaves. */
export function aggregationLabels(names: readonly string[], without: boolean): (labels: Labels) => Labels {
  const listed = new Set(names);
  if (without) return (labels) => labels.filter((name) => !listed.has(name) && !isMetadataLabel(name));
  return (labels) => labels.filter((name) => listed.has(name));
}

/** The labels that decide which rows a binary operator matches. */
export function matchingLabels(names: readonly string[], on: boolean): (labels: Labels) => Labels {
  const listed = new Set(names);
  if (on) return (labels) => labels.filter((name) => listed.has(name));
  return (labels) => labels.filter((name) => !listed.has(name) && name !== METRIC_NAME);
}
