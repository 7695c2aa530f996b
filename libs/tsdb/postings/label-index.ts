/** What selectors are resolved against: postings of each value of each label name. A slot is a series' number here. */
export interface LabelIndex {
  readonly seriesCount: number;
  /** Undefined if no series has the label. */
  label(name: string): LabelPostings | undefined;
}

/** The values of one label name, in no particular order, with the slots of the series that have them. */
export interface LabelPostings {
  readonly valueCount: number;
  value(index: number): string;
  /** The index of a value, or -1. */
  find(value: string): number;
  /** Ascending. */
  slots(index: number): Uint32Array;
}
