import type { FloatHistogram } from '@xscaler/model';
import { formatGeneral } from '../numbers/number-format.ts';
import { bucketsOf } from './buckets.ts';

/** A histogram as Prometheus prints it: `{count:3, sum:2, [-1,-0.5):1, (1,2]:2}`. */
export function histogramText(histogram: FloatHistogram): string {
  let text = `{count:${formatGeneral(histogram.count)}, sum:${formatGeneral(histogram.sum)}`;
  for (const { lower, upper, lowerInclusive, upperInclusive, count } of bucketsOf(histogram)) {
    if (count === 0) continue;
    const open = lowerInclusive ? '[' : '(';
    const close = upperInclusive ? ']' : ')';
    text += `, ${open}${formatGeneral(lower)},${formatGeneral(upper)}${close}:${formatGeneral(count)}`;
  }
  return `${text}}`;
}
