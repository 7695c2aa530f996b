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
import { isResetAt, type StartTimes } from './start-times.ts';
import type { Window } from './window.ts';

/**
 * The change over the histograms `from ≤ i < to` of a window, and what the first of them counted if it began
 * inside of the window.
 * @returns undefined, and a word about it, if there is none
 */
export function histogramIncrease(
  { samples: { histograms, histogramStarts }, report }: Window,
  from: number,
  to: number,
  isCounter: boolean,
  fromZero: boolean,
): FloatHistogram | undefined {
  const first = histograms[from];
  if (to - from < 2) return first;
  const change = histogramChange(histograms, histogramStarts, from, to, isCounter, report);
  if (!change || !fromZero) return change;
  const sum = combineHistograms(change, first, 1);
  if (!sum) return mixed(report);
  report.combined(sum, 'addition', false);
  return sum.histogram;
}

/**
 * The change over the histograms `from ≤ i < to` (two or more): last less first, plus, for a counter, what
 * was there before each reset.
 * @returns undefined if exponential and custom buckets meet
 */
function histogramChange(
  histograms: readonly FloatHistogram[],
  starts: StartTimes | undefined,
  from: number,
  to: number,
  isCounter: boolean,
  report: RangeReport,
): FloatHistogram | undefined {
  const last = histograms[to - 1];
  let previous = histograms[from];
  // What comes before a reset right behind it cancels out: its layout does not matter.
  const second = histograms[from + 1];
  if (isCounter && (isResetAt(starts, from + 1) || isHistogramReset(second, previous)))
    previous = emptyLike(second);
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
    if (isResetAt(starts, i) || isHistogramReset(histograms[i], previous)) {
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

/**
 * The change between two neighbouring histograms, for `irate` and `idelta`.
 * @param startsAnew a start timestamp shows a reset between them
 */
export function instantHistogramChange(
  previous: FloatHistogram,
  last: FloatHistogram,
  isRate: boolean,
  startsAnew: boolean,
  report: RangeReport,
): FloatHistogram | undefined {
  const gauges = Number(previous.counterResetHint === 'gauge') + Number(last.counterResetHint === 'gauge');
  if (isRate && gauges > 0) report.notCounter();
  if (!isRate && gauges < 2) report.notGauge();
  if (isRate && (startsAnew || isHistogramReset(last, previous))) return withHint(last, 'gauge');
  const difference = combineHistograms(last, previous, -1);
  if (!difference) return mixed(report);
  report.combined(difference, 'subtraction', false);
  return withHint(difference.histogram, 'gauge');
}
