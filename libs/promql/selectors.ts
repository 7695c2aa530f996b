import { isStaleWords, SampleColumns } from '@xscaler/model';
import type { Series } from '@xscaler/storage';
import type { Budget } from './budget.ts';
import { detectResetHints } from './histograms/reset-hints.ts';
import type { ResolvedTime } from './plan.ts';
import { type QueriedSamples, sampleWeight } from './queried-samples.ts';
import { FLOAT, type StepGrid } from './query.ts';
import { StepBlock } from './step-block.ts';

/** What an instant selector gives of a sample. */
export type SampleAspect = 'value' | 'timestamp' | 'startTimestamp';

/** What an instant selector is evaluated with. */
export interface InstantSelection {
  readonly series: readonly Series[];
  readonly time: ResolvedTime;
  readonly grid: StepGrid;
  readonly lookbackDeltaMs: number;
  readonly aspect: SampleAspect;
  /** Works histograms' reset hints out. */
  readonly detectResets: boolean;
  readonly budget: Budget;
  readonly queried: QueriedSamples;
}

/**
 * The latest sample of each series within the lookback before each step (left-open); none where that is a
 * staleness marker. One series is decoded at a time.
 */
export function selectInstant(selection: InstantSelection): StepBlock {
  const [block] = selectBatches(selection, selection.series.length);
  return block;
}

/** The same, so many rows at a time, in one block that is filled anew for each: at least one, maybe empty. */
export function* selectBatches(selection: InstantSelection, batchRows: number): Generator<StepBlock> {
  const { series, grid, detectResets, budget } = selection;
  const block = new StepBlock(budget, grid.count, Math.min(batchRows, series.length));
  const columns = new SampleColumns();
  for (const one of series) {
    columns.reset();
    one.read(columns);
    budget.addSamples(columns.length);
    budget.work(grid.count);
    if (columns.length === 0) continue;
    if (detectResets && columns.histograms) detectResetHints(columns.histograms);
    if (block.rows === batchRows) {
      yield block;
      block.clear();
    }
    const first = block.addRow(one.labels);
    if (fillRow(selection, block, first, columns) === 0) block.removeLastRow();
  }
  yield block;
}

/** @returns how many cells got a value */
function fillRow(
  selection: InstantSelection,
  block: StepBlock,
  first: number,
  columns: SampleColumns,
): number {
  const { time, grid, lookbackDeltaMs, aspect, queried } = selection;
  if (aspect === 'value' && !columns.histograms) {
    return fillFloats(columns, time, grid, lookbackDeltaMs, block, first, queried.perStep);
  }
  return fillAspects(selection, block, first, columns);
}

function fillFloats(
  { timestamps, values, valueWords, length }: SampleColumns,
  { atMs, offsetMs }: ResolvedTime,
  { startMs, stepMs, count }: StepGrid,
  lookbackDeltaMs: number,
  block: StepBlock,
  first: number,
  queried: Float64Array,
): number {
  const { values: results, present } = block;
  const firstMs = (atMs ?? startMs) - offsetMs;
  const advanceMs = atMs === undefined ? stepMs : 0;
  let next = 0;
  let filled = 0;
  for (let step = 0; step < count; step++) {
    const refMs = firstMs + step * advanceMs;
    while (next < length && timestamps[next] <= refMs) next++;
    const i = next - 1;
    if (i < 0 || timestamps[i] <= refMs - lookbackDeltaMs) continue;
    const value = values[i];
    if (Number.isNaN(value) && isStaleWords(valueWords[2 * i], valueWords[2 * i + 1])) continue;
    results[first + step] = value;
    present[first + step] = FLOAT;
    queried[step]++;
    filled++;
  }
  return filled;
}

/** As `fillFloats`, whatever is asked for and whatever the samples are. */
function fillAspects(
  {
    time: { atMs, offsetMs },
    grid,
    lookbackDeltaMs,
    aspect,
    queried: { perStep: queried },
  }: InstantSelection,
  block: StepBlock,
  first: number,
  columns: SampleColumns,
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
