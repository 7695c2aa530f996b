/** The kinds of things in a request that cost work, as an answer calls them. */
export type RequestPart = 'samples' | 'series' | 'exemplars' | 'metadata entries';

/** How much a request has of each kind that `max_samples_per_request` bounds. */
export class RequestSize {
  samples = 0;
  series = 0;
  exemplars = 0;
  metadata = 0;
  /** Whether counting stopped before the request's end. */
  isCut = false;

  get largest(): number {
    return Math.max(this.samples, this.series, this.exemplars, this.metadata);
  }

  /** The first kind with more than `max`, and how much there is of it, at least. */
  partAbove(max: number): { readonly part: RequestPart; readonly count: number } | undefined {
    if (this.samples > max) return { part: 'samples', count: this.samples };
    if (this.series > max) return { part: 'series', count: this.series };
    if (this.exemplars > max) return { part: 'exemplars', count: this.exemplars };
    if (this.metadata > max) return { part: 'metadata entries', count: this.metadata };
    return undefined;
  }

  /** What the request costs at the ingestion rate, where `storedSamples` of its samples are stored. */
  cost(storedSamples: number): number {
    return Math.max(storedSamples, this.series, this.exemplars, this.metadata);
  }
}
