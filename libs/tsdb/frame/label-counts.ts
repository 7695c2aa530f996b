/** How many series have each value of a label. */
export interface LabelCounts {
  readonly name: string;
  /** Each once, in no particular order. */
  readonly values: readonly string[];
  /** By value. */
  readonly seriesCounts: readonly number[];
}

export interface SeriesCounts {
  readonly seriesCount: number;
  /** In no particular order. */
  readonly labels: readonly LabelCounts[];
}
