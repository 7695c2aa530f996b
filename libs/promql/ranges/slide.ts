import type { FloatHistogram } from '@xscaler/model';
import type { Budget } from '../vectors/budget.ts';
import { CANCELLATION_SAMPLES } from '../vectors/cancellation.ts';
import { type QueriedSamples, sampleWeight } from '../vectors/queried-samples.ts';
import { ABSENT, FLOAT, type StepGrid } from '../vectors/query.ts';
import { StepBlock } from '../vectors/step-block.ts';
import { firstSoonAfter } from './first-after.ts';
import { FloatWindows } from './float-windows.ts';
import type { RangeReport } from './range-report.ts';
import { RangeSamples } from './range-samples.ts';
import type { RangeSource } from './range-source.ts';
import { Window, type WindowFunction } from './window.ts';

/**
 * Runs a function over the windows of every series: two cursors per series that only move forward, so the
 * cost is samples + steps wherever the function itself is O(1) a window. Series without a result leave no row.
 */
export function slideWindows(
  source: RangeSource,
  grid: StepGrid,
  fn: WindowFunction,
  budget: Budget,
  report: RangeReport,
  queried: QueriedSamples,
): StepBlock {
  const [block] = slideBatches(source, grid, fn, budget, report, queried, source.count);
  return block;
}

/** The same, this many rows at a time, in one block that is filled anew for each: at least one, maybe empty. */
export function* slideBatches(
  source: RangeSource,
  grid: StepGrid,
  fn: WindowFunction,
  budget: Budget,
  report: RangeReport,
  { perStep }: QueriedSamples,
  batchRows: number,
): Generator<StepBlock> {
  const block = new StepBlock(budget, grid.count, Math.min(batchRows, source.count));
  const samples = new RangeSamples();
  const window = new Window(samples, report, budget);
  const windows = new FloatWindows(source.time, grid, budget, perStep);
  for (let row = 0; row < source.count; row++) {
    source.load(row, samples);
    if (samples.isEmpty) continue;
    if (block.rows === batchRows) {
      yield block;
      block.clear();
    }
    const first = block.addRow(source.labels(row), source.nameDropped(row), source.labelBytes(row));
    report.metricName = source.labels(row).metricName;
    // A subquery's row may be of millions of points, and each of these goes over all of them.
    budget.look();
    fn.begin(samples, budget);
    budget.look();
    let filled: number;
    if (fn.applyAll && samples.histograms.length === 0 && samples.starts === undefined) {
      windows.begin(samples, block, first);
      filled = fn.applyAll(windows);
    } else filled = slideRow(source, grid, fn, window, block, first, budget, perStep);
    if (filled === 0) block.removeLastRow();
  }
  windows.countQueried();
  yield block;
}

const NO_WEIGHTS = new Float64Array(0);

/** Index i: what the histograms before i count for. */
function summedWeights(histograms: readonly FloatHistogram[]): Float64Array {
  const sums = new Float64Array(histograms.length + 1);
  for (let i = 0; i < histograms.length; i++) sums[i + 1] = sums[i] + sampleWeight(histograms[i]);
  return sums;
}

/** @returns how many cells got a value */
function slideRow(
  source: RangeSource,
  grid: StepGrid,
  fn: WindowFunction,
  window: Window,
  block: StepBlock,
  first: number,
  budget: Budget,
  queried: Float64Array,
): number {
  const { offsetMs, atMs, rangeMs } = source.time;
  const { timestamps, length, histogramTimestamps } = window.samples;
  const histograms = histogramTimestamps.length;
  const weights = histograms > 0 ? summedWeights(window.samples.histograms) : NO_WEIGHTS;
  let from = 0;
  let to = 0;
  let histogramFrom = 0;
  let histogramTo = 0;
  let filled = 0;
  let work = 0;
  for (let step = 0; step < grid.count; step++) {
    const timeMs = grid.startMs + step * grid.stepMs;
    const endMs = (atMs ?? timeMs) - offsetMs;
    const startMs = endMs - rangeMs;
    to = firstSoonAfter(timestamps, to, length, endMs);
    from = firstSoonAfter(timestamps, from, to, startMs);
    if (histograms > 0) {
      histogramTo = firstSoonAfter(histogramTimestamps, histogramTo, histograms, endMs);
      histogramFrom = firstSoonAfter(histogramTimestamps, histogramFrom, histogramTo, startMs);
    }
    if (from === to && histogramFrom === histogramTo) continue;
    queried[step] += to - from;
    if (histograms > 0) queried[step] += weights[histogramTo] - weights[histogramFrom];
    window.from = from;
    window.to = to;
    window.histogramFrom = histogramFrom;
    window.histogramTo = histogramTo;
    window.step = step;
    window.timeMs = timeMs;
    window.startMs = startMs;
    window.endMs = endMs;
    window.kind = ABSENT;
    fn.apply(window);
    work += to - from;
    if (work >= CANCELLATION_SAMPLES) {
      budget.work(work);
      work = 0;
    }
    if (window.kind === ABSENT) continue;
    filled++;
    if (window.kind === FLOAT) {
      block.present[first + step] = FLOAT;
      block.values[first + step] = window.value;
    } else if (window.histogram) block.setHistogram(first + step, window.histogram);
  }
  budget.work(work + grid.count);
  return filled;
}
