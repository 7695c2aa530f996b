import type { FloatHistogram } from '@xscaler/model';
import { Labels } from '@xscaler/model';
import { type Expr, typeOf, unwrapParens } from './ast.ts';
import type { Evaluator } from './evaluator.ts';
import { FLOAT, type QueryResult, type SampleRun, type StepGrid } from './query.ts';
import { RangeSamples } from './ranges/range-samples.ts';
import { StepBlock } from './step-block.ts';

/** The answer of an instant query: whatever type the expression has. */
export function instantResult(evaluator: Evaluator, expr: Expr, timeMs: number): QueryResult {
  const grid = { startMs: timeMs, stepMs: 1, count: 1 };
  switch (typeOf(expr)) {
    case 'scalar':
      return { type: 'scalar', timeMs, value: evaluator.scalar(expr, grid)[0], ...frameOf(evaluator) };
    case 'string':
      return { type: 'string', timeMs, value: evaluator.text(expr), ...frameOf(evaluator) };
    case 'matrix':
      return { type: 'samples', series: sampleRuns(evaluator, expr, grid), ...frameOf(evaluator) };
    default: {
      const block = evaluator.finish(evaluator.vector(expr, grid)).withoutEmptyRows();
      return { type: 'vector', timeMs, block, ...frameOf(evaluator) };
    }
  }
}

/** The answer of a range query: always a matrix, sorted by labels. */
export function rangeResult(evaluator: Evaluator, expr: Expr, grid: StepGrid): QueryResult {
  let block: StepBlock;
  if (typeOf(expr) === 'scalar') {
    block = new StepBlock(grid.count, 1);
    block.addRow(Labels.EMPTY);
    block.values.set(evaluator.scalar(expr, grid));
    block.present.fill(FLOAT);
  } else {
    block = sortedByLabels(evaluator.finish(evaluator.vector(expr, grid)).withoutEmptyRows());
  }
  return { type: 'matrix', grid, block, ...frameOf(evaluator) };
}

function frameOf({ annotations, budget }: Evaluator) {
  return { warnings: annotations.warnings, infos: annotations.infos, stats: budget.stats };
}

function sortedByLabels(block: StepBlock): StepBlock {
  const order = block.labels.map((_, row) => row);
  order.sort((a, b) => block.labels[a].compare(block.labels[b]));
  return order.every((row, i) => row === i) ? block : block.pick(order);
}

/** The samples in the window of each series, at a single step. */
function sampleRuns(evaluator: Evaluator, expr: Expr, grid: StepGrid): SampleRun[] {
  const source = evaluator.range(unwrapParens(expr), grid);
  const { offsetMs, atMs, rangeMs } = source.time;
  const endMs = (atMs ?? grid.startMs) - offsetMs;
  const samples = new RangeSamples();
  const runs: SampleRun[] = [];
  for (let row = 0; row < source.count; row++) {
    source.load(row, samples);
    const run = runWithin(samples, source.labels(row), endMs - rangeMs, endMs);
    if (run) runs.push(run);
  }
  return runs.sort((a, b) => a.labels.compare(b.labels));
}

/** Samples with startMs < t ≤ endMs, floats and histograms merged by time. */
function runWithin(
  samples: RangeSamples,
  labels: Labels,
  startMs: number,
  endMs: number,
): SampleRun | undefined {
  const merged: { timestampMs: number; value: number; histogram: FloatHistogram | undefined }[] = [];
  for (let i = 0; i < samples.length; i++) {
    merged.push({ timestampMs: samples.timestamps[i], value: samples.values[i], histogram: undefined });
  }
  samples.histograms.forEach((histogram, i) => {
    merged.push({ timestampMs: samples.histogramTimestamps[i], value: histogram.sum, histogram });
  });
  const inside = merged.filter(({ timestampMs }) => timestampMs > startMs && timestampMs <= endMs);
  if (inside.length === 0) return undefined;
  inside.sort((a, b) => a.timestampMs - b.timestampMs);
  return {
    labels,
    timestampsMs: Float64Array.from(inside, (sample) => sample.timestampMs),
    values: Float64Array.from(inside, (sample) => sample.value),
    histograms: samples.histograms.length === 0 ? undefined : inside.map((sample) => sample.histogram),
  };
}
