/** The kinds of parts in a request that cost work, as answers name them. */
export type RequestPart = 'samples' | 'data points' | 'series' | 'exemplars' | 'metadata entries';

/** A data point of OTLP may become this many samples, on average: most histograms have fewer buckets. */
const SAMPLES_PER_POINT = 20;

/** A request's number of parts of each kind that `max_samples_per_request` bounds. */
export class RequestSize {
  samples = 0;
  /** Set if the format has data points, which are then bounded instead of samples and series. */
  points: number | undefined;
  series = 0;
  exemplars = 0;
  metadata = 0;
  #leftOutSeries = 0;
  #leftOutExemplars = 0;
  /** Whether counting stopped before the request's end. */
  isCut = false;

  get largest(): number {
    const { points, samples, series } = this;
    const main =
      points === undefined ? Math.max(samples, series) : Math.max(points, samples / SAMPLES_PER_POINT);
    return Math.max(main, this.exemplars, this.metadata);
  }

  /** The first kind with more than `max` parts, and the number counted of it. */
  partAbove(max: number): { readonly part: RequestPart; readonly count: number } | undefined {
    const { points } = this;
    if (points !== undefined && points > max) return { part: 'data points', count: points };
    const maxSamples = points === undefined ? max : max * SAMPLES_PER_POINT;
    if (this.samples > maxSamples) return { part: 'samples', count: this.samples };
    if (points === undefined && this.series > max) return { part: 'series', count: this.series };
    if (this.exemplars > max) return { part: 'exemplars', count: this.exemplars };
    if (this.metadata > max) return { part: 'metadata entries', count: this.metadata };
    return undefined;
  }

  /** A series with this many exemplars is left out on purpose: it costs nothing. */
  noteLeftOut(exemplars: number): void {
    this.#leftOutSeries++;
    this.#leftOutExemplars += exemplars;
  }

  /** Cost at the ingestion rate, if `storedSamples` of the samples are stored. */
  cost(storedSamples: number): number {
    const series = this.series - this.#leftOutSeries;
    return Math.max(storedSamples, series, this.exemplars - this.#leftOutExemplars, this.metadata);
  }
}
