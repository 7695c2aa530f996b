import { type Labels, METRIC_NAME } from '@xscaler/model';
import type { Call } from '../ast.ts';
import type { Evaluator } from '../evaluator.ts';
import { quoteText } from '../go-quote.ts';
import { groupRows } from '../grouping.ts';
import {
  bucketFraction,
  bucketQuantile,
  ClassicBuckets,
  hasBucketQuantile,
} from '../histograms/classic-buckets.ts';
import { ForcedMonotonicity } from '../histograms/forced-monotonicity.ts';
import { histogramFraction, histogramQuantile, type NanEffect } from '../histograms/statistics.ts';
import { mergeEqualRows, withoutMetadataLabels } from '../label-sets.ts';
import { formatGeneral } from '../number-format.ts';
import { FLOAT, HISTOGRAM, type StepGrid } from '../query.ts';
import { StepBlock } from '../step-block.ts';

/** `histogram_quantile(q, v)` over native and classic histograms. */
export function evaluateHistogramQuantile(evaluator: Evaluator, call: Call, grid: StepGrid): StepBlock {
  const quantiles = evaluator.scalar(call.args[0], grid);
  warnOfQuantiles(evaluator, call, quantiles);
  const input = evaluator.vector(call.args[1], grid);
  const result = new HistogramReader(evaluator, call, input, 1, grid).quantiles(
    quantiles,
    (labels) => labels,
  );
  return mergeEqualRows(result).withoutEmptyRows();
}

/** `histogram_quantiles(v, "label", q…)`: each quantile a series with its value in the label. */
export function evaluateHistogramQuantiles(evaluator: Evaluator, call: Call, grid: StepGrid): StepBlock {
  const label = evaluator.text(call.args[1]);
  const reader = new HistogramReader(evaluator, call, evaluator.vector(call.args[0], grid), 0, grid);
  const result = new StepBlock(evaluator.budget, grid.count);
  for (const arg of call.args.slice(2)) {
    const quantiles = evaluator.scalar(arg, grid);
    warnOfQuantiles(evaluator, call, quantiles);
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
export function evaluateHistogramFraction(evaluator: Evaluator, call: Call, grid: StepGrid): StepBlock {
  const lower = evaluator.scalar(call.args[0], grid);
  const upper = evaluator.scalar(call.args[1], grid);
  const input = evaluator.vector(call.args[2], grid);
  const result = new HistogramReader(evaluator, call, input, 2, grid).fractions(lower, upper);
  return mergeEqualRows(result).withoutEmptyRows();
}

/** A classic histogram of a block: its buckets, and the row that gives its labels. */
interface ClassicHistogram {
  readonly buckets: ClassicBuckets;
  readonly row: number;
}

/** The histograms in a vector, native and classic, and what functions make of them. */
class HistogramReader {
  readonly #evaluator: Evaluator;
  readonly #call: Call;
  readonly #input: StepBlock;
  readonly #arg: number;
  readonly #grid: StepGrid;
  readonly #classic: readonly ClassicHistogram[];
  /** Cells whose labels belong to a native and a classic histogram at once. */
  readonly #clashing = new Set<number>();

  /** @param arg which argument the vector is */
  constructor(evaluator: Evaluator, call: Call, input: StepBlock, arg: number, grid: StepGrid) {
    this.#evaluator = evaluator;
    this.#call = call;
    this.#input = input;
    this.#arg = arg;
    this.#grid = grid;
    this.#classic = classicHistograms(evaluator, call, input, arg);
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
    const block = new StepBlock(this.#evaluator.budget, steps, this.#classic.length);
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
      this.#evaluator.budget.work(buckets.size * steps);
    }
    return block;
  }

  #resultLabels(labels: Labels): Labels {
    return this.#evaluator.delayedNameRemoval ? labels : withoutMetadataLabels(labels);
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
    // The name is gone by then, where it isn't kept to the end of the query.
    const forMetric = this.#evaluator.delayedNameRemoval ? this.#forMetric(row) : '';
    this.#evaluator.annotations.info(text + forMetric, this.#call.args[this.#arg].span, detail);
  }

  #info(row: number, text: string): void {
    this.#evaluator.annotations.info(text + this.#forMetric(row), this.#call.args[this.#arg].span);
  }

  #warn(row: number, text: string): void {
    this.#evaluator.annotations.warn(text + this.#forMetric(row), this.#call.args[this.#arg].span);
  }

  #forMetric(row: number): string {
    const name = this.#input.labels[row].metricName;
    this.#evaluator.budget.work(name.length);
    return name === '' ? '' : ` for metric name ${quoteText(name)}`;
  }
}

/** Puts the float rows of a block together to histograms, warning of those without a usable `le`. */
function classicHistograms(
  evaluator: Evaluator,
  call: Call,
  input: StepBlock,
  arg: number,
): ClassicHistogram[] {
  const identity = (row: Labels) =>
    evaluator.delayedNameRemoval
      ? row.without('le')
      : row.filter((name) => name !== 'le' && name !== METRIC_NAME);
  const { groupOf, labels } = groupRows(input.labels, identity, evaluator.budget);
  const bounds = new Map<number, { row: number; upperBound: number }[]>();
  for (let row = 0; row < input.rows; row++) {
    if (!hasFloat(input, row)) continue;
    const le = input.labels[row].get('le');
    const upperBound = parseBound(le);
    if (upperBound === undefined) {
      const name = input.labels[row].metricName;
      evaluator.budget.work(le.length + name.length);
      const forMetric = name === '' ? '' : ` for metric name ${quoteText(name)}`;
      evaluator.annotations.warn(
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
export function warnOfQuantiles(evaluator: Evaluator, call: Call, quantiles: Float64Array): void {
  for (const quantile of quantiles) {
    if (quantile >= 0 && quantile <= 1) continue;
    evaluator.budget.work(WARNING_WORK);
    evaluator.annotations.warn(
      `quantile value should be between 0 and 1, got ${formatGeneral(quantile)}`,
      call.args[call.signature.args.indexOf('scalar')].span,
    );
  }
}
