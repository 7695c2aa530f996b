import { type LimitName, QUERY_LIMITS } from '@xscaler/promql/errors';
import type { UpstreamResponse } from '@xscaler/rpc';
import { ApiError, invalid, STATUS_OF } from '../answer/api-error.ts';
import { requestFailure } from '../answer/request-failure.ts';
import type { EvaluationPool } from '../evaluation/evaluation-pool.ts';
import type { QueryLimitsOf, TenantQueryLimits } from '../limits/query-limits.ts';
import type { QuerierMetrics } from './querier-metrics.ts';
import type { ReadRequest } from './read-request.ts';

export interface QueryHandlersOptions {
  readonly limitsOf: QueryLimitsOf;
  readonly lookbackDeltaMs: number;
  readonly clock: () => number;
}

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
    const maxPoints = this.#options.limitsOf(request.tenant).max_points_per_series;
    if (maxPoints > 0 && Math.floor((endMs - startMs) / stepMs) > maxPoints) {
      const shown = maxPoints.toLocaleString('en-US');
      throw new ApiError(
        'bad_data',
        `exceeded maximum resolution of ${shown} points per timeseries. Try decreasing the query resolution (?step=XX)`,
      );
    }
    return this.#evaluate('range', request, { startMs, endMs, stepMs }, signal);
  };

  async #evaluate(
    type: 'instant' | 'range',
    { tenant, parameters, arrival, requestId }: ReadRequest,
    span: { startMs: number; endMs: number; stepMs: number },
    signal: AbortSignal,
  ): Promise<UpstreamResponse> {
    const limits = this.#options.limitsOf(tenant);
    const query = parameters.text('query');
    checkExpressionSize(query, limits.max_query_expression_size_bytes);
    const end = this.#metrics.querySeconds.startTimer({ type });
    const submission = {
      tenant,
      query,
      ...span,
      lookbackDeltaMs: parameters.lookbackDeltaMs() ?? this.#options.lookbackDeltaMs,
      limits: evaluationLimits(limits),
      resultLimit: parameters.limit(),
      stats: statsOf(parameters.text('stats')),
      arrival,
      requestId,
    };
    try {
      const reply = await this.#pool.run(submission, queueBounds(limits), signal);
      this.#metrics.samplesRead.inc(reply.samplesRead);
      if (reply.status !== 200) this.#metrics.failures.inc({ status: String(reply.status) });
      return reply;
    } catch (error) {
      const { errorType } = requestFailure(error, requestId);
      this.#metrics.failures.inc({ status: String(STATUS_OF[errorType]) });
      throw error;
    } finally {
      end();
    }
  }
}

/** Prometheus answers any value with statistics, and `all` with more of them. */
function statsOf(asked: string): 'none' | 'totals' | 'all' {
  if (asked === '') return 'none';
  return asked === 'all' ? 'all' : 'totals';
}

function checkExpressionSize(query: string, maxBytes: number): void {
  const bytes = Buffer.byteLength(query);
  if (maxBytes === 0 || bytes <= maxBytes) return;
  throw invalid(
    'query',
    `${bytes} bytes are more than the limit max_query_expression_size_bytes (${maxBytes})`,
  );
}

/** A setting as a bound: 0 is none. */
function bound(setting: number): number {
  return setting === 0 ? Number.POSITIVE_INFINITY : setting;
}

/** What a query of a tenant may cost its thread. */
export function evaluationLimits(limits: TenantQueryLimits): Record<LimitName, number> {
  const bounds = Object.fromEntries(QUERY_LIMITS.map((name) => [name, bound(limits[name])])) as Record<
    LimitName,
    number
  >;
  // Prometheus counts the steps after the first.
  bounds.max_points_per_series++;
  return bounds;
}

/** How many queries of a tenant run and wait. */
export function queueBounds(limits: TenantQueryLimits) {
  return {
    maxRunning: bound(limits.max_concurrent_queries_per_tenant),
    maxWaiting: bound(limits.max_outstanding_requests_per_tenant),
  };
}
