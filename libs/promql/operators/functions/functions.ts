import { Labels } from '@xscaler/model';
import { quoteText } from '../../numbers/go-quote.ts';
import { checkExtension, type Extension, slideExtended } from '../../ranges/extended.ts';
import { keepsName, type RangeFunctionName, rangeFunction } from '../../ranges/range-functions.ts';
import { RangeReport } from '../../ranges/range-report.ts';
import type { RangeSource } from '../../ranges/range-source.ts';
import { slideBatches, slideWindows } from '../../ranges/slide.ts';
import type { WindowFunction } from '../../ranges/window.ts';
import { type Call, type Expr, unwrapParens } from '../../syntax/ast.ts';
import type { FunctionName, ScalarFunctionName } from '../../syntax/signatures.ts';
import type { Budget } from '../../vectors/budget.ts';
import { differWithoutMetadata } from '../../vectors/label-sets.ts';
import { FLOAT, HISTOGRAM, type StepGrid } from '../../vectors/query.ts';
import { constantColumn, mapColumn, scalarColumn } from '../../vectors/scalar-column.ts';
import { StepBlock } from '../../vectors/step-block.ts';
import type { Evaluation } from '../evaluation.ts';
import { evaluateAbsent, evaluateAbsentOverTime } from './absent.ts';
import { type DateName, dateFunction } from './date-functions.ts';
import { histogramFunctions } from './histogram-functions.ts';
import { hasFloat, warnOfQuantiles } from './histogram-quantile.ts';
import { evaluateInfo } from './info.ts';
import { evaluateLabelJoin, evaluateLabelReplace } from './label-functions.ts';
import { greatestOf, leastOf, mapFloats, roundTo, type UnaryMathName, unaryMath } from './math-functions.ts';
import { evaluateSort, evaluateSortByLabel } from './sort-functions.ts';

type VectorFunction = (evaluation: Evaluation, call: Call, grid: StepGrid) => StepBlock;

/** Functions that have a table or, for scalars, a switch of their own. */
type TabledName =
  | Exclude<RangeFunctionName, 'absent_over_time'>
  | UnaryMathName
  | DateName
  | ScalarFunctionName;

/** All others: what has a signature and is nowhere does not compile. */
const special: Record<Exclude<FunctionName, TabledName>, VectorFunction> = {
  absent: evaluateAbsent,
  absent_over_time: evaluateAbsentOverTime,
  clamp: evaluateClamp,
  clamp_max: evaluateClamp,
  clamp_min: evaluateClamp,
  ...histogramFunctions,
  info: evaluateInfo,
  label_join: evaluateLabelJoin,
  label_replace: evaluateLabelReplace,
  round: evaluateRound,
  sort: evaluateSort,
  sort_by_label: evaluateSortByLabel,
  sort_by_label_desc: evaluateSortByLabel,
  sort_desc: evaluateSort,
  start_timestamp: evaluateStartTimestamp,
  timestamp: evaluateTimestamp,
  vector: evaluateVector,
};

/** A call that gives an instant vector. */
export function evaluateCall(evaluation: Evaluation, call: Call, grid: StepGrid): StepBlock {
  const { name } = call.signature;
  const evaluate = (special as Partial<Record<FunctionName, VectorFunction>>)[name];
  if (evaluate) return evaluate(evaluation, call, grid);
  if (rangeFunction(name)) return evaluateRangeCall(evaluation, call, grid);
  const math = unaryMath(name);
  if (math) return evaluation.dropNames(mapFloats(evaluation.vector(call.args[0], grid), math));
  const date = dateFunction(name);
  if (date) return evaluateDate(evaluation, call, grid, date);
  throw new TypeError(`function ${name} is not implemented`);
}

function evaluateRangeCall(evaluation: Evaluation, call: Call, grid: StepGrid): StepBlock {
  const { name, args } = call.signature;
  const { fn, source, report } = windowsOf(evaluation, call, grid);
  const extension = extensionOf(call.args[args.indexOf('matrix')]);
  if (extension) checkExtension(extension, name);
  const { budget, plan, queried } = evaluation;
  const { lookbackDeltaMs } = plan;
  const block = extension
    ? slideExtended({ source, grid, extension, lookbackDeltaMs, name, budget, report, queried })
    : slideWindows(source, grid, fn, budget, report, queried);
  if (name === 'rate' || name === 'increase') infoOfGauges(evaluation, call, block);
  return keepsName(name) ? block : evaluation.dropNames(block);
}

