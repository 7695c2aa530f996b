import type { FloatHistogram } from '@xscaler/model';
import { bucketsOf } from '../histograms/buckets.ts';
import { formatSampleValue } from '../numbers/number-format.ts';

/**
 * A native histogram as the Prometheus HTTP API shows it: count, sum and the buckets that hold anything,
 * each with which of its bounds belong to it (0 upper, 1 lower, 2 none, 3 both).
 */
export function histogramJson(histogram: FloatHistogram): string {
  let json = `{"count":"${formatSampleValue(histogram.count)}","sum":"${formatSampleValue(histogram.sum)}"`;
  let separator = ',"buckets":[';
  for (const { lower, upper, lowerInclusive, upperInclusive, count } of bucketsOf(histogram)) {
    if (count === 0) continue;
    let boundaries = 2;
    if (lowerInclusive) boundaries = upperInclusive ? 3 : 1;
    else if (upperInclusive) boundaries = 0;
    const bounds = `"${formatSampleValue(lower)}","${formatSampleValue(upper)}"`;
    json += `${separator}[${boundaries},${bounds},"${formatSampleValue(count)}"]`;
    separator = ',';
  }
  if (separator === ',') json += ']';
  return `${json}}`;
}
