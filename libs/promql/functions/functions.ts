import { Labels } from '@xscaler/model';
import { type Call, type Expr, unwrapParens } from '../ast.ts';
import type { Budget } from '../budget.ts';
import type { Evaluator } from '../evaluator.ts';
import { quoteText } from '../go-quote.ts';
import { differWithoutMetadata } from '../label-sets.ts';
import { FLOAT, HISTOGRAM, type StepGrid } from '../query.ts';
import { checkExtension, type Extension, slideExtended } from '../ranges/extended.ts';
import { keepsName, type RangeFunctionName, rangeFunction } from '../ranges/range-functions.ts';
import { RangeReport } from '../ranges/range-report.ts';
import type { RangeSource } from '../ranges/range-source.ts';
import { slideBatches, slideWindows } from '../ranges/slide.ts';
import type { WindowFunction } from '../ranges/window.ts';
import { constantColumn, mapColumn, scalarColumn } from '../scalar-column.ts';
import type { FunctionName, ScalarFunctionName } from '../signatures.ts';
import { StepBlock } from '../step-block.ts';
import { evaluateAbsent, evaluateAbsentOverTime } from './absent.ts';
import { type DateName, dateFunction } from './date-functions.ts';
import { histogramFunctions } from './histogram-functions.ts';
import { hasFloat, warnOfQuantiles } from './histogram-quantile.ts';
import { evaluateInfo } from './info.ts';
import { evaluateLabelJoin, evaluateLabelReplace } from './label-functions.ts';
import { greatestOf, leastOf, mapFloats, roundTo, type UnaryMathName, unaryMath } from './math-functions.ts';
import { evaluateSort, evaluateSortByLabel } from './sort-functions.ts';

type VectorFunction = (evaluator: Evaluator, call: Call, grid: StepGrid) => StepBlock;

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
export function evaluateCall(evaluator: Evaluator, call: Call, grid: StepGrid): StepBlock {
  const { name } = call.signature;
  const evaluate = (special as Partial<Record<FunctionName, VectorFunction>>)[name];
  if (evaluate) return evaluate(evaluator, call, grid);
  if (rangeFunction(name)) return evaluateRangeCall(evaluator, call, grid);
  const math = unaryMath(name);
  if (math) return evaluator.dropNames(mapFloats(evaluator.vector(call.args[0], grid), math));
  const date = dateFunction(name);
  if (date) return evaluateDate(evaluator, call, grid, date);
  throw new TypeError(`function ${name} is not implemented`);
}

function evaluateRangeCall(evaluator: Evaluator, call: Call, grid: StepGrid): StepBlock {
  const { name, args } = call.signature;
  const { fn, source, report } = windowsOf(evaluator, call, grid);
  const extension = extensionOf(call.args[args.indexOf('matrix')]);
  if (extension) checkExtension(extension, name);
  const { budget, plan, queried } = evaluator;
  const { lookbackDeltaMs } = plan;
  const block = extension
    ? slideExtended({ source, grid, extension, lookbackDeltaMs, name, budget, report, queried })
    : slideWindows(source, grid, fn, budget, report, queried);
  if (name === 'rate' || name === 'increase') infoOfGauges(evaluator, call, block);
  return keepsName(name) ? block : evaluator.dropNames(block);
}

/** The function of a call, the series it runs over and what hears of their oddities. */
function windowsOf(
  evaluator: Evaluator,
  call: Call,
  grid: StepGrid,
): { fn: WindowFunction; source: RangeSource; report: RangeReport } {
  const { name, args } = call.signature;
  const rangeAt = args.indexOf('matrix');
  const make = rangeFunction(name);
  if (!make) throw new TypeError(`${name} is no range function`);
  const scalars = call.args.filter((_, i) => i !== rangeAt).map((arg) => evaluator.scalar(arg, grid));
  const source = evaluator.range(call.args[rangeAt], grid);
  if (name === 'quantile_over_time') warnOfQuantiles(evaluator, call, scalars[0]);
  const report = new RangeReport(evaluator.annotations, call.args[rangeAt].span);
  return { fn: make(scalars, source.time.rangeMs), source, report };
}

/**
 * The rows of a range function over a selector, some at a time (see `slideBatches`); undefined where the call is another
 * or its rows must all be there at once, since some of them may be one row when their names are gone.
 */
export function rangeCallBatches(
  evaluator: Evaluator,
  call: Call,
  grid: StepGrid,
  batchRows: number,
): Iterable<StepBlock> | undefined {
  const { name, args } = call.signature;
  const rangeAt = args.indexOf('matrix');
  if (!rangeFunction(name)) return undefined;
  const range = unwrapParens(call.args[rangeAt]);
  if (range.kind !== 'matrixSelector' || range.selector.extension) return undefined;
  const series = evaluator.plan.seriesOf(range.selector);
  const dropsNames = !keepsName(name);
  if (dropsNames && !evaluator.delayedNameRemoval && !differWithoutMetadata(series)) return undefined;
  return batchesOf(evaluator, call, grid, batchRows, dropsNames);
}

function* batchesOf(
  evaluator: Evaluator,
  call: Call,
  grid: StepGrid,
  batchRows: number,
  dropsNames: boolean,
): Generator<StepBlock> {
  const { name } = call.signature;
  const { fn, source, report } = windowsOf(evaluator, call, grid);
  const { budget, queried } = evaluator;
  for (const block of slideBatches(source, grid, fn, budget, report, queried, batchRows)) {
    if (name === 'rate' || name === 'increase') infoOfGauges(evaluator, call, block);
    if (dropsNames) evaluator.stripNames(block);
    yield block;
  }
}

