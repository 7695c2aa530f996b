import type { Exemplar, Labels, Matcher, MetricMetadata, SampleColumns } from '@xscaler/model';

/** What a selection is for: storage may use it to fetch less, never to answer differently. */
export interface SelectHints {
  /** Inclusive bounds of the samples wanted, ms. */
  readonly startMs: number;
  readonly endMs: number;
  /** Step of the query, ms; 0 for an instant query. */
  readonly stepMs?: number;
  /** The function or aggregation directly around the selector, if any. */
  readonly func?: string;
  /** Range of a range selector, ms; 0 or absent for an instant one. */
  readonly rangeMs?: number;
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
 * What the query engine reads from. All promises reject with the signal's reason once it aborts,
 * and with a `StorageError` if data could not be had: never a silent hole.
 */
export interface Queryable {
  /** Series whose labels satisfy every matcher, sorted by labels, each label set once. */
  select(matchers: readonly Matcher[], hints: SelectHints, signal: AbortSignal): Promise<Series[]>;
}

/** The metadata side of the read API. Times are inclusive, ms. */
export interface MetadataQueryable {
  /** Names of labels on series that satisfy all of any one of the matcher sets (no set: every series), sorted. */
  labelNames(
    matcherSets: readonly Matcher[][],
    startMs: number,
    endMs: number,
    signal: AbortSignal,
  ): Promise<string[]>;
  labelValues(
    name: string,
    matcherSets: readonly Matcher[][],
    startMs: number,
    endMs: number,
    signal: AbortSignal,
  ): Promise<string[]>;
  /** Label sets, sorted, each once. */
  series(
    matcherSets: readonly Matcher[][],
    startMs: number,
    endMs: number,
    signal: AbortSignal,
  ): Promise<Labels[]>;
  exemplars(
    matcherSets: readonly Matcher[][],
    startMs: number,
    endMs: number,
    signal: AbortSignal,
  ): Promise<{ labels: Labels; exemplars: Exemplar[] }[]>;
  metadata(metric: string | undefined, signal: AbortSignal): Promise<MetricMetadata[]>;
}

/** Data could not be read: a dependency is unreachable or a part is damaged. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
}
