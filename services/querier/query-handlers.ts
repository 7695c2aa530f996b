import type { UpstreamResponse } from '@xscaler/rpc';
import { ApiError } from './api-error.ts';
import type { QueryLimitsOf } from './contracts.ts';
import type { EvaluationPool } from './evaluation-pool.ts';
import { invalid } from './parameters.ts';
import type { QuerierMetrics } from './querier-metrics.ts';
import type { ReadRequest } from './read-request.ts';

export interface QueryHandlersOptions {
  readonly limitsOf: QueryLimitsOf;
  readonly lookbackDeltaMs: number;
  readonly clock: () => number;
}

/** Prometheus' bound on the points of one series in a range query. */
const MAX_STEPS = 11_000;

/** `query` and `query_range`: parameters read here, the work done in the pool. */
export class QueryHandlers {
  readonly #pool: EvaluationPool;
  readonly #options: QueryHandlersOptions;
  readonly #metrics: QuerierMetrics;

  constructor(pool: EvaluationPool, options: QueryHandlersOptions, metrics: QuerierMetrics) {
    this.#pool = pool;
    this.#options = options;
    this.#metrics = metrics;
  }

  readonly instant = (request: ReadRequest, signal: AbortSignal): Promise<UpstreamResponse> => {
    request.parameters.limit();
    const timeMs = request.parameters.timeMs('time', this.#options.clock());
    return this.#evaluate('instant', request, { startMs: timeMs, endMs: timeMs, stepMs: 0 }, signal);
  };

  readonly range = async (request: ReadRequest, signal: AbortSignal): Promise<UpstreamResponse> => {
    const { parameters } = request;
    parameters.limit();
    const startMs = parameters.requiredTimeMs('start');
    const endMs = parameters.requiredTimeMs('end');
    if (endMs < startMs) throw invalid('end', 'end timestamp must not be before start time');
    const stepMs = parameters.durationMs('step');
    if (stepMs === undefined) throw invalid('step', 'cannot parse "" to a valid duration');
    if (stepMs <= 0) {
      throw invalid(
        'step',
        'zero or negative query resolution step widths are not accepted. Try a positive integer',
      );
    }
    if (Math.floor((endMs - startMs) / stepMs) > MAX_STEPS) {
      throw new ApiError(
        'bad_data',
        'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
      );
    }
    return this.#evaluate('range', request, { startMs, endMs, stepMs }, signal);
  };

  async #evaluate(
    type: 'instant' | 'range',
    { tenant, parameters, arrival }: ReadRequest,
    span: { startMs: number; endMs: number; stepMs: number },
    signal: AbortSignal,
  ): Promise<UpstreamResponse> {
    const limits = this.#options.limitsOf(tenant);
    const end = this.#metrics.querySeconds.startTimer({ type });
    const reply = await this.#pool.run(
      {
        tenant,
        query: parameters.text('query'),
        ...span,
        lookbackDeltaMs: parameters.lookbackDeltaMs() ?? this.#options.lookbackDeltaMs,
        // A limit of 0 is none.
        limits: {
          ...(limits.max_fetched_series_per_query > 0 && { maxSeries: limits.max_fetched_series_per_query }),
          ...(limits.max_samples_per_query > 0 && { maxSamples: limits.max_samples_per_query }),
          maxSteps: MAX_STEPS + 1,
        },
        resultLimit: parameters.limit(),
        stats: statsOf(parameters.text('stats')),
        arrival,
      },
      signal,
    );
    end();
    this.#metrics.samplesRead.inc(reply.samplesRead);
    if (reply.status !== 200) this.#metrics.failures.inc({ status: String(reply.status) });
    return reply;
  }
}

/** Prometheus answers any value with statistics, and `all` with more of them. */
function statsOf(asked: string): 'none' | 'totals' | 'all' {
  if (asked === '') return 'none';
  return asked === 'all' ? 'all' : 'totals';
}
