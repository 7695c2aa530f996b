import type { FloatHistogram } from '@xscaler/model';
import { quoteText } from '../go-quote.ts';
import { aggregateHistograms } from '../histograms/aggregate.ts';
import { ABSENT, FLOAT, HISTOGRAM } from '../query.ts';
import { reportCombined } from '../ranges/range-report.ts';
import type { StepBlock } from '../step-block.ts';
import type { Reduction } from './reducers.ts';

/**
 * Adds the histograms of a `sum` or `avg` to what its floats gave. A cell with both kinds, or with both
 * kinds of buckets, has no result.
 */
export function addHistogramsTo(
  { evaluator, expr, block, groups, result }: Reduction,
  average: boolean,
): void {
  if (!block.histograms) return;
  const { annotations } = evaluator;
  const { steps } = block;
  const members = new Map<number, FloatHistogram[]>();
  block.budget.hold(result.rows * steps);
  const spoilt = new Uint8Array(result.rows * steps);
  for (let row = 0; row < block.rows; row++) {
    for (let k = 0; k < steps; k++) {
      if (block.present[row * steps + k] !== HISTOGRAM) continue;
      const cell = groups.groupOf[row] * steps + k;
      const histogram = block.histogramAt(row * steps + k);
      if (result.present[cell] === FLOAT) {
        if (spoilt[cell] === 0) {
          annotations.warn('encountered a mix of histograms and floats for aggregation', expr.expr.span);
        }
        spoilt[cell] = 1;
      } else {
        const listed = members.get(cell);
        if (listed) listed.push(histogram);
        else members.set(cell, [histogram]);
      }
    }
  }
  for (let cell = 0; cell < spoilt.length; cell++) if (spoilt[cell] === 1) result.present[cell] = ABSENT;
  for (const [cell, histograms] of members) {
    const total = aggregateHistograms(histograms, average);
    if (total) {
      reportCombined(annotations, expr.expr.span, total, 'aggregation');
      result.setHistogram(cell, total.histogram);
    } else {
      const name = quoteText(firstName(block));
      annotations.warn(
        `vector contains a mix of histograms with exponential and custom buckets schemas for metric name ${name}`,
        expr.expr.span,
      );
    }
  }
}

function firstName(block: StepBlock): string {
  return block.labels[0]?.metricName ?? '';
}

/** Says that an aggregation passes over histograms, if there are any. */
export function infoOfIgnored({
  evaluator,
  expr,
  block,
}: Pick<Reduction, 'evaluator' | 'expr' | 'block'>): void {
  if (!block.histograms?.length) return;
  const cells = block.rows * block.steps;
  for (let i = 0; i < cells; i++) {
    if (block.present[i] !== HISTOGRAM) continue;
    evaluator.annotations.info(`ignored histogram in ${expr.op} aggregation`, expr.expr.span);
    return;
  }
}
