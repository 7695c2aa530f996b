import { histogramText } from '../../histograms/histogram-text.ts';
import { quoteText } from '../../numbers/go-quote.ts';
import { formatShortest } from '../../numbers/number-format.ts';
import type { Aggregation } from '../../syntax/ast.ts';
import { ExecutionError } from '../../syntax/errors.ts';
import { aggregationLabels } from '../../vectors/grouping.ts';
import { ABSENT, FLOAT } from '../../vectors/query.ts';
import { StepBlock } from '../../vectors/step-block.ts';
import type { Evaluation } from '../evaluation.ts';

/** What making a label set costs, in samples handled. */
const LABELLING_WORK = 16;

/** `count_values("label", v)`: how many rows of a group have each value. */
export function countValues(evaluation: Evaluation, expr: Aggregation, block: StepBlock): StepBlock {
  const label = expr.param ? evaluation.text(expr.param) : '';
  if (label === '' || label.includes('\ufffd')) {
    throw new ExecutionError(`invalid label name ${quoteText(label)}`);
  }
  const names = expr.without ? [...expr.grouping, label] : expr.grouping;
  const reduce = aggregationLabels(names, expr.without);
  const result = new StepBlock(block.budget, block.steps);
  const rows = new Map<string, number>();
  for (let row = 0; row < block.rows; row++) {
    const group = reduce(block.labels[row]);
    for (let step = 0; step < block.steps; step++) {
      const cell = row * block.steps + step;
      if (block.present[cell] === ABSENT) continue;
      evaluation.budget.work(LABELLING_WORK);
      const text =
        block.present[cell] === FLOAT
          ? formatShortest(block.values[cell])
          : histogramText(block.histogramAt(cell));
      const labels = group.with(label, text);
      const { key } = labels;
      evaluation.budget.workOnText(key.length);
      let first = rows.get(key);
      if (first === undefined) {
        first = result.addMadeRow(labels, block.nameDropped[row], text.length);
        rows.set(key, first);
      }
      result.setFloat(first + step, result.values[first + step] + 1);
    }
    evaluation.budget.work(block.steps);
  }
  return result;
}
