import { type Labels, METRIC_NAME } from '@xscaler/model';
import {
  bucketFraction,
  bucketQuantile,
  ClassicBuckets,
  hasBucketQuantile,
} from '../../histograms/classic-buckets.ts';
import { ForcedMonotonicity } from '../../histograms/forced-monotonicity.ts';
import { histogramFraction, histogramQuantile, type NanEffect } from '../../histograms/statistics.ts';
import { quoteText } from '../../numbers/go-quote.ts';
import { formatGeneral } from '../../numbers/number-format.ts';
import type { Call } from '../../syntax/ast.ts';
import { groupRows } from '../../vectors/grouping.ts';
import { mergeEqualRows, withoutMetadataLabels } from '../../vectors/label-sets.ts';
import { FLOAT, HISTOGRAM, type StepGrid } from '../../vectors/query.ts';
import { StepBlock } from '../../vectors/step-block.ts';
import type { Evaluation } from '../evaluation.ts';

/** `histogram_quantile(q, v)` over native and classic histograms. */
export function evaluateHistogramQuantile(evaluation: Evaluation, call: Call, grid: StepGrid): StepBlock {
  const quantiles = evaluation.scalar(call.args[0], grid);
  warnOfQuantiles(evaluation, call, quantiles);
  const input = evaluation.vector(call.args[1], grid);
  const result = new HistogramReader(evaluation, call, input, 1, grid).quantiles(
    quantiles,
    (labels) => labels,
  );
  return mergeEqualRows(result).withoutEmptyRows();
}

/** `histogram_quantiles(v, "label", q…)`: each quantile a series with its value in the label. */
export function evaluateHistogramQuantiles(evaluation: Evaluation, call: Call, grid: StepGrid): StepBlock {
  const label = evaluation.text(call.args[1]);
  const reader = new HistogramReader(evaluation, call, evaluation.vector(call.args[0], grid), 0, grid);
  const result = new StepBlock(evaluation.budget, grid.count);
  for (const arg of call.args.slice(2)) {
    const quantiles = evaluation.scalar(arg, grid);
    warnOfQuantiles(evaluation, call, quantiles);
    const value = quantileLabel(quantiles[0]);
    result.append(reader.quantiles(quantiles, (labels) => labels.with(label, value)));
  }
  return mergeEqualRows(result).withoutEmptyRows();
}

