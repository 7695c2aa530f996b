import type { FloatHistogram, Labels } from '@xscaler/model';
import type { Queryable } from '@xscaler/storage';
import type { LimitName } from '../syntax/errors.ts';
import type { Cancellation } from './cancellation.ts';
import type { QueryMemory } from './query-memory.ts';
import type { Stage } from './stage-times.ts';

/**
 * What one query may cost, by limit. An absent limit is none, except that a query holds at most 450,000,000 bytes (as many samples
 * as Prometheus' `query.max-samples`), returns 256 MiB and has 11,000 steps. `LimitName` says what each counts.
 */
export type QueryLimits = { readonly [Name in LimitName]?: number };

/** What an evaluation needs besides the expression. */
export interface QueryOptions {
  readonly queryable: Queryable;
  /** Stops waiting for storage. */
  readonly signal?: AbortSignal;
  /** Stops the computing, which is synchronous. */
  readonly cancellation?: Cancellation;
  /** Where large columns are from, those of the result as well; allocated if absent. */
  readonly memory?: QueryMemory;
  /** How far back an instant selector looks for a sample, ms; 5 minutes if absent. */
  readonly lookbackDeltaMs?: number;
  readonly limits?: QueryLimits;
  /** Step of a subquery that gives none, ms; 1 minute if absent. */
  readonly defaultSubqueryStepMs?: number;
  /**
   * Keeps metric names until the end of the query, so that label functions still see them: Prometheus'
   * feature flag `promql-delayed-name-removal`, off if absent.
   */
  readonly delayedNameRemoval?: boolean;
  /** For the times of the stages, ms; they are 0 if absent. */
  readonly clock?: () => number;
}

export interface InstantQueryOptions extends QueryOptions {
  readonly timeMs: number;
}

/** Steps are startMs, startMs + stepMs, … up to and including endMs. */
export interface RangeQueryOptions extends QueryOptions {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** Steps of an evaluation: startMs, startMs + stepMs, …, `count` of them. */
export interface StepGrid {
  readonly startMs: number;
  readonly stepMs: number;
  readonly count: number;
}

/** What a cell of a result holds. */
export const ABSENT = 0;
export const FLOAT = 1;
export const HISTOGRAM = 2;

/**
 * Series × steps. Cell (row, step) is at index `row * steps + step` of all columns: `present` says
 * what it holds (`ABSENT`, `FLOAT`, `HISTOGRAM`), `values` the float, `histograms` the histogram.
 */
export interface SeriesBlock {
  readonly labels: readonly Labels[];
  readonly steps: number;
  readonly values: Float64Array;
  readonly present: Uint8Array;
  readonly histograms: readonly (FloatHistogram | undefined)[] | undefined;
}

/** Samples of one series of a range-vector answer, parallel columns in increasing time. */
export interface SampleRun {
  readonly labels: Labels;
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
  readonly histograms: readonly (FloatHistogram | undefined)[] | undefined;
}

export interface QueryStats {
  /** Samples decoded from storage. */
  readonly samplesRead: number;
  /** Samples looked at, those of overlapping windows once for each. */
  readonly queriedPerStep: Float64Array;
  readonly stagesMs: Readonly<Record<Stage, number>>;
  /** Most cells the query held at any one time. */
  readonly peakSamples: number;
}

interface ResultFrame {
  /** Texts as Prometheus words them, with their place in the query. */
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  readonly stats: QueryStats;
}

/**
 * An answer. An instant query gives a scalar, a string, a vector (a block of one step) or, for a bare
 * range selector, sample runs; a range query always gives a matrix (a block over its steps, rows
 * sorted by labels).
 */
export type QueryResult = ResultFrame &
  (
    | { readonly type: 'scalar'; readonly timeMs: number; readonly value: number }
    | { readonly type: 'string'; readonly timeMs: number; readonly value: string }
    | { readonly type: 'vector'; readonly timeMs: number; readonly block: SeriesBlock }
    | { readonly type: 'matrix'; readonly grid: StepGrid; readonly block: SeriesBlock }
    | { readonly type: 'samples'; readonly timeMs: number; readonly series: readonly SampleRun[] }
  );
