import type { FloatHistogram } from '@xscaler/model';
import {
  atSchema,
  combineHistograms,
  emptyLike,
  isHistogramReset,
  usesCustomBuckets,
  withHint,
} from '../histograms/arithmetic.ts';
import type { RangeReport } from './range-report.ts';

/**
 * The change over the histograms `from ≤ i < to` (two or more): last less first, plus, for a counter, what
 * was there before each reset.
 * @returns undefined where exponential and custom buckets meet
 */
export function histogramChange(
  histograms: readonly FloatHistogram[],
  from: number,
  to: number,
  isCounter: boolean,
  report: RangeReport,
): FloatHistogram | undefined {
  const last = histograms[to - 1];
  let previous = histograms[from];
  // What comes before a reset right behind it cancels out: its layout does not matter.
  if (isCounter && isHistogramReset(histograms[from + 1], previous))
    previous = emptyLike(histograms[from + 1]);
  let schema = Math.min(previous.schema, last.schema);
  const custom = usesCustomBuckets(last);
  if (usesCustomBuckets(previous) !== custom) return mixed(report);
  const lookInside = isCounter ? from + 1 : to;
  for (let i = lookInside; i < to; i++) {
    if (usesCustomBuckets(histograms[i]) !== custom) return mixed(report);
    schema = Math.min(schema, histograms[i].schema);
  }
  reportKind(histograms, from, to, isCounter, report);
  const difference = combineHistograms(atSchema(last, schema), previous, -1);
  if (!difference) return mixed(report);
  report.combined(difference, 'subtraction', false);
  let change = difference.histogram;
  for (let i = lookInside; i < to; i++) {
    if (isHistogramReset(histograms[i], previous)) {
      const sum = combineHistograms(change, previous, 1);
      if (!sum) return mixed(report);
      report.combined(sum, 'addition', false);
      change = sum.histogram;
    }
    previous = histograms[i];
  }
  return withHint(change, 'gauge');
}

function mixed(report: RangeReport): undefined {
  report.mixedSchemas();
  return undefined;
}

function reportKind(
  histograms: readonly FloatHistogram[],
  from: number,
  to: number,
  isCounter: boolean,
  report: RangeReport,
): void {
  if (isCounter) {
    for (let i = from; i < to; i++) if (histograms[i].counterResetHint === 'gauge') report.notCounter();
    return;
  }
  const edges = [histograms[from], histograms[to - 1]];
  if (edges.some((edge) => edge.counterResetHint !== 'gauge')) report.notGauge();
}

/** The change between two neighbouring histograms, for `irate` and `idelta`. */
export function instantHistogramChange(
  previous: FloatHistogram,
  last: FloatHistogram,
  isRate: boolean,
  report: RangeReport,
): FloatHistogram | undefined {
  const gauges = Number(previous.counterResetHint === 'gauge') + Number(last.counterResetHint === 'gauge');
  if (isRate && gauges > 0) report.notCounter();
  if (!isRate && gauges < 2) report.notGauge();
  if (isRate && isHistogramReset(last, previous)) return withHint(last, 'gauge');
  const difference = combineHistograms(last, previous, -1);
  if (!difference) return mixed(report);
  report.combined(difference, 'subtraction', false);
  return withHint(difference.histogram, 'gauge');
}
