import type { FloatHistogram } from '@xscaler/model';
import type { Budget } from '../vectors/budget.ts';
import { ABSENT, FLOAT, HISTOGRAM } from '../vectors/query.ts';
import type { FloatWindows } from './float-windows.ts';
import type { RangeReport } from './range-report.ts';
import type { RangeSamples } from './range-samples.ts';

/**
 * One step's window over a series: floats `from ≤ i < to` and histograms `histogramFrom ≤ i < histogramTo`
 * of the samples, and the cell the function puts its result into. One object serves all steps.
 */
export class Window {
  readonly samples: RangeSamples;
  readonly report: RangeReport;
  readonly budget: Budget;
  from = 0;
  to = 0;
  histogramFrom = 0;
  histogramTo = 0;
  /** Index of the step. */
  step = 0;
  /** When the step is evaluated, before offset and `@`. */
  timeMs = Number.NaN;
  /** Samples in the window have startMs < t ≤ endMs. */
  startMs = Number.NaN;
  endMs = Number.NaN;
  kind = ABSENT;
  value = Number.NaN;
  histogram: FloatHistogram | undefined;

  constructor(samples: RangeSamples, report: RangeReport, budget: Budget) {
    this.samples = samples;
    this.budget = budget;
    this.report = report;
  }

  /** Whether a function of floats alone has something to work on; says so if it ignores histograms. */
  hasFloats(): boolean {
    if (this.from === this.to) return false;
    if (this.histogramFrom !== this.histogramTo) this.report.ignoredHistograms();
    return true;
  }

  /** Whether there are histograms and no floats; says so if there are both. */
  hasHistogramsOnly(): boolean {
    if (this.histogramFrom === this.histogramTo) return false;
    if (this.from === this.to) return true;
    this.report.mixed();
    return false;
  }

  setFloat(value: number): void {
    this.kind = FLOAT;
    this.value = value;
  }

  setHistogram(histogram: FloatHistogram): void {
    this.kind = HISTOGRAM;
    this.histogram = histogram;
  }
}

/** A function of range vectors: it sees the windows of a series in order, never going back. */
export interface WindowFunction {
  /** A new series begins. @throws QueryCancelledError | QueryTimeoutError */
  begin(samples: RangeSamples, budget: Budget): void;
  /** Fills the window's result, or leaves it absent. Called only if the window has samples. */
  apply(window: Window): void;
  /** All windows of a series of floats at once, with the results that `apply` gives. @returns how many it filled */
  applyAll?(windows: FloatWindows): number;
}

/** A function that keeps nothing from window to window. */
export abstract class PlainWindowFunction implements WindowFunction {
  begin(_samples: RangeSamples): void {}
  abstract apply(window: Window): void;
}