/** The function of a call, the series it runs over and what hears of their oddities. */
function windowsOf(
  evaluation: Evaluation,
  call: Call,
  grid: StepGrid,
): { fn: WindowFunction; source: RangeSource; report: RangeReport } {
  const { name, args } = call.signature;
  const rangeAt = args.indexOf('matrix');
  const make = rangeFunction(name);
  if (!make) throw new TypeError(`${name} is not a range function`);
  const scalars = call.args.filter((_, i) => i !== rangeAt).map((arg) => evaluation.scalar(arg, grid));
  const source = evaluation.range(call.args[rangeAt], grid);
  if (name === 'quantile_over_time') warnOfQuantiles(evaluation, call, scalars[0]);
  const report = new RangeReport(evaluation.annotations, call.args[rangeAt].span);
  return { fn: make(scalars, source.time.rangeMs), source, report };
}

/**
 * The rows of a range function over a selector, some at a time (see `slideBatches`); undefined if the call is another
 * or its rows must all be there at once, since some of them may be one row when their names are gone.
 */
export function rangeCallBatches(
  evaluation: Evaluation,
  call: Call,
  grid: StepGrid,
  batchRows: number,
): Iterable<StepBlock> | undefined {
  const { name, args } = call.signature;
  const rangeAt = args.indexOf('matrix');
  if (!rangeFunction(name)) return undefined;
  const range = unwrapParens(call.args[rangeAt]);
  if (range.kind !== 'matrixSelector' || range.selector.extension) return undefined;
  const series = evaluation.plan.seriesOf(range.selector);
  const dropsNames = !keepsName(name);
  if (dropsNames && !evaluation.delayedNameRemoval && !differWithoutMetadata(series)) return undefined;
  return batchesOf(evaluation, call, grid, batchRows, dropsNames);
}

function* batchesOf(
  evaluation: Evaluation,
  call: Call,
  grid: StepGrid,
  batchRows: number,
  dropsNames: boolean,
): Generator<StepBlock> {
  const { name } = call.signature;
  const { fn, source, report } = windowsOf(evaluation, call, grid);
  const { budget, queried } = evaluation;
  for (const block of slideBatches(source, grid, fn, budget, report, queried, batchRows)) {
    if (name === 'rate' || name === 'increase') infoOfGauges(evaluation, call, block);
    if (dropsNames) evaluation.stripNames(block);
    yield block;
  }
}

function extensionOf(expr: Expr): Extension | undefined {
  const inner = unwrapParens(expr);
  return inner.kind === 'matrixSelector' ? inner.selector.extension : undefined;
}

/** Says which of the rated metrics do not look like counters. */
function infoOfGauges(evaluation: Evaluation, call: Call, block: StepBlock): void {
  for (let row = 0; row < block.rows; row++) {
    const name = block.labels[row].metricName;
    // Quoted character by character below.
    evaluation.budget.work(name.length);
    if (name === '' || /_(total|sum|count|bucket)$/.test(name) || !hasFloat(block, row)) continue;
    evaluation.annotations.info(
      `metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ${quoteText(name)}`,
      call.args[0].span,
    );
  }
}

function evaluateDate(
  evaluation: Evaluation,
  call: Call,
  grid: StepGrid,
  date: (seconds: number) => number,
): StepBlock {
  const { budget } = evaluation;
  if (call.args.length === 0) return vectorOf(budget, mapColumn(budget, times(budget, grid), date));
  return evaluation.dropNames(mapFloats(evaluation.vector(call.args[0], grid), date));
}

/** One row without labels. */
function vectorOf(budget: Budget, values: Float64Array): StepBlock {
  const block = new StepBlock(budget, values.length, 1);
  block.addRow(Labels.EMPTY);
  block.values.set(values);
  block.present.fill(FLOAT);
  return block;
}

function evaluateVector(evaluation: Evaluation, call: Call, grid: StepGrid): StepBlock {
  return vectorOf(evaluation.budget, evaluation.scalar(call.args[0], grid));
}

