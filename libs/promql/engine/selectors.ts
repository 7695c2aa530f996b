import { isStaleWords, SampleColumns } from '@xscaler/model';
import type { Series } from '@xscaler/storage';
import { detectResetHints } from '../histograms/reset-hints.ts';
import { hasNoNaN } from '../numbers/no-nan.ts';
import type { Budget } from '../vectors/budget.ts';
import { type LatestAt, LatestSamples, type SampleAspect } from '../vectors/latest-samples.ts';
import { type QueriedSamples, sampleWeight } from '../vectors/queried-samples.ts';
import { FLOAT, type StepGrid } from '../vectors/query.ts';
import { StepBlock } from '../vectors/step-block.ts';
import type { ResolvedTime } from '../vectors/times.ts';

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
 * The latest sample of each series within the lookback before each step (left-open); none if that is a
 * staleness marker. One series is decoded at a time.
 */
export function selectInstant(selection: InstantSelection): StepBlock {
  const [block] = selectBatches(selection, selection.series.length);
  return block;
}

/** The same, this many rows at a time, in one block that is filled anew for each: at least one, maybe empty. */
export function* selectBatches(selection: InstantSelection, batchRows: number): Generator<StepBlock> {
  const { series, grid, detectResets, budget, time, lookbackDeltaMs, queried } = selection;
  const block = new StepBlock(budget, grid.count, Math.min(batchRows, series.length));
  const latest = new LatestSamples(time, grid, lookbackDeltaMs, budget, queried.perStep);
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
    const found = latest.of(columns.timestamps, columns.length);
    const filled =
      selection.aspect === 'value' && !columns.histograms
        ? fillRun(columns, found, block, first) ||
          fillFloats(columns, found.at, block, first, queried.perStep)
        : fillAspects(selection, found.at, block, first, columns);
    if (filled === 0) block.removeLastRow();
  }
  latest.countQueried();
  yield block;
}

/** Fills a row where the steps that have a sample lie side by side and none is NaN, as nearly always. @returns as `fillFloats`, or 0 */
function fillRun({ values }: SampleColumns, latest: LatestAt, block: StepBlock, first: number): number {
  const { at, from, to } = latest;
  const { values: results, present } = block;
  for (let step = from; step < to; step++) results[first + step] = values[at[step]];
  if (!hasNoNaN(results, first + from, first + to)) {
    results.fill(0, first + from, first + to);
    return 0;
  }
  present.fill(FLOAT, first + from, first + to);
  latest.uncounted++;
  return to - from;
}

/** @returns how many cells got a value */
function fillFloats(
  { values, valueWords }: SampleColumns,
  at: Int32Array,
  block: StepBlock,
  first: number,
  queried: Float64Array,
): number {
  const { values: results, present } = block;
  const steps = at.length;
  let filled = 0;
  // Runs of cells that get a value are marked at once.
  for (let step = 0; step < steps; step++) {
    const from = step;
    for (; step < steps; step++) {
      const i = at[step];
      if (i < 0) break;
      const value = values[i];
      if (Number.isNaN(value) && isStaleWords(valueWords[2 * i], valueWords[2 * i + 1])) break;
      results[first + step] = value;
    }
    if (step === from) continue;
    present.fill(FLOAT, first + from, first + step);
    for (let k = from; k < step; k++) queried[k]++;
    filled += step - from;
  }
  return filled;
}

/** As `fillFloats`, whatever is asked for and whatever the samples are. */
function fillAspects(
  { aspect, queried: { perStep: queried } }: InstantSelection,
  at: Int32Array,
  block: StepBlock,
  first: number,
  columns: SampleColumns,
): number {
  const { timestamps, values, valueWords, histograms, startTimes } = columns;
  let filled = 0;
  for (let step = 0; step < at.length; step++) {
    const i = at[step];
    if (i < 0 || isStaleWords(valueWords[2 * i], valueWords[2 * i + 1])) continue;
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
