import type { Labels, Matcher, SampleColumns } from '@xscaler/model';

/** The time range of a selection. */
export interface TimeRange {
  /** Inclusive bounds of the samples wanted, ms. */
  readonly startMs: number;
  readonly endMs: number;
}

/** One series of a selection. Valid until the query that selected it ends. */
export interface Series {
  readonly labels: Labels;
  /**
   * Appends the samples with startMs ≤ t ≤ endMs of the hints to `dst` (which it does not reset), in strictly
   * increasing time, each timestamp once. Staleness markers are samples like any other. May be called again.
   */
  read(dst: SampleColumns): void;
}

/**
 * The source of samples for the query engine. `select` rejects with the signal's reason once it aborts, and with an error if
 * any of the data cannot be read: never a silent hole.
 */
export interface Queryable {
  /** Series whose labels satisfy every matcher, sorted by labels, each label set once. */
  select(matchers: readonly Matcher[], range: TimeRange, signal: AbortSignal): Promise<Series[]>;
}
