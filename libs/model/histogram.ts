/** A run of consecutive buckets: `offset` empty ones (from the previous span's end), then `length` present. */
export interface BucketSpan {
  readonly offset: number;
  readonly length: number;
}

/** How a histogram relates to the one before it in its series. */
export type CounterResetHint = 'unknown' | 'reset' | 'not_reset' | 'gauge';

/**
 * A native histogram with absolute float bucket counts, as Prometheus defines it.
 * `schema` −4…8 is exponential; −53 means custom bucket bounds in `customValues`.
 */
export interface FloatHistogram {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly count: number;
  readonly sum: number;
  readonly positiveSpans: readonly BucketSpan[];
  readonly positiveBuckets: readonly number[];
  readonly negativeSpans: readonly BucketSpan[];
  readonly negativeBuckets: readonly number[];
  readonly customValues: readonly number[];
  readonly counterResetHint: CounterResetHint;
}
