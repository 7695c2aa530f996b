import { scaleHistogram } from '../histograms/arithmetic.ts';
import { ExecutionError } from '../syntax/errors.ts';
import type { FunctionName } from '../syntax/signatures.ts';
import type { Budget } from '../vectors/budget.ts';
import { type QueriedSamples, sampleWeight } from '../vectors/queried-samples.ts';
import { ABSENT, FLOAT, HISTOGRAM, type StepGrid } from '../vectors/query.ts';
import { StepBlock } from '../vectors/step-block.ts';
import { isChange, isReset } from './counts.ts';
import { extendedFloatChange } from './extended-floats.ts';
import { extendedHistogramChange } from './extended-histograms.ts';
import { firstAfter } from './first-after.ts';
import { countMixedPairs } from './histogram-pairs.ts';
import type { RangeReport } from './range-report.ts';
import { RangeSamples } from './range-samples.ts';
import type { RangeSource } from './range-source.ts';
import { Window } from './window.ts';

/** How a range selector reaches past its window (PROM-52). */
export type Extension = 'anchored' | 'smoothed';

const SUPPORTED: Record<Extension, readonly FunctionName[]> = {
  anchored: ['changes', 'delta', 'increase', 'rate', 'resets'],
  smoothed: ['delta', 'increase', 'rate'],
};

/** @throws ExecutionError if the function knows nothing of the extension */
export function checkExtension(extension: Extension, name: FunctionName): void {
  const supported = SUPPORTED[extension];
  if (supported.includes(name)) return;
  throw new ExecutionError(
    `${extension} modifier can only be used with: ${supported.join(', ')} - not with ${name}`,
  );
}

/** What an extended evaluation works with. */
export interface ExtendedRange {
  readonly source: RangeSource;
  readonly grid: StepGrid;
  readonly extension: Extension;
  readonly lookbackDeltaMs: number;
  readonly name: FunctionName;
  readonly budget: Budget;
  readonly report: RangeReport;
  readonly queried: QueriedSamples;
}

/**
 * Functions over windows that begin at the last sample before them (`anchored`) or at values interpolated
 * at both ends (`smoothed`), looked for within the lookback. Nothing is extrapolated.
 */
export function slideExtended(range: ExtendedRange): StepBlock {
  const { source, grid, budget, report, queried } = range;
  const block = new StepBlock(budget, grid.count, source.count);
  const samples = new RangeSamples();
  const window = new Window(samples, report, budget);
  for (let row = 0; row < source.count; row++) {
    source.load(row, samples);
    if (samples.isEmpty) continue;
    const first = block.addRow(source.labels(row), source.nameDropped(row), source.labelBytes(row));
    report.metricName = source.labels(row).metricName;
    for (let step = 0; step < grid.count; step++) {
      placeWindow(range, window, step);
      queried.perStep[step] += windowWeight(window);
      applyExtended(range, window);
      if (window.kind === FLOAT) block.setFloat(first + step, window.value);
      else if (window.kind === HISTOGRAM && window.histogram)
        block.setHistogram(first + step, window.histogram);
      budget.work(window.to - window.from + 1);
    }
  }
  return block.withoutEmptyRows();
}

function windowWeight({ from, to, histogramFrom, histogramTo, samples }: Window): number {
  let weight = to - from;
  for (let i = histogramFrom; i < histogramTo; i++) weight += sampleWeight(samples.histograms[i]);
  return weight;
}

/** Puts into the window all samples that the extension may look at. */
function placeWindow(
  { source, grid, extension, lookbackDeltaMs }: ExtendedRange,
  window: Window,
  step: number,
): void {
  const { offsetMs, atMs, rangeMs } = source.time;
  window.step = step;
  window.timeMs = grid.startMs + step * grid.stepMs;
  window.endMs = (atMs ?? window.timeMs) - offsetMs;
  window.startMs = window.endMs - rangeMs;
  window.kind = ABSENT;
  const afterMs = window.startMs - lookbackDeltaMs;
  const untilMs = extension === 'smoothed' ? window.endMs + lookbackDeltaMs : window.endMs;
  const { timestamps, length, histogramTimestamps } = window.samples;
  window.from = firstAfter(timestamps, 0, length, afterMs);
  window.to = firstAfter(timestamps, window.from, length, untilMs);
  window.histogramFrom = firstAfter(histogramTimestamps, 0, histogramTimestamps.length, afterMs);
  window.histogramTo = firstAfter(
    histogramTimestamps,
    window.histogramFrom,
    histogramTimestamps.length,
    untilMs,
  );
}

function applyExtended({ source, extension, name, report }: ExtendedRange, window: Window): void {
  if (name === 'changes' || name === 'resets') {
    countFromAnchor(window, name === 'resets');
    return;
  }
  const hasFloats = window.from < window.to;
  const hasHistograms = window.histogramFrom < window.histogramTo;
  if (hasFloats && hasHistograms) report.mixed();
  if (hasFloats === hasHistograms) return;
  const smoothed = extension === 'smoothed';
  const isCounter = name !== 'delta';
  const perSecond = name === 'rate' ? source.time.rangeMs / 1000 : 1;
  if (hasFloats) {
    const change = extendedFloatChange(window, smoothed, isCounter);
    if (change !== undefined) window.setFloat(change / perSecond);
    return;
  }
  const change = extendedHistogramChange(window, smoothed, isCounter);
  if (change) window.setHistogram(scaleHistogram(change, perSecond, 'divide'));
}

/** `changes` and `resets` from the last sample at or before the window's start on. */
function countFromAnchor(window: Window, resets: boolean): void {
  const { timestamps, histogramTimestamps } = window.samples;
  const { startMs } = window;
  const float = firstAfter(timestamps, window.from, window.to, startMs);
  const histogram = firstAfter(histogramTimestamps, window.histogramFrom, window.histogramTo, startMs);
  if (float === window.to && histogram === window.histogramTo) return;
  const floatMs = float > window.from ? timestamps[float - 1] : Number.NEGATIVE_INFINITY;
  const histogramMs =
    histogram > window.histogramFrom ? histogramTimestamps[histogram - 1] : Number.NEGATIVE_INFINITY;
  window.from = float > window.from && floatMs > histogramMs ? float - 1 : float;
  window.histogramFrom =
    histogram > window.histogramFrom && histogramMs > floatMs ? histogram - 1 : histogram;
  window.setFloat(countMixedPairs(window, resets, resets ? isReset : isChange));
}
