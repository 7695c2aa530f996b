import type { FloatHistogram } from '@xscaler/model';
import {
  combineHistograms,
  isHistogramReset,
  scaleHistogram,
  usesCustomBuckets,
  withHint,
} from '../histograms/arithmetic.ts';
import { findEdges, type WindowEdges } from './extended-floats.ts';
import type { RangeReport } from './range-report.ts';
import type { Window } from './window.ts';

/** The change of histograms over an extended window; undefined, and a word about it, if there is none. */
export function extendedHistogramChange(
  window: Window,
  smoothed: boolean,
  isCounter: boolean,
): FloatHistogram | undefined {
  const { histograms, histogramTimestamps: times } = window.samples;
  const { startMs, endMs, histogramFrom, report } = window;
  const edges = findEdges(times, histogramFrom, window.histogramTo, window, smoothed);
  if (!edges) return undefined;
  const { first, last } = edges;
  const custom = usesCustomBuckets(histograms[first]);
  for (let i = first; i <= last; i++) {
    if (usesCustomBuckets(histograms[i]) !== custom) {
      report.mixedSchemas();
      return undefined;
    }
    if (isCounter && histograms[i].counterResetHint === 'gauge') report.notCounter();
  }
  const left =
    smoothed && times[first] < startMs
      ? interpolateHistograms(window, first, startMs, isCounter)
      : histograms[first];
  const right =
    smoothed && last > histogramFrom && times[last] > endMs
      ? interpolateHistograms(window, last - 1, endMs, isCounter)
      : histograms[last];
  if (!left || !right) return undefined;
  if (!isCounter && (left.counterResetHint !== 'gauge' || right.counterResetHint !== 'gauge'))
    report.notGauge();
  let change = add(right, left, -1, report);
  if (isCounter) {
    for (const lost of lostToResets(window, edges, left, right, smoothed)) {
      change = change && add(change, lost, 1, report);
    }
  }
  return change && withHint(change, 'gauge');
}

function add(
  a: FloatHistogram,
  b: FloatHistogram,
  sign: 1 | -1,
  report: RangeReport,
): FloatHistogram | undefined {
  const sum = combineHistograms(a, b, sign);
  if (!sum) {
    report.mixedSchemas();
    return undefined;
  }
  report.combined(sum, sign === 1 ? 'addition' : 'subtraction', false);
  return sum.histogram;
}

/** What was there before each reset between the edges, but for one that an interpolated edge has counted. */
function lostToResets(
  { samples: { histograms, histogramTimestamps }, startMs }: Window,
  edges: WindowEdges,
  left: FloatHistogram,
  right: FloatHistogram,
  smoothed: boolean,
): FloatHistogram[] {
  let first = edges.first + 1;
  let previous = left;
  const spansStart = smoothed && histogramTimestamps[edges.first] < startMs;
  if (spansStart && isHistogramReset(histograms[first], histograms[edges.first]))
    previous = histograms[first++];
  if (first > edges.last) return [];
  const lost: FloatHistogram[] = [];
  for (let i = first; i < edges.last; i++) {
    if (isHistogramReset(histograms[i], previous)) lost.push(previous);
    previous = histograms[i];
  }
  if (isHistogramReset(right, previous)) lost.push(previous);
  return lost;
}

/** The histogram between samples i and i + 1; a counter that was reset between them counts from zero. */
function interpolateHistograms(
  { samples: { histograms, histogramTimestamps: times }, report }: Window,
  i: number,
  timeMs: number,
  isCounter: boolean,
): FloatHistogram | undefined {
  return blendHistograms(
    histograms[i],
    histograms[i + 1],
    (timeMs - times[i]) / (times[i + 1] - times[i]),
    isCounter,
    report,
  );
}

/** `from` and `to` mixed, `share` of the way. */
export function blendHistograms(
  from: FloatHistogram,
  to: FloatHistogram,
  share: number,
  isCounter: boolean,
  report: RangeReport,
): FloatHistogram | undefined {
  if (share === 0) return from;
  if (share === 1) return to;
  if (usesCustomBuckets(from) !== usesCustomBuckets(to)) {
    report.mixedSchemas();
    return undefined;
  }
  if (isCounter && isHistogramReset(to, from)) return scaleHistogram(to, share);
  const difference = add(to, from, -1, report);
  const blend = difference && add(scaleHistogram(difference, share), from, 1, report);
  return blend && withHint(blend, to.counterResetHint);
}