/** Whole numbers get a decimal, as in OpenMetrics. */
function quantileLabel(quantile: number): string {
  const text = formatGeneral(quantile);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** `histogram_fraction(lower, upper, v)`. */
export function evaluateHistogramFraction(evaluation: Evaluation, call: Call, grid: StepGrid): StepBlock {
  const lower = evaluation.scalar(call.args[0], grid);
  const upper = evaluation.scalar(call.args[1], grid);
  const input = evaluation.vector(call.args[2], grid);
  const result = new HistogramReader(evaluation, call, input, 2, grid).fractions(lower, upper);
  return mergeEqualRows(result).withoutEmptyRows();
}

/** A classic histogram of a block: its buckets, and the row that gives its labels. */
interface ClassicHistogram {
  readonly buckets: ClassicBuckets;
  readonly row: number;
}

/** The histograms in a vector, native and classic, and what functions make of them. */
class HistogramReader {
  readonly #evaluation: Evaluation;
  readonly #call: Call;
  readonly #input: StepBlock;
  readonly #arg: number;
  readonly #grid: StepGrid;
  readonly #classic: readonly ClassicHistogram[];
  /** Cells whose labels belong to a native and a classic histogram at once. */
  readonly #clashing = new Set<number>();

  /** @param arg which argument the vector is */
  constructor(evaluation: Evaluation, call: Call, input: StepBlock, arg: number, grid: StepGrid) {
    this.#evaluation = evaluation;
    this.#call = call;
    this.#input = input;
    this.#arg = arg;
    this.#grid = grid;
    this.#classic = classicHistograms(evaluation, call, input, arg);
    this.#findClashes();
  }

  quantiles(quantiles: Float64Array, label: (labels: Labels) => Labels): StepBlock {
    const forced = new Map<number, ForcedMonotonicity>();
    const block = this.#evaluate(
      (row, cell, step) => {
        const { value, nanEffect } = histogramQuantile(quantiles[step], this.#input.histogramAt(cell));
        this.#infoOfNans(row, nanEffect);
        return value;
      },
      (buckets, row, step) => {
        if (buckets.forcedMonotonic && hasBucketQuantile(quantiles[step], buckets)) {
          let detail = forced.get(row);
          if (!detail) {
            detail = new ForcedMonotonicity();
            forced.set(row, detail);
          }
          detail.add(buckets, this.#grid.startMs + step * this.#grid.stepMs);
        }
        return bucketQuantile(quantiles[step], buckets);
      },
      label,
    );
    for (const [row, detail] of forced) this.#infoOfForcing(row, detail);
    return block;
  }

  fractions(lower: Float64Array, upper: Float64Array): StepBlock {
    return this.#evaluate(
      (row, cell, step) => {
        const histogram = this.#input.histogramAt(cell);
        if (Number.isNaN(histogram.sum) && histogram.count > 0) {
          this.#info(
            row,
            'input to histogram_fraction has NaN observations, which are excluded from all fractions',
          );
        }
        return histogramFraction(lower[step], upper[step], histogram);
      },
      (buckets, _row, step) => bucketFraction(lower[step], upper[step], buckets),
      (labels) => labels,
    );
  }

  #evaluate(
    native: (row: number, cell: number, step: number) => number,
    classic: (buckets: ClassicBuckets, row: number, step: number) => number,
    label: (labels: Labels) => Labels,
  ): StepBlock {
    const input = this.#input;
    const { steps } = input;
    const block = new StepBlock(this.#evaluation.budget, steps, this.#classic.length);
    if (input.histograms) {
      for (let row = 0; row < input.rows; row++) {
        input.budget.work(steps);
        if (!hasKind(input, row, HISTOGRAM)) continue;
        const first = block.addMadeRow(label(this.#resultLabels(input.labels[row])), true);
        for (let step = 0; step < steps; step++) {
          const cell = row * steps + step;
          if (input.present[cell] !== HISTOGRAM || this.#clashing.has(cell)) continue;
          block.setFloat(first + step, native(row, cell, step));
        }
      }
    }
    for (const { buckets, row } of this.#classic) {
      const first = block.addMadeRow(label(this.#resultLabels(input.labels[row].without('le'))), true);
      for (let step = 0; step < steps; step++) {
        if (this.#clashing.has(row * steps + step) || buckets.gather(input, step) === 0) continue;
        block.setFloat(first + step, classic(buckets, row, step));
      }
      this.#evaluation.budget.work(buckets.size * steps);
    }
    return block;
  }

  #resultLabels(labels: Labels): Labels {
    return this.#evaluation.delayedNameRemoval ? labels : withoutMetadataLabels(labels);
  }

  #findClashes(): void {
    const input = this.#input;
    if (!input.histograms) return;
    const classic = new Map(this.#classic.map((one) => [input.labels[one.row].without('le').key, one]));
    for (let row = 0; row < input.rows; row++) {
      const other = classic.get(input.labels[row].key);
      if (!other) continue;
      for (let step = 0; step < input.steps; step++) {
        const cell = row * input.steps + step;
        if (input.present[cell] !== HISTOGRAM || other.buckets.gather(input, step) === 0) continue;
        this.#clashing.add(cell).add(other.row * input.steps + step);
        this.#warn(row, 'vector contains a mix of classic and native histograms');
      }
    }
  }

  #infoOfNans(row: number, effect: NanEffect): void {
    if (effect === 'none') return;
    const result = effect === 'nan' ? 'NaN' : 'skewed higher';
    this.#info(row, `input to histogram_quantile has NaN observations, result is ${result}`);
  }

  #infoOfForcing(row: number, detail: ForcedMonotonicity): void {
    const text =
      'input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)';
    // The name is gone by then, if it isn't kept to the end of the query.
    const forMetric = this.#evaluation.delayedNameRemoval ? this.#forMetric(row) : '';
    this.#evaluation.annotations.info(text + forMetric, this.#call.args[this.#arg].span, detail);
  }

  #info(row: number, text: string): void {
    this.#evaluation.annotations.info(text + this.#forMetric(row), this.#call.args[this.#arg].span);
  }

  #warn(row: number, text: string): void {
    this.#evaluation.annotations.warn(text + this.#forMetric(row), this.#call.args[this.#arg].span);
  }

  #forMetric(row: number): string {
    const name = this.#input.labels[row].metricName;
    this.#evaluation.budget.work(name.length);
    return name === '' ? '' : ` for metric name ${quoteText(name)}`;
  }
}

/** Puts the float rows of a block together to histograms, warning of those without a usable `le`. */
function classicHistograms(
  evaluation: Evaluation,
  call: Call,
  input: StepBlock,
  arg: number,
): ClassicHistogram[] {
  const identity = (row: Labels) =>
    evaluation.delayedNameRemoval
      ? row.without('le')
      : row.filter((name) => name !== 'le' && name !== METRIC_NAME);
  const { groupOf, labels } = groupRows(input.labels, identity, evaluation.budget);
  const bounds = new Map<number, { row: number; upperBound: number }[]>();
  for (let row = 0; row < input.rows; row++) {
    if (!hasFloat(input, row)) continue;
    const le = input.labels[row].get('le');
    const upperBound = parseBound(le);
    if (upperBound === undefined) {
      const name = input.labels[row].metricName;
      evaluation.budget.work(le.length + name.length);
      const forMetric = name === '' ? '' : ` for metric name ${quoteText(name)}`;
      evaluation.annotations.warn(
        `bucket label "le" is missing or has a malformed value of ${quoteText(le)}${forMetric}`,
        call.args[arg].span,
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

export function hasFloat(block: StepBlock, row: number): boolean {
  return hasKind(block, row, FLOAT);
}

function hasKind(block: StepBlock, row: number, kind: number): boolean {
  const end = (row + 1) * block.steps;
  for (let i = row * block.steps; i < end; i++) if (block.present[i] === kind) return true;
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

/** What a warning costs, in samples handled. */
const WARNING_WORK = 64;

/** Warns of quantiles outside 0…1, each value once. */
export function warnOfQuantiles(evaluation: Evaluation, call: Call, quantiles: Float64Array): void {
  for (const quantile of quantiles) {
    if (quantile >= 0 && quantile <= 1) continue;
    evaluation.budget.work(WARNING_WORK);
    evaluation.annotations.warn(
      `quantile value should be between 0 and 1, got ${formatGeneral(quantile)}`,
      call.args[call.signature.args.indexOf('scalar')].span,
    );
  }
}
