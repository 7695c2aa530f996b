import type { Series } from '@xscaler/storage';
import { interpolate } from '../ranges/extended-floats.ts';
import { blendHistograms } from '../ranges/extended-histograms.ts';
import type { RangeReport } from '../ranges/range-report.ts';
import { RangeSamples } from '../ranges/range-samples.ts';
import type { Budget } from '../vectors/budget.ts';
import type { StepGrid } from '../vectors/query.ts';
import { StepBlock } from '../vectors/step-block.ts';
import type { ResolvedTime } from '../vectors/times.ts';

/**
 * An instant selector with `smoothed`: between two samples their interpolation, behind the last one its
 * value, both within the lookback.
 */
export function selectSmoothed(
  series: readonly Series[],
  { atMs, offsetMs }: ResolvedTime,
  grid: StepGrid,
  lookbackDeltaMs: number,
  budget: Budget,
  report: RangeReport,
): StepBlock {
  const block = new StepBlock(budget, grid.count, series.length);
  const samples = new RangeSamples();
  for (const one of series) {
    budget.addSamples(samples.load(one, false));
    if (samples.isEmpty) continue;
    report.metricName = one.labels.metricName;
    const first = block.addRow(one.labels);
    for (let step = 0; step < grid.count; step++) {
      const refMs = (atMs ?? grid.startMs + step * grid.stepMs) - offsetMs;
      budget.work(samples.length + samples.histograms.length + 1);
      smoothAt(samples, refMs, lookbackDeltaMs, block, first + step, report);
    }
  }
  return block.withoutEmptyRows();
}

function smoothAt(
  samples: RangeSamples,
  refMs: number,
  lookbackDeltaMs: number,
  block: StepBlock,
  cell: number,
  report: RangeReport,
): void {
  const { timestamps, values, length, histograms, histogramTimestamps } = samples;
  const afterMs = refMs - lookbackDeltaMs;
  const untilMs = refMs + lookbackDeltaMs;
  const float = lastWithin(timestamps, length, afterMs, refMs);
  const histogram = lastWithin(histogramTimestamps, histograms.length, afterMs, refMs);
  const nextFloat = nextWithin(timestamps, length, refMs, untilMs);
  const nextHistogram = nextWithin(histogramTimestamps, histograms.length, refMs, untilMs);
  const hasFloats = float >= 0 || nextFloat >= 0;
  const hasHistograms = histogram >= 0 || nextHistogram >= 0;
  if (hasFloats && hasHistograms) {
    report.mixed();
    return;
  }
  if (float >= 0) {
    const exact = timestamps[float] === refMs || nextFloat < 0;
    block.setFloat(cell, exact ? values[float] : interpolate(timestamps, values, float, refMs, false));
  } else if (histogram >= 0) {
    const fromMs = histogramTimestamps[histogram];
    const exact = fromMs === refMs || nextHistogram < 0;
    const share = exact ? 0 : (refMs - fromMs) / (histogramTimestamps[nextHistogram] - fromMs);
    const from = histograms[histogram];
    const isCounter = from.counterResetHint !== 'gauge';
    const blend = exact ? from : blendHistograms(from, histograms[nextHistogram], share, isCounter, report);
    if (blend) block.setHistogram(cell, blend);
  }
}

/** Index of the last of `times` in (afterMs, untilMs], or −1. */
function lastWithin(times: ArrayLike<number>, length: number, afterMs: number, untilMs: number): number {
  let i = length - 1;
  while (i >= 0 && times[i] > untilMs) i--;
  return i >= 0 && times[i] > afterMs ? i : -1;
}

/** Index of the first of `times` in (afterMs, untilMs], or −1. */
function nextWithin(times: ArrayLike<number>, length: number, afterMs: number, untilMs: number): number {
  let i = 0;
  while (i < length && times[i] <= afterMs) i++;
  return i < length && times[i] <= untilMs ? i : -1;
}
