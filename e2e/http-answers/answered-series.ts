import type { TimeSeries } from '../harness/index.ts';
import { series } from '../harness/write-request.ts';
import { type NativeHistogram, nativeHistogramRequest } from './native-histogram.ts';
import type { RequestTimes } from './requests.ts';

const INTERVAL_MS = 10_000;

/** Some series whose names, labels and values put number formats and JSON escapes to the test; sorted by labels. */
export function answeredSeries({ startMs, endMs }: RequestTimes): TimeSeries[] {
  const times: number[] = [];
  // 3 ms past whole seconds: no sample stands on an end of a range.
  for (let timeMs = startMs + 3; timeMs < endMs; timeMs += INTERVAL_MS) times.push(timeMs);
  const all = (value: (i: number) => number) => times.map((timeMs, i) => [timeMs, value(i)] as const);
  const odd = [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    -0,
    1e21,
    1e20,
    1e-7,
    0.1 + 0.2,
    5e-324,
  ];
  const buckets = ['0.1', '1', '+Inf'].map((le, b) => ({
    ...series(
      { __name__: 'took_bucket', le },
      all((i) => i * (b + 1)),
    ),
    exemplars: [
      { labels: [['trace_id', `t${b}`]] as const, value: b + 0.5, timestampMs: startMs + 60_003 + b },
      { labels: [], value: 1e21, timestampMs: startMs + 90_000 },
    ],
  }));
  return [
    ...['a', 'b', 'c'].map((kind, k) =>
      series(
        { __name__: 'gauge', kind },
        all((i) => (i % 7) + k / 8),
      ),
    ),
    series(
      { __name__: 'odd' },
      all((i) => odd[i % odd.length]),
    ),
    ...['a', 'b'].map((kind, k) =>
      series(
        { __name__: 'steps_total', kind },
        all((i) => 1_000 + i * (k + 1)),
      ),
    ),
    series(
      { __name__: 'text', weird: 'qu"ote \\ <&> \u2028 é 🎉 \b\f\t\u0001\u007f' },
      all(() => 1),
    ),
    buckets[2],
    buckets[0],
    buckets[1],
    ...['x', 'y'].map((side) =>
      series(
        { __name__: 'twin', kind: 'a', side },
        all(() => 1),
      ),
    ),
  ];
}

/** A series of native histograms whose buckets have every kind of bounds, as a write request. */
export function answeredHistograms({ startMs, endMs }: RequestTimes): Buffer {
  const histograms: NativeHistogram[] = [];
  for (let timestampMs = startMs + 3; timestampMs < endMs; timestampMs += INTERVAL_MS) {
    const i = histograms.length;
    const positive = { offset: -3, counts: [1 + i, 0, 2 + i, 3] };
    const negative = { offset: 1, counts: [2, i] };
    histograms.push({
      timestampMs,
      schema: 1,
      sum: i / 3,
      zeroThreshold: 0.001,
      zeroCount: 2,
      positive,
      negative,
    });
  }
  return nativeHistogramRequest({ __name__: 'native', kind: 'a' }, histograms);
}
