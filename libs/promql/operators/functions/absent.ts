import { Labels, METRIC_NAME } from '@xscaler/model';
import { rangeFunction } from '../../ranges/range-functions.ts';
import { RangeReport } from '../../ranges/range-report.ts';
import { slideWindows } from '../../ranges/slide.ts';
import { type Call, type Expr, unwrapParens } from '../../syntax/ast.ts';
import { FLOAT, type StepGrid } from '../../vectors/query.ts';
import { StepBlock } from '../../vectors/step-block.ts';
import type { Evaluation } from '../evaluation.ts';

/** `absent`: 1 at the steps where nothing exists. */
export function evaluateAbsent(evaluation: Evaluation, call: Call, grid: StepGrid): StepBlock {
  return absentFrom(evaluation.vector(call.args[0], grid), call.args[0]);
}

/** `absent_over_time`: 1 at the steps whose window has no sample. */
export function evaluateAbsentOverTime(evaluation: Evaluation, call: Call, grid: StepGrid): StepBlock {
  const source = evaluation.range(call.args[0], grid);
  const report = new RangeReport(evaluation.annotations, call.args[0].span);
  const present = rangeFunction('present_over_time');
  if (!present) throw new TypeError('present_over_time is missing');
  return absentFrom(
    slideWindows(
      source,
      grid,
      present([], source.time.rangeMs),
      evaluation.budget,
      report,
      evaluation.queried,
    ),
    call.args[0],
  );
}

function absentFrom(block: StepBlock, arg: Expr): StepBlock {
  const absent = new StepBlock(block.budget, block.steps, 1);
  absent.addRow(labelsOfAbsent(arg));
  absent.values.fill(1);
  absent.present.fill(FLOAT);
  const cells = block.rows * block.steps;
  block.budget.work(cells);
  for (let i = 0; i < cells; i++) if (block.present[i] !== 0) absent.present[i % block.steps] = 0;
  return absent.withoutEmptyRows();
}

/** What the selector says the labels would be: its equalities, save names it mentions more than once. */
function labelsOfAbsent(arg: Expr): Labels {
  const inner = unwrapParens(arg);
  const selector = inner.kind === 'matrixSelector' ? inner.selector : inner;
  if (selector.kind !== 'vectorSelector') return Labels.EMPTY;
  const values = new Map<string, string>();
  const ambiguous = new Set<string>();
  for (const matcher of selector.matchers) {
    if (matcher.name === METRIC_NAME) continue;
    if (matcher.type === '=' && !values.has(matcher.name) && !ambiguous.has(matcher.name)) {
      values.set(matcher.name, matcher.value);
    } else {
      values.delete(matcher.name);
      ambiguous.add(matcher.name);
    }
  }
  return Labels.from(values);
}
