import type { FloatHistogram } from '@xscaler/model';
import { aggregateHistograms } from '../../histograms/aggregate.ts';
import { quoteText } from '../../numbers/go-quote.ts';
import { reportCombined } from '../../ranges/range-report.ts';
import type { Aggregation } from '../../syntax/ast.ts';
import { ABSENT, FLOAT, HISTOGRAM } from '../../vectors/query.ts';
import type { StepBlock } from '../../vectors/step-block.ts';
import type { Evaluation } from '../evaluation.ts';
import type { Reduction } from './reducer.ts';

/**
 * The histograms of a `sum` or `avg`, gathered by cell and added to the result after the last block. A cell with both
 * floats and histograms, or with both exponential and custom buckets, has no result.
 */
export class HistogramMembers {
  readonly #reduction: Reduction;
  readonly #average: boolean;
  /** By cell of the result. */
  readonly #members = new Map<number, FloatHistogram[]>();
  #firstName: string | undefined;

  constructor(reduction: Reduction, average: boolean) {
    this.#reduction = reduction;
    this.#average = average;
  }

  gather(block: StepBlock, groupOf: Int32Array): void {
    this.#firstName ??= block.labels[0]?.metricName;
    if (!block.histograms) return;
    const { steps, rows, present } = block;
    for (let row = 0; row < rows; row++) {
      for (let k = 0; k < steps; k++) {
        if (present[row * steps + k] !== HISTOGRAM) continue;
        const cell = groupOf[row] * steps + k;
        const histogram = block.histogramAt(row * steps + k);
        const listed = this.#members.get(cell);
        if (listed) listed.push(histogram);
        else this.#members.set(cell, [histogram]);
      }
    }
  }

  /** Called once, when the result has all floats. */
  addToResult(): void {
    const { evaluation, expr, result } = this.#reduction;
    const { annotations } = evaluation;
    const { span } = expr.expr;
    for (const [cell, histograms] of this.#members) {
      if (result.present[cell] === FLOAT) {
        annotations.warn('encountered a mix of histograms and floats for aggregation', span);
        result.present[cell] = ABSENT;
        continue;
      }
      const total = aggregateHistograms(histograms, this.#average);
      if (total) {
        reportCombined(annotations, span, total, 'aggregation');
        result.setHistogram(cell, total.histogram);
      } else {
        const name = quoteText(this.#firstName ?? '');
        annotations.warn(
          `vector contains a mix of histograms with exponential and custom buckets schemas for metric name ${name}`,
          span,
        );
      }
    }
  }
}

/** Adds an info annotation if the block has histograms, which the aggregation ignores. */
export function infoOfIgnored(
  { evaluation, expr }: { readonly evaluation: Evaluation; readonly expr: Aggregation },
  block: StepBlock,
): void {
  if (!block.histograms?.length) return;
  const cells = block.rows * block.steps;
  for (let i = 0; i < cells; i++) {
    if (block.present[i] !== HISTOGRAM) continue;
    evaluation.annotations.info(`ignored histogram in ${expr.op} aggregation`, expr.expr.span);
    return;
  }
}
