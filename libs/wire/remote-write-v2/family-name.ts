import type { MetricType } from '@xscaler/model';

const SUFFIXES: Partial<Record<MetricType, readonly string[]>> = {
  histogram: ['_bucket', '_count', '_sum'],
  gaugehistogram: ['_bucket', '_gcount', '_gsum'],
  summary: ['_count', '_sum'],
};

/** The name of the family that a series of a classic histogram or summary belongs to: its own without the suffix. */
export function familyName(metric: string, type: MetricType): string {
  const suffix = SUFFIXES[type]?.find((one) => metric.endsWith(one) && metric.length > one.length);
  return suffix === undefined ? metric : metric.slice(0, -suffix.length);
}
