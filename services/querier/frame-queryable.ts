import type { Matcher } from '@xscaler/model';
import { type Cancellation, LimitError } from '@xscaler/promql';
import type { Queryable, SelectHints, Series } from '@xscaler/storage';
import { SeriesMerger } from '@xscaler/tsdb';
import type { EvaluationJob, SelectApi } from './evaluation-api.ts';

/**
 * What the engine reads in an evaluation thread: frames streamed from the querier's main thread, grouped by series id,
 * decoded when the engine asks. Limits are looked at while frames come in, so that a query too big dies early.
 */
export class FrameQueryable implements Queryable {
  readonly #source: SelectApi;
  readonly #job: EvaluationJob;
  readonly #cancellation: Cancellation;

  constructor(source: SelectApi, job: EvaluationJob, cancellation: Cancellation) {
    this.#source = source;
    this.#job = job;
    this.#cancellation = cancellation;
  }

  async select(matchers: readonly Matcher[], hints: SelectHints, signal: AbortSignal): Promise<Series[]> {
    const { tenant, arrival, limits } = this.#job;
    const { startMs, endMs } = hints;
    const wire = matchers.map(({ type, name, value }) => ({ type, name, value }));
    const merger = new SeriesMerger();
    const request = { tenant, matchers: wire, startMs, endMs, arrival };
    for await (const frame of this.#source.select(request, signal)) {
      this.#cancellation.throwIfCancelled();
      merger.addFrame(frame);
      const { maxSeries, maxSamples } = limits;
      if (maxSeries !== undefined && merger.seriesCount > maxSeries)
        throw tooMany('max_series', 'series', maxSeries);
      if (maxSamples !== undefined && merger.sampleCount > maxSamples)
        throw tooMany('max_samples', 'samples', maxSamples);
    }
    return merger.finish(startMs, endMs);
  }
}

function tooMany(limit: 'max_series' | 'max_samples', what: string, most: number): LimitError {
  return new LimitError(
    limit,
    `the query touches more ${what} than its limit allows (${most}; limit: ${limit})`,
  );
}
