import { METRIC_NAME } from '@xscaler/model';
import type { Call } from '../ast.ts';
import type { Evaluator } from '../evaluator.ts';
import { quoteText } from '../go-quote.ts';
import { groupRows } from '../grouping.ts';
import { bucketQuantile, ClassicBuckets } from '../histograms/classic-buckets.ts';
import { withoutMetadataLabels } from '../label-sets.ts';
import { formatGeneral } from '../number-format.ts';
import { FLOAT, type StepGrid } from '../query.ts';
import { StepBlock } from '../step-block.ts';

/** `histogram_quantile` over classic histograms: rows that differ in `le` alone are one histogram. */
export function evaluateHistogramQuantile(evaluator: Evaluator, call: Call, grid: StepGrid): StepBlock {
  const quantiles = evaluator.scalar(call.args[0], grid);
  warnOfQuantiles(evaluator, call, quantiles);
  const input = evaluator.vector(call.args[1], grid);
  const histograms = classicHistograms(evaluator, call, input);
  const block = new StepBlock(grid.count, histograms.length);
  for (const { buckets, row } of histograms) {
    const labels = input.labels[row].without('le');
    const first = block.addRow(evaluator.delayedNameRemoval ? labels : withoutMetadataLabels(labels), true);
    let forced = false;
    for (let step = 0; step < grid.count; step++) {
      if (buckets.gather(input, step) === 0) continue;
      block.setFloat(first + step, bucketQuantile(quantiles[step], buckets));
      forced ||= buckets.forcedMonotonic;
    }
    evaluator.budget.work(buckets.size * grid.count);
    if (forced) infoOfForcing(evaluator, call, input.labels[row].get(METRIC_NAME));
  }
  return block.withoutEmptyRows();
}

/** A classic histogram of a block: its buckets, and the row that gives its labels. */
export interface ClassicHistogram {
  readonly buckets: ClassicBuckets;
  readonly row: number;
}

/** Puts the rows of a block together to histograms, warning of those without a usable `le`. */
export function classicHistograms(evaluator: Evaluator, call: Call, input: StepBlock): ClassicHistogram[] {
  const at = call.args.find((_, i) => call.signature.args[i] === 'vector') ?? call;
  const { groupOf, labels } = groupRows(input.labels, (row) =>
    evaluator.delayedNameRemoval
      ? row.without('le')
      : row.filter((name) => name !== 'le' && name !== METRIC_NAME),
  );
  const bounds = new Map<number, { row: number; upperBound: number }[]>();
  for (let row = 0; row < input.rows; row++) {
    if (!hasFloat(input, row)) continue;
    const le = input.labels[row].get('le');
    const upperBound = parseBound(le);
    if (upperBound === undefined) {
      const name = quoteText(input.labels[row].get(METRIC_NAME));
      evaluator.annotations.warn(
        `bucket label "le" is missing or has a malformed value of ${quoteText(le)} for metric name ${name}`,
        at.span,
      );
      continue;
    }
    const group = bounds.get(groupOf[row]);
    if (group) group.push({ row, upperBound });
    else bounds.set(groupOf[row], [{ row, upperBound }]);
  }
  const histograms: ClassicHistogram[] = [];
  for (let group = 0; group < labels.length; group++) {
    const rows = bounds.get(group);
    if (rows) histograms.push({ buckets: new ClassicBuckets(rows), row: rows[0].row });
  }
  return histograms;
}

function hasFloat(block: StepBlock, row: number): boolean {
  const end = (row + 1) * block.steps;
  for (let i = row * block.steps; i < end; i++) if (block.present[i] === FLOAT) return true;
  return false;
}

/** A bound as Go's `strconv.ParseFloat` reads it. */
function parseBound(text: string): number | undefined {
  const infinite = /^([+-]?)inf(inity)?$/i.exec(text);
  if (infinite) return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^[+-]?nan$/i.test(text)) return Number.NaN;
  const value = text.trim() === text && text !== '' ? Number(text) : Number.NaN;
  return Number.isNaN(value) ? undefined : value;
}

/** Warns of quantiles outside 0…1, each value once. */
export function warnOfQuantiles(evaluator: Evaluator, call: Call, quantiles: Float64Array): void {
  for (const quantile of new Set(quantiles)) {
    if (quantile >= 0 && quantile <= 1) continue;
    evaluator.annotations.warn(
      `quantile value should be between 0 and 1, got ${formatGeneral(quantile)}`,
      call.args[call.signature.args.indexOf('scalar')].span,
    );
  }
}

function infoOfForcing(evaluator: Evaluator, call: Call, metric: string): void {
  const name = metric === '' ? '' : ` for metric name ${quoteText(metric)}`;
  evaluator.annotations.info(
    `input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)${name}`,
    call.args[1].span,
  );
}