function extensionOf(expr: Expr): Extension | undefined {
  const inner = unwrapParens(expr);
  return inner.kind === 'matrixSelector' ? inner.selector.extension : undefined;
}

/** Says which of the rated metrics do not look like counters. */
function infoOfGauges(evaluator: Evaluator, call: Call, block: StepBlock): void {
  for (let row = 0; row < block.rows; row++) {
    const name = block.labels[row].metricName;
    // Quoted character by character below.
    evaluator.budget.work(name.length);
    if (name === '' || /_(total|sum|count|bucket)$/.test(name) || !hasFloat(block, row)) continue;
    evaluator.annotations.info(
      `metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ${quoteText(name)}`,
      call.args[0].span,
    );
  }
}

function evaluateDate(
  evaluator: Evaluator,
  call: Call,
  grid: StepGrid,
  date: (seconds: number) => number,
): StepBlock {
  const { budget } = evaluator;
  if (call.args.length === 0) return vectorOf(budget, mapColumn(budget, times(budget, grid), date));
  return evaluator.dropNames(mapFloats(evaluator.vector(call.args[0], grid), date));
}

/** One row without labels. */
function vectorOf(budget: Budget, values: Float64Array): StepBlock {
  const block = new StepBlock(budget, values.length, 1);
  block.addRow(Labels.EMPTY);
  block.values.set(values);
  block.present.fill(FLOAT);
  return block;
}

function evaluateVector(evaluator: Evaluator, call: Call, grid: StepGrid): StepBlock {
  return vectorOf(evaluator.budget, evaluator.scalar(call.args[0], grid));
}

/** Of a bare selector: when its samples were taken; of anything else: when it was evaluated. */
function evaluateTimestamp(evaluator: Evaluator, call: Call, grid: StepGrid): StepBlock {
  const arg = unwrapParens(call.args[0]);
  if (arg.kind === 'vectorSelector') return evaluator.dropNames(evaluator.select(arg, grid, 'timestamp'));
  const block = evaluator.vector(arg, grid);
  const cells = block.rows * block.steps;
  for (let i = 0; i < cells; i++) {
    if (block.present[i] === HISTOGRAM) block.present[i] = FLOAT;
    block.values[i] = (grid.startMs + (i % block.steps) * grid.stepMs) / 1000;
  }
  return evaluator.dropNames(block);
}

/** Of a bare selector: when the counts in its samples began, 0 where nobody told; of anything else: nothing. */
function evaluateStartTimestamp(evaluator: Evaluator, call: Call, grid: StepGrid): StepBlock {
  const arg = unwrapParens(call.args[0]);
  if (arg.kind === 'vectorSelector')
    return evaluator.dropNames(evaluator.select(arg, grid, 'startTimestamp'));
  evaluator.vector(arg, grid);
  return new StepBlock(evaluator.budget, grid.count);
}

function evaluateRound(evaluator: Evaluator, call: Call, grid: StepGrid): StepBlock {
  const block = evaluator.vector(call.args[0], grid);
  const nearest = call.args[1]
    ? evaluator.scalar(call.args[1], grid)
    : constantColumn(evaluator.budget, grid.count, 1);
  return evaluator.dropNames(mapFloats(block, (value, step) => roundTo(value, nearest[step])));
}

function evaluateClamp(evaluator: Evaluator, call: Call, grid: StepGrid): StepBlock {
  const { name } = call.signature;
  const block = evaluator.vector(call.args[0], grid);
  const first = evaluator.scalar(call.args[1], grid);
  if (name === 'clamp_max') {
    return evaluator.dropNames(mapFloats(block, (value, step) => leastOf(first[step], value)));
  }
  if (name === 'clamp_min') {
    return evaluator.dropNames(mapFloats(block, (value, step) => greatestOf(first[step], value)));
  }
  const most = evaluator.scalar(call.args[2], grid);
  mapFloats(block, (value, step) => greatestOf(first[step], leastOf(most[step], value)));
  const cells = block.rows * block.steps;
  for (let i = 0; i < cells; i++) if (most[i % block.steps] < first[i % block.steps]) block.present[i] = 0;
  return evaluator.dropNames(block);
}

function times(budget: Budget, grid: StepGrid): Float64Array {
  return scalarColumn(budget, grid.count, (step) => (grid.startMs + step * grid.stepMs) / 1000);
}

/** A call that gives a scalar: one value a step. */
export function evaluateScalarCall(evaluator: Evaluator, call: Call, grid: StepGrid): Float64Array {
  const { startMs, endMs, stepMs } = evaluator.plan.times;
  const { budget } = evaluator;
  const constant = (value: number) => constantColumn(budget, grid.count, value);
  switch (call.signature.name as ScalarFunctionName) {
    case 'time':
      return times(budget, grid);
    case 'pi':
      return constant(Math.PI);
    case 'scalar':
      return onlyValues(evaluator.vector(call.args[0] as Expr, grid));
    case 'min_of':
      return combine(evaluator, call, grid, leastOf);
    case 'max_of':
      return combine(evaluator, call, grid, greatestOf);
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
  evaluator: Evaluator,
  call: Call,
  grid: StepGrid,
  fn: (left: number, right: number) => number,
): Float64Array {
  const right = evaluator.scalar(call.args[1], grid);
  const left = evaluator.scalar(call.args[0], grid);
  return mapColumn(evaluator.budget, left, (value, step) => fn(value, right[step]));
}

/** The float of the only row present at a step, NaN where there is none or several. */
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
