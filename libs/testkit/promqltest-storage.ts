import {
  type CounterResetHint,
  type FloatHistogram,
  type Labels,
  type Matcher,
  SampleColumns,
  STALE_HIGH,
  STALE_LOW,
} from '@xscaler/model';
import { isHistogramReset, withHint } from '@xscaler/promql';
import type { Queryable, Series, TimeRange } from '@xscaler/storage';
import type { ConvertedSeries } from './promqltest-nhcb.ts';
import type { SeriesLine } from './promqltest-series.ts';

interface StoredSeries {
  readonly labels: Labels;
  readonly columns: SampleColumns;
}

/** The data of a test script, in memory. Later loads overwrite nothing: they only add newer samples. */
export class ScriptStorage implements Queryable {
  readonly #series = new Map<string, StoredSeries>();

  clear(): void {
    this.#series.clear();
  }

  /** Adds the points of lines, the first at time 0, `stepMs` apart, with the start timestamps of their `@st` lines. */
  load(lines: readonly SeriesLine[], stepMs: number): void {
    const starts = new Map<string, readonly (number | undefined)[]>();
    for (const { labels, startOffsetsMs } of lines)
      if (startOffsetsMs) starts.set(labels.key, startOffsetsMs);
    for (const line of lines)
      if (!line.startOffsetsMs) this.#loadLine(line, stepMs, starts.get(line.labels.key));
  }

  #loadLine(
    line: SeriesLine,
    stepMs: number,
    startOffsetsMs: readonly (number | undefined)[] | undefined,
  ): void {
    const columns = this.#columnsOf(line.labels);
    line.points.forEach((point, i) => {
      const timestampMs = i * stepMs;
      if (point.kind === 'none') return;
      if (point.kind === 'float') columns.append(timestampMs, point.value);
      else if (point.kind === 'stale') columns.appendWords(timestampMs, STALE_LOW, STALE_HIGH);
      else appendHistogram(columns, timestampMs, point.histogram);
      const offsetMs = startOffsetsMs?.[i];
      if (offsetMs !== undefined) columns.setStartTime(columns.length - 1, timestampMs + offsetMs);
    });
  }

  /** Adds converted histograms; index i is at i × `stepMs`. */
  loadConverted(series: readonly ConvertedSeries[], stepMs: number): void {
    for (const { labels, histograms } of series) {
      const columns = this.#columnsOf(labels);
      histograms.forEach((histogram, i) => {
        if (histogram) appendHistogram(columns, i * stepMs, histogram);
      });
    }
  }

  async select(matchers: readonly Matcher[], range: TimeRange): Promise<Series[]> {
    const found: Series[] = [];
    for (const { labels, columns } of this.#series.values()) {
      if (matchers.every((matcher) => matcher.matches(labels.get(matcher.name)))) {
        found.push(new ScriptSeries(labels, columns, range));
      }
    }
    return found.sort((a, b) => a.labels.compare(b.labels));
  }

  #columnsOf(labels: Labels): SampleColumns {
    let series = this.#series.get(labels.key);
    if (!series) {
      series = { labels, columns: new SampleColumns(16) };
      this.#series.set(labels.key, series);
    }
    return series.columns;
  }
}

/** Appends with the hint that a database would give: what the sample before it in the series tells. */
function appendHistogram(columns: SampleColumns, timestampMs: number, histogram: FloatHistogram): void {
  columns.appendHistogram(timestampMs, withHint(histogram, storedHint(columns, histogram)));
}

function storedHint(columns: SampleColumns, histogram: FloatHistogram): CounterResetHint {
  if (histogram.counterResetHint === 'gauge') return 'gauge';
  const previous = columns.length === 0 ? undefined : columns.histograms?.[columns.length - 1];
  if (!previous || previous.counterResetHint === 'gauge') return 'unknown';
  // Prometheus' database never tells that a sample follows a reset: its readers have to find out.
  if (histogram.counterResetHint === 'reset') return 'unknown';
  if (isHistogramReset(withHint(histogram, 'unknown'), previous)) return 'unknown';
  const sameLayout =
    previous.schema === histogram.schema &&
    previous.zeroThreshold === histogram.zeroThreshold &&
    previous.customValues.join() === histogram.customValues.join();
  return sameLayout ? 'not_reset' : 'unknown';
}

class ScriptSeries implements Series {
  readonly labels: Labels;
  readonly #columns: SampleColumns;
  readonly #range: TimeRange;

  constructor(labels: Labels, columns: SampleColumns, range: TimeRange) {
    this.labels = labels;
    this.#columns = columns;
    this.#range = range;
  }

  read(dst: SampleColumns): void {
    const { timestamps, valueWords, histograms, startTimes, length } = this.#columns;
    for (let i = 0; i < length; i++) {
      if (timestamps[i] < this.#range.startMs || timestamps[i] > this.#range.endMs) continue;
      const histogram = histograms?.[i];
      if (histogram) dst.appendHistogram(timestamps[i], histogram);
      else dst.appendWords(timestamps[i], valueWords[2 * i], valueWords[2 * i + 1]);
      if (startTimes) dst.setStartTime(dst.length - 1, startTimes[i]);
    }
  }
}
