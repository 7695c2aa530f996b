import type { Matcher } from '@xscaler/model';
import { type Cancellation, LimitError, type LimitName } from '@xscaler/promql';
import type { Queryable, Series, TimeRange } from '@xscaler/storage';
import { SeriesMerger } from '@xscaler/tsdb';
import type { EvaluationJob, SelectApi } from './evaluation-api.ts';

/**
 * The engine's data source in an evaluation thread: frames streamed from the querier's main thread, grouped by series id
 * and decoded on demand. Limits are checked as frames arrive, over all selectors of the query, so that a query that is too
 * large fails early.
 */
export class FrameQueryable implements Queryable {
  readonly #source: SelectApi;
  readonly #job: EvaluationJob;
  readonly #cancellation: Cancellation;
  /** One for each selector. */
  readonly #mergers: SeriesMerger[] = [];

  constructor(source: SelectApi, job: EvaluationJob, cancellation: Cancellation) {
    this.#source = source;
    this.#job = job;
    this.#cancellation = cancellation;
  }

  async select(matchers: readonly Matcher[], range: TimeRange, signal: AbortSignal): Promise<Series[]> {
    const { tenant, arrival, requestId } = this.#job;
    const { startMs, endMs } = range;
    const wire = matchers.map(({ type, name, value }) => ({ type, name, value }));
    const merger = new SeriesMerger();
    this.#mergers.push(merger);
    const request = { tenant, matchers: wire, startMs, endMs, arrival, requestId };
    for await (const frame of this.#source.select(request, signal)) {
      this.#cancellation.throwIfCancelled();
      merger.addFrame(frame);
      this.#checkLimits();
    }
    return merger.finish(startMs, endMs);
  }

  #checkLimits(): void {
    const { max_fetched_series_per_query, max_samples_per_query, max_fetched_chunk_bytes_per_query } =
      this.#job.limits;
    let series = 0;
    let samples = 0;
    let bytes = 0;
    for (const { seriesCount, sampleCount, byteSize } of this.#mergers) {
      series += seriesCount;
      samples += sampleCount;
      bytes += byteSize;
    }
    check('max_fetched_series_per_query', 'touches', series, 'series', max_fetched_series_per_query);
    check('max_samples_per_query', 'reads', samples, 'samples', max_samples_per_query);
    check(
      'max_fetched_chunk_bytes_per_query',
      'fetches',
      bytes,
      'bytes of chunks',
      max_fetched_chunk_bytes_per_query,
    );
  }
}

function check(limit: LimitName, does: string, count: number, what: string, most: number | undefined): void {
  if (most === undefined || count <= most) return;
  throw new LimitError(limit, `the query ${does} more ${what} than its limit ${limit} (${most})`);
}
