import { type FloatHistogram, isStaleWords, SampleColumns } from '@xscaler/model';
import type { Series } from '@xscaler/storage';
import { withHint } from '../histograms/arithmetic.ts';
import { detectResetHints } from '../histograms/reset-hints.ts';
import { hasNoNaN } from '../numbers/no-nan.ts';
import type { Budget } from '../vectors/budget.ts';
import { CANCELLATION_SAMPLES } from '../vectors/cancellation.ts';
import { ABSENT, FLOAT } from '../vectors/query.ts';
import type { StepBlock } from '../vectors/step-block.ts';
import type { StartTimes } from './start-times.ts';

/**
 * The samples of one series that a range function looks at, floats and histograms apart, without
 * staleness markers. Reused from series to series.
 */
export class RangeSamples {
  /** Floats: `timestamps[i]`, `values[i]`, i < `length`. */
  timestamps: Float64Array;
  values: Float64Array;
  length = 0;
  /** Start timestamps of the floats, and of the histograms, if any sample has one. */
  starts: StartTimes | undefined;
  histogramStarts: StartTimes | undefined;
  readonly histogramTimestamps: number[] = [];
  readonly histograms: FloatHistogram[] = [];
  readonly #columns = new SampleColumns();

  constructor() {
    this.timestamps = this.#columns.timestamps;
    this.values = this.#columns.values;
  }

  get isEmpty(): boolean {
    return this.length === 0 && this.histograms.length === 0;
  }

  /** Decodes a series. @param detectResets works histograms' reset hints out @returns how many samples were read */
  load(series: Series, detectResets: boolean): number {
    const columns = this.#columns;
    columns.reset();
    series.read(columns);
    if (detectResets && columns.histograms) detectResetHints(columns.histograms);
    const count = columns.length;
    this.#adopt();
    this.#dropStale(count);
    return count;
  }

  /**
   * Takes the present cells of a block's row, whose first step is at `startMs`.
   * @throws QueryCancelledError | QueryTimeoutError
   */
  loadRow(block: StepBlock, row: number, startMs: number, stepMs: number, budget: Budget): void {
    const columns = this.#columns;
    columns.reset();
    budget.work(block.steps);
    columns.reserve(block.steps);
    const first = row * block.steps;
    if (!block.histograms) {
      this.#adopt();
      this.#loadFloats(block, first, startMs, stepMs, budget);
      return;
    }
    for (let k = 0; k < block.steps; k++) {
      const kind = block.present[first + k];
      if (kind === FLOAT) columns.append(startMs + k * stepMs, block.values[first + k]);
      else if (kind !== 0) {
        columns.appendHistogram(startMs + k * stepMs, resampled(block.histogramAt(first + k)));
      }
    }
    const count = columns.length;
    this.#adopt();
    if (columns.histograms) this.#split(count);
    else this.length = count;
  }

  #loadFloats(block: StepBlock, first: number, startMs: number, stepMs: number, budget: Budget): void {
    const { steps, values, present } = block;
    let length = 0;
    for (let k = 0; k < steps; ) {
      const end = Math.min(steps, k + CANCELLATION_SAMPLES);
      budget.work(end - k);
      if (present.subarray(first + k, first + end).indexOf(ABSENT) < 0) {
        this.values.set(values.subarray(first + k, first + end), length);
        for (; k < end; k++) this.timestamps[length++] = startMs + k * stepMs;
        continue;
      }
      for (; k < end; k++) {
        if (present[first + k] !== FLOAT) continue;
        this.timestamps[length] = startMs + k * stepMs;
        this.values[length] = values[first + k];
        length++;
      }
    }
    this.length = length;
  }

  #adopt(): void {
    this.timestamps = this.#columns.timestamps;
    this.values = this.#columns.values;
    this.starts = undefined;
    this.histogramStarts = undefined;
    this.histogramTimestamps.length = 0;
    this.histograms.length = 0;
  }

  #dropStale(count: number): void {
    const columns = this.#columns;
    if (columns.histograms) {
      this.#split(count);
      return;
    }
    const { timestamps, values, valueWords, startTimes } = columns;
    // Only a NaN can be a staleness marker.
    let kept = hasNoNaN(values, 0, count) ? count : 0;
    for (let i = kept; i < count; i++) {
      if (Number.isNaN(values[i]) && isStaleWords(valueWords[2 * i], valueWords[2 * i + 1])) continue;
      if (kept !== i) {
        timestamps[kept] = timestamps[i];
        values[kept] = values[i];
        if (startTimes) startTimes[kept] = startTimes[i];
      }
      kept++;
    }
    this.length = kept;
    if (startTimes) this.starts = { startMs: startTimes, timesMs: timestamps };
  }

  #split(count: number): void {
    const { timestamps, values, valueWords, startTimes, histograms = [] } = this.#columns;
    const histogramStarts: number[] = [];
    let kept = 0;
    for (let i = 0; i < count; i++) {
      if (isStaleWords(valueWords[2 * i], valueWords[2 * i + 1])) continue;
      const histogram = histograms[i];
      if (histogram) {
        this.histogramTimestamps.push(timestamps[i]);
        this.histograms.push(histogram);
        if (startTimes) histogramStarts.push(startTimes[i]);
        continue;
      }
      timestamps[kept] = timestamps[i];
      values[kept] = values[i];
      if (startTimes) startTimes[kept] = startTimes[i];
      kept++;
    }
    this.length = kept;
    if (!startTimes) return;
    this.starts = { startMs: startTimes, timesMs: timestamps };
    this.histogramStarts = { startMs: histogramStarts, timesMs: this.histogramTimestamps };
  }
}

/** A subquery may leave out the sample that a hint refers to: resets are found by the counts alone. */
function resampled(histogram: FloatHistogram): FloatHistogram {
  return histogram.counterResetHint === 'gauge' ? histogram : withHint(histogram, 'unknown');
}
