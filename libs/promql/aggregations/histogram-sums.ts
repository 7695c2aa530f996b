import { quoteText } from '../go-quote.ts';
import { combineHistograms, scaleHistogram } from '../histograms/arithmetic.ts';
import { ABSENT, FLOAT, HISTOGRAM } from '../query.ts';
import { reportCombined } from '../ranges/range-report.ts';
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
  const counts = new Uint32Array(result.rows * steps);
  const spoilt = new Uint8Array(result.rows * steps);
  for (let row = 0; row < block.rows; row++) {
    for (let k = 0; k < steps; k++) {
      if (block.present[row * steps + k] !== HISTOGRAM) continue;
      const cell = groups.groupOf[row] * steps + k;
      const histogram = block.histogramAt(row * steps + k);
      counts[cell]++;
      if (result.present[cell] === FLOAT) {
        if (spoilt[cell] === 0) {
          annotations.warn('encountered a mix of histograms and floats for aggregation', expr.expr.span);
        }
        spoilt[cell] = 1;
      } else if (result.present[cell] === ABSENT) result.setHistogram(cell, histogram);
      else {
        const sum = combineHistograms(result.histogramAt(cell), histogram, 1);
        if (!sum) {
          annotations.warn(
            `vector contains a mix of histograms with exponential and custom buckets schemas for metric name ${quoteText(block.labels[row].metricName)}`,
            expr.expr.span,
          );
          spoilt[cell] = 1;
          continue;
        }
        reportCombined(annotations, expr.expr.span, sum, 'aggregation');
        result.setHistogram(cell, sum.histogram);
      }
    }
  }
  for (let cell = 0; cell < counts.length; cell++) {
    if (spoilt[cell] === 1) result.present[cell] = ABSENT;
    else if (average && result.present[cell] === HISTOGRAM) {
      result.setHistogram(cell, scaleHistogram(result.histogramAt(cell), counts[cell], 'divide'));
    }
  }
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
