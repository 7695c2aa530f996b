import type { Call } from '../../syntax/ast.ts';
import { labelTextLength } from '../../vectors/label-set-bytes.ts';
import { HISTOGRAM, type StepGrid } from '../../vectors/query.ts';
import type { StepBlock } from '../../vectors/step-block.ts';
import type { Evaluation } from '../evaluation.ts';

/** `sort` and `sort_desc`: by value, NaN last; floats only. No effect over several steps. */
export function evaluateSort(evaluation: Evaluation, call: Call, grid: StepGrid): StepBlock {
  const block = evaluation.vector(call.args[0], grid);
  warnIneffective(evaluation, call);
  if (block.steps !== 1) return block;
  const rows = rowsOf(block).filter((row) => block.present[row] !== HISTOGRAM);
  const sign = call.signature.name === 'sort' ? 1 : -1;
  rows.sort((a, b) => {
    block.budget.work(1);
    return compareValues(block.values[a], block.values[b], sign);
  });
  return block.pick(rows);
}

function compareValues(a: number, b: number, sign: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  if (a === b) return 0;
  return a < b ? -sign : sign;
}

/** What comparing label sets costs, in samples handled. */
const LABEL_COMPARISON_WORK = 32;

/** `sort_by_label` and `sort_by_label_desc`: by the labels named, in natural order, then by all labels. */
export function evaluateSortByLabel(evaluation: Evaluation, call: Call, grid: StepGrid): StepBlock {
  const block = evaluation.vector(call.args[0], grid);
  warnIneffective(evaluation, call);
  if (block.steps !== 1) return block;
  const names = call.args.slice(1).map((arg) => evaluation.text(arg));
  const sign = call.signature.name === 'sort_by_label' ? 1 : -1;
  const rows = rowsOf(block);
  const lengths = block.labels.map(labelTextLength);
  rows.sort((a, b) => {
    block.budget.work(LABEL_COMPARISON_WORK);
    for (const name of names) {
      const [left, right] = [block.labels[a].get(name), block.labels[b].get(name)];
      // Taken apart into runs, a character may cost as much as a sample.
      block.budget.work(left.length + right.length);
      const order = compareNaturally(left, right);
      if (order !== 0) return sign * order;
    }
    block.budget.workOnText(Math.min(lengths[a], lengths[b]));
    return sign * block.labels[a].compare(block.labels[b]);
  });
  return block.pick(rows);
}

function rowsOf(block: StepBlock): number[] {
  return Array.from({ length: block.rows }, (_, row) => row);
}

function warnIneffective(evaluation: Evaluation, call: Call): void {
  if (evaluation.plan.times.stepMs === 0) return;
  evaluation.annotations.warn(
    'sort is ineffective for range queries since results are always ordered by labels',
    call.span,
  );
}

/** Runs of digits compare as numbers, the rest as text. */
function compareNaturally(a: string, b: string): number {
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] === right[i]) continue;
    if (/^\d/.test(left[i]) && /^\d/.test(right[i])) {
      const order = Number(left[i]) - Number(right[i]);
      if (order !== 0) return order;
    }
    return left[i] < right[i] ? -1 : 1;
  }
  return left.length - right.length;
}
