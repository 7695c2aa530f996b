import { type FloatHistogram, Labels, type SampleColumns } from '@xscaler/model';
import type { WriteSeries, WriteSeriesV2 } from '@xscaler/wire/remote-write';

/** A sample as a client sends it: a native histogram if the value, its sum, is below 0. */
export interface SentSample {
  readonly series: string;
  readonly timestampMs: number;
  readonly value: number;
}

/** As a series of a request; `withStart` if it says since when it counts, as remote write 2.0 can. */
export function seriesOf(
  { series, timestampMs, value }: SentSample,
  withStart: boolean,
): WriteSeries & WriteSeriesV2 {
  const labels = Labels.of({ __name__: 'simulated', series });
  const startMs = withStart ? startOf(timestampMs, value) : 0;
  if (value < 0) {
    const histograms = [{ timestampMs, histogram: histogramOf(value), startMs }];
    return { labels, timestamps: [], values: [], histograms };
  }
  return { labels, timestamps: [timestampMs], values: [value], startTimes: [startMs] };
}

/** The value of what was found; NaN, which nobody sends, if the rest of it isn't what was sent with this value. */
export function foundValue(columns: SampleColumns, at: number): number {
  const value = columns.values[at];
  const startMs = columns.startTimes?.[at] ?? 0;
  // A start that only newer records hold is left out if older ones had to be written.
  if (startMs !== 0 && startMs !== startOf(columns.timestamps[at], value)) return Number.NaN;
  const found = columns.histograms?.[at];
  if (found === undefined) return value < 0 ? Number.NaN : value;
  if (value >= 0) return Number.NaN;
  const { count, positiveBuckets } = histogramOf(value);
  const isWhole =
    found.count === count && found.positiveBuckets.every((bucket, i) => bucket === positiveBuckets[i]);
  return isWhole ? value : Number.NaN;
}

function startOf(timestampMs: number, value: number): number {
  return timestampMs - 1 - (Math.floor(Math.abs(value)) % 1_000);
}

function histogramOf(sum: number): FloatHistogram {
  const low = 1 + (Math.floor(-sum) % 20);
  return {
    schema: 1,
    zeroThreshold: 0.001,
    zeroCount: 0,
    count: low + 3,
    sum,
    positiveSpans: [{ offset: 0, length: 2 }],
    positiveBuckets: [low, 3],
    negativeSpans: [],
    negativeBuckets: [],
    customValues: [],
    counterResetHint: 'unknown',
  };
}