/** Of a bare selector: when its samples were taken; of anything else: when it was evaluated. */
function evaluateTimestamp(evaluation: Evaluation, call: Call, grid: StepGrid): StepBlock {
  const arg = unwrapParens(call.args[0]);
  if (arg.kind === 'vectorSelector') return evaluation.dropNames(evaluation.select(arg, grid, 'timestamp'));
  const block = evaluation.vector(arg, grid);
  const cells = block.rows * block.steps;
  for (let i = 0; i < cells; i++) {
    if (block.present[i] === HISTOGRAM) block.present[i] = FLOAT;
    block.values[i] = (grid.startMs + (i % block.steps) * grid.stepMs) / 1000;
  }
  return evaluation.dropNames(block);
}

/** Of a bare selector: when the counts in its samples began, 0 if nobody told; of anything else: nothing. */
function evaluateStartTimestamp(evaluation: Evaluation, call: Call, grid: StepGrid): StepBlock {
  const arg = unwrapParens(call.args[0]);
  if (arg.kind === 'vectorSelector')
    return evaluation.dropNames(evaluation.select(arg, grid, 'startTimestamp'));
  evaluation.vector(arg, grid);
  return new StepBlock(evaluation.budget, grid.count);
}

function evaluateRound(evaluation: Evaluation, call: Call, grid: StepGrid): StepBlock {
  const block = evaluation.vector(call.args[0], grid);
  const nearest = call.args[1]
    ? evaluation.scalar(call.args[1], grid)
    : constantColumn(evaluation.budget, grid.count, 1);
  return evaluation.dropNames(mapFloats(block, (value, step) => roundTo(value, nearest[step])));
}

function evaluateClamp(evaluation: Evaluation, call: Call, grid: StepGrid): StepBlock {
  const { name } = call.signature;
  const block = evaluation.vector(call.args[0], grid);
  const first = evaluation.scalar(call.args[1], grid);
  if (name === 'clamp_max') {
    return evaluation.dropNames(mapFloats(block, (value, step) => leastOf(first[step], value)));
  }
  if (name === 'clamp_min') {
    return evaluation.dropNames(mapFloats(block, (value, step) => greatestOf(first[step], value)));
  }
  const most = evaluation.scalar(call.args[2], grid);
  mapFloats(block, (value, step) => greatestOf(first[step], leastOf(most[step], value)));
  const cells = block.rows * block.steps;
  for (let i = 0; i < cells; i++) if (most[i % block.steps] < first[i % block.steps]) block.present[i] = 0;
  return evaluation.dropNames(block);
}

function times(budget: Budget, grid: StepGrid): Float64Array {
  return scalarColumn(budget, grid.count, (step) => (grid.startMs + step * grid.stepMs) / 1000);
}

/** A call that gives a scalar: one value a step. */
export function evaluateScalarCall(evaluation: Evaluation, call: Call, grid: StepGrid): Float64Array {
  const { startMs, endMs, stepMs } = evaluation.plan.times;
  const { budget } = evaluation;
  const constant = (value: number) => constantColumn(budget, grid.count, value);
  switch (call.signature.name as ScalarFunctionName) {
    case 'time':
      return times(budget, grid);
    case 'pi':
      return constant(Math.PI);
    case 'scalar':
      return onlyValues(evaluation.vector(call.args[0] as Expr, grid));
    case 'min_of':
      return combine(evaluation, call, grid, leastOf);
    case 'max_of':
      return combine(evaluation, call, grid, greatestOf);
    case 'start':
      return constant(startMs / 1000);
    case 'end':
      return constant(endMs / 1000);
    case 'range':
      return constant((endMs - startMs) / 1000);
    case 'step':
      return constant(stepMs / 1000);
  }
}

function combine(
  evaluation: Evaluation,
  call: Call,
  grid: StepGrid,
  fn: (left: number, right: number) => number,
): Float64Array {
  const right = evaluation.scalar(call.args[1], grid);
  const left = evaluation.scalar(call.args[0], grid);
  return mapColumn(evaluation.budget, left, (value, step) => fn(value, right[step]));
}

/** The float of the only row present at a step, NaN if there is none or several. */
function onlyValues(block: StepBlock): Float64Array {
  const { budget } = block;
  const values = constantColumn(budget, block.steps, Number.NaN);
  budget.hold(block.steps);
  const counts = new Uint32Array(block.steps);
  const cells = block.rows * block.steps;
  budget.work(cells);
  for (let i = 0; i < cells; i++) {
    if (block.present[i] !== FLOAT) continue;
    const step = i % block.steps;
    values[step] = counts[step]++ === 0 ? block.values[i] : Number.NaN;
  }
  return values;
}
