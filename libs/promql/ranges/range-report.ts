import type { HistogramSum } from '../histograms/arithmetic.ts';
import { quoteText } from '../numbers/go-quote.ts';
import type { Span } from '../syntax/ast.ts';
import type { Annotations } from '../vectors/annotations.ts';

/** How a function combines histograms, as annotations word it. */
export type HistogramOperation = 'addition' | 'subtraction' | 'aggregation';

/** What a range function has to say about the samples it meets. */
export class RangeReport {
  readonly #annotations: Annotations;
  readonly #span: Span;
  /** Of the series at hand. */
  metricName = '';

  /** @param span if the range vector stands */
  constructor(annotations: Annotations, span: Span) {
    this.#annotations = annotations;
    this.#span = span;
  }

  get #quotedName(): string {
    return quoteText(this.metricName);
  }

  /** Floats and histograms in one window, and no result. */
  mixed(): void {
    const text = `encountered a mix of histograms and floats for metric name ${this.#quotedName}`;
    this.#annotations.warn(text, this.#span);
  }

  /** Floats and histograms in one window, and only the floats count. */
  ignoredHistograms(): void {
    const text = 'ignored histograms in a range containing both floats and histograms for metric name';
    this.#annotations.info(`${text} ${this.#quotedName}`, this.#span);
  }

  notCounter(): void {
    this.#annotations.warn(`this native histogram metric is not a counter: ${this.#quotedName}`, this.#span);
  }

  notGauge(): void {
    this.#annotations.warn(`this native histogram metric is not a gauge: ${this.#quotedName}`, this.#span);
  }

  overlappingStart(): void {
    const text = 'sample has start time that overlaps with previous sample timestamp for metric';
    this.#annotations.warn(`${text} ${this.#quotedName}`, this.#span);
  }

  /** Exponential and custom buckets in one window, and no result. */
  mixedSchemas(): void {
    const text =
      'vector contains a mix of histograms with exponential and custom buckets schemas for metric name';
    this.#annotations.warn(`${text} ${this.#quotedName}`, this.#span);
  }

  /** Passes on what a sum had to reconcile. */
  combined(sum: HistogramSum, operation: HistogramOperation, withHints = true): void {
    reportCombined(this.#annotations, this.#span, sum, operation, withHints);
  }

  invalidQuantile(shown: string, span: Span): void {
    this.#annotations.warn(`quantile value should be between 0 and 1, got ${shown}`, span);
  }
}

/** Annotates what a sum of histograms had to reconcile. */
export function reportCombined(
  annotations: Annotations,
  span: Span,
  sum: HistogramSum,
  operation: HistogramOperation,
  withHints = true,
): void {
  if (sum.hintsCollide && withHints) {
    annotations.warn(`conflicting counter resets during histogram ${operation}`, span);
  }
  if (sum.boundsReconciled) {
    annotations.info(`mismatched custom buckets were reconciled during ${operation}`, span);
  }
}
