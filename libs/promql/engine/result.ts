import { type FloatHistogram, Labels } from '@xscaler/model';
import { firstAfter } from '../ranges/first-after.ts';
import { RangeSamples } from '../ranges/range-samples.ts';
import { type Expr, typeOf, unwrapParens } from '../syntax/ast.ts';
import type { Budget } from '../vectors/budget.ts';
import { labelTextLength } from '../vectors/label-set-bytes.ts';
import { sampleWeight } from '../vectors/queried-samples.ts';
import { FLOAT, type QueryResult, type SampleRun, type StepGrid } from '../vectors/query.ts';
import { StepBlock } from '../vectors/step-block.ts';
import type { Evaluator } from './evaluator.ts';

/** The answer of an instant query: whatever type the expression has. */
export function instantResult(evaluator: Evaluator, expr: Expr, timeMs: number): QueryResult {
  const grid = { startMs: timeMs, stepMs: 1, count: 1 };
  switch (typeOf(expr)) {
    case 'scalar':
      return { type: 'scalar', timeMs, value: evaluator.scalar(expr, grid)[0], ...frameOf(evaluator) };
    case 'string':
      return { type: 'string', timeMs, value: evaluator.text(expr), ...frameOf(evaluator) };
    case 'matrix':
      return { type: 'samples', timeMs, series: sampleRuns(evaluator, expr, grid), ...frameOf(evaluator) };
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
    block = new StepBlock(evaluator.budget, grid.count, 1);
    block.addRow(Labels.EMPTY);
    block.values.set(evaluator.scalar(expr, grid));
    block.present.fill(FLOAT);
  } else {
    block = evaluator.finish(evaluator.vector(expr, grid)).withoutEmptyRows();
    evaluator.stages.end('evaluation');
    block = sortedByLabels(block);
    evaluator.stages.end('sort');
  }
  return { type: 'matrix', grid, block, ...frameOf(evaluator) };
}

function frameOf({ annotations, budget, queried, stages }: Evaluator) {
  stages.end('evaluation');
  const stats = {
    samplesRead: budget.samplesRead,
    peakSamples: budget.peak,
    queriedPerStep: queried.perStep,
    stagesMs: stages,
  };
  return { warnings: annotations.warnings, infos: annotations.infos, stats };
}

/** What comparing label sets costs, in samples handled. */
const LABEL_COMPARISON_WORK = 8;

function sortedByLabels(block: StepBlock): StepBlock {
  const order = block.labels.map((_, row) => row);
  const lengths = block.labels.map(labelTextLength);
  order.sort((a, b) => {
    block.budget.work(LABEL_COMPARISON_WORK);
    block.budget.workOnText(Math.min(lengths[a], lengths[b]));
    return block.labels[a].compare(block.labels[b]);
  });
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
    const run = runWithin(evaluator.budget, samples, source.labels(row), endMs - rangeMs, endMs);
    if (!run) continue;
    runs.push(run);
    for (let i = 0; i < run.timestampsMs.length; i++) {
      const histogram = run.histograms?.[i];
      evaluator.queried.perStep[0] += histogram ? sampleWeight(histogram) : 1;
    }
  }
  return runs.sort((a, b) => a.labels.compare(b.labels));
}

/** Samples with startMs < t ≤ endMs, floats and histograms merged by time. */
function runWithin(
  budget: Budget,
  samples: RangeSamples,
  labels: Labels,
  startMs: number,
  endMs: number,
): SampleRun | undefined {
  const { timestamps, histogramTimestamps, histograms } = samples;
  let float = firstAfter(timestamps, 0, samples.length, startMs);
  const floatEnd = firstAfter(timestamps, float, samples.length, endMs);
  let histogram = firstAfter(histogramTimestamps, 0, histograms.length, startMs);
  const histogramEnd = firstAfter(histogramTimestamps, histogram, histograms.length, endMs);
  const length = floatEnd - float + histogramEnd - histogram;
  if (length === 0) return undefined;
  budget.hold(2 * length);
  const run = {
    labels,
    timestampsMs: new Float64Array(length),
    values: new Float64Array(length),
    histograms: histograms.length === 0 ? undefined : new Array<FloatHistogram | undefined>(length),
  };
  for (let i = 0; i < length; i++) {
    const isFloat =
      float < floatEnd && (histogram === histogramEnd || timestamps[float] <= histogramTimestamps[histogram]);
    run.timestampsMs[i] = isFloat ? timestamps[float] : histogramTimestamps[histogram];
    run.values[i] = isFloat ? samples.values[float] : histograms[histogram].sum;
    if (isFloat) float++;
    else if (run.histograms) run.histograms[i] = histograms[histogram++];
  }
  return run;
}
