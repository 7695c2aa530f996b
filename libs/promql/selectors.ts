import { isStaleWords, SampleColumns } from '@xscaler/model';
import type { Series } from '@xscaler/storage';
import type { Budget } from './budget.ts';
import { detectResetHints } from './histograms/reset-hints.ts';
import type { ResolvedTime } from './plan.ts';
import { type QueriedSamples, sampleWeight } from './queried-samples.ts';
import type { StepGrid } from './query.ts';
import { StepBlock } from './step-block.ts';

/** What an instant selector gives of a sample. */
export type SampleAspect = 'value' | 'timestamp' | 'startTimestamp';

/**
 * The latest sample of each series within the lookback before each step (left-open); none where that is a
 * staleness marker. One series is decoded at a time.
 */
export function selectInstant(
  series: readonly Series[],
  time: ResolvedTime,
  grid: StepGrid,
  lookbackDeltaMs: number,
  aspect: SampleAspect,
  detectResets: boolean,
  budget: Budget,
  { perStep }: QueriedSamples,
): StepBlock {
  const block = new StepBlock(budget, grid.count, series.length);
  const columns = new SampleColumns();
  for (const one of series) {
    columns.reset();
    one.read(columns);
    budget.addSamples(columns.length);
    budget.work(grid.count);
    if (columns.length === 0) continue;
    if (detectResets && columns.histograms) detectResetHints(columns.histograms);
    const first = block.addRow(one.labels);
    const filled = fillRow(block, first, columns, time, grid, lookbackDeltaMs, aspect, perStep);
    if (filled === 0) block.removeLastRow();
  }
  return block;
}

/** @returns how many cells got a value */
function fillRow(
  block: StepBlock,
  first: number,
  columns: SampleColumns,
  { atMs, offsetMs }: ResolvedTime,
  grid: StepGrid,
  lookbackDeltaMs: number,
  aspect: SampleAspect,
  queried: Float64Array,
): number {
  const { timestamps, values, valueWords, histograms, startTimes, length } = columns;
  let next = 0;
  let filled = 0;
  for (let step = 0; step < grid.count; step++) {
    const refMs = (atMs ?? grid.startMs + step * grid.stepMs) - offsetMs;
    while (next < length && timestamps[next] <= refMs) next++;
    const i = next - 1;
    if (i < 0 || timestamps[i] <= refMs - lookbackDeltaMs) continue;
    if (isStaleWords(valueWords[2 * i], valueWords[2 * i + 1])) continue;
    filled++;
    const histogram = histograms?.[i];
    queried[step] += histogram && aspect === 'value' ? sampleWeight(histogram) : 1;
    if (aspect === 'timestamp') block.setFloat(first + step, timestamps[i] / 1000);
    else if (aspect === 'startTimestamp') block.setFloat(first + step, (startTimes?.[i] ?? 0) / 1000);
    else if (histogram) block.setHistogram(first + step, histogram);
    else block.setFloat(first + step, values[i]);
  }
  return filled;
}
