import { type FloatHistogram, type Labels, METRIC_NAME } from '@xscaler/model';
import type { SeriesLine } from './promqltest-series.ts';

/** A classic histogram as native ones with custom buckets, one a point, undefined if it has none. */
export interface ConvertedSeries {
  readonly labels: Labels;
  readonly histograms: readonly (FloatHistogram | undefined)[];
}

interface ClassicParts {
  readonly labels: Labels;
  readonly buckets: { bound: number; line: SeriesLine }[];
  count: SeriesLine | undefined;
  sum: SeriesLine | undefined;
}

/** What `load_with_nhcb` adds: every `x_bucket`, `x_count`, `x_sum` family also as `x`. */
export function convertClassicHistograms(lines: readonly SeriesLine[]): ConvertedSeries[] {
  const families = new Map<string, ClassicParts>();
  for (const line of lines) {
    const match = /^(.*)_(bucket|count|sum)$/.exec(line.labels.metricName);
    if (!match) continue;
    const [, name, part] = match;
    if (part === 'bucket' && line.labels.get('le') === '') continue;
    const labels = line.labels.without('le').with(METRIC_NAME, name);
    let family = families.get(labels.key);
    if (!family) {
      family = { labels, buckets: [], count: undefined, sum: undefined };
      families.set(labels.key, family);
    }
    if (part === 'count') family.count = line;
    else if (part === 'sum') family.sum = line;
    else family.buckets.push({ bound: toBound(line.labels.get('le')), line });
  }
  return [...families.values()].filter(({ buckets }) => buckets.length > 0).map(convertFamily);
}

function toBound(text: string): number {
  if (/^[+]?inf$/i.test(text)) return Number.POSITIVE_INFINITY;
  return text.toLowerCase() === '-inf' ? Number.NEGATIVE_INFINITY : Number(text);
}

function valueAt(line: SeriesLine | undefined, i: number): number | undefined {
  const point = line?.points[i];
  return point?.kind === 'float' ? point.value : undefined;
}

function convertFamily({ labels, buckets, count, sum }: ClassicParts): ConvertedSeries {
  buckets.sort((a, b) => a.bound - b.bound);
  const length = Math.max(...buckets.map(({ line }) => line.points.length));
  const histograms = Array.from({ length }, (_, i) => {
    const present = buckets.filter(({ line }) => valueAt(line, i) !== undefined);
    if (present.length === 0) return undefined;
    const cumulative = present.map(({ line }) => valueAt(line, i) as number);
    const total = valueAt(count, i) ?? cumulative[cumulative.length - 1];
    const bounds = present.map(({ bound }) => bound).filter((bound) => bound !== Number.POSITIVE_INFINITY);
    const upTo = [...cumulative.slice(0, bounds.length), total];
    const counts = upTo.map((value, k) => (k === 0 ? value : value - upTo[k - 1]));
    return customHistogram(bounds, counts, total, valueAt(sum, i) ?? 0);
  });
  return { labels, histograms };
}

function customHistogram(
  customValues: readonly number[],
  positiveBuckets: readonly number[],
  count: number,
  sum: number,
): FloatHistogram {
  return {
    schema: -53,
    zeroThreshold: 0,
    zeroCount: 0,
    count,
    sum,
    positiveSpans: [{ offset: 0, length: positiveBuckets.length }],
    positiveBuckets,
    negativeSpans: [],
    negativeBuckets: [],
    customValues,
    counterResetHint: 'unknown',
  };
}
