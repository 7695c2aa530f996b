import type { BlockStore } from '@xscaler/database';
import {
  type IngesterApi,
  REQUEST_ID_HEADER,
  requestIdOf,
  type Upstream,
  type UpstreamRequest,
  type UpstreamResponse,
} from '@xscaler/rpc';
import type { LogWriter } from '@xscaler/runtime';
import type { WriteLog } from '@xscaler/writelog';
import type { Registry } from 'prom-client';
import { ApiError, isPatternCost } from './answer/api-error.ts';
import { failure, success } from './answer/envelope.ts';
import { requestFailure } from './answer/request-failure.ts';
import { CardinalityHandlers } from './api/cardinality-handlers.ts';
import { formatQuery, parseQuery } from './api/language-handlers.ts';
import { MetadataHandlers } from './api/metadata-handlers.ts';
import { Parameters } from './api/parameters.ts';
import { QuerierMetrics } from './api/querier-metrics.ts';
import { QueryHandlers, queueBounds } from './api/query-handlers.ts';
import type { ReadHandler } from './api/read-request.ts';
import { RemoteReadHandler } from './api/remote-read-handler.ts';
import { EvaluationPool } from './evaluation/evaluation-pool.ts';
import type { QueryLimitsOf } from './limits/query-limits.ts';
import { LookupQueue } from './queue/lookup-queue.ts';
import { BlockReaders } from './sources/block-readers.ts';
import { EndOffsets } from './sources/end-offsets.ts';
import { FanOut } from './sources/fan-out.ts';
import { type Lateness, ReadHorizon } from './sources/read-horizon.ts';

export interface QuerierOptions {
  readonly ingesters: readonly IngesterApi[];
  readonly log: WriteLog;
  readonly blocks: BlockStore;
  readonly limitsOf: QueryLimitsOf;
  /** Ascending: every partition that may hold samples of a tenant which no block has. */
  readonly partitionsOf: (tenant: string) => Promise<readonly number[]>;
  /** The tenant's current lateness window in the database. */
  readonly latenessOf: (tenant: string) => Promise<Lateness>;
  /** Greatest error of a service's clock. */
  readonly maxClockSkewMs: number;
  readonly clock: () => number;
  /** Why the clock can't be gone by: then every read is refused. Undefined while it can; absent: it always can. */
  readonly clockFault?: () => string | undefined;
  readonly logger: Pick<LogWriter, 'warn' | 'error'>;
  readonly registry: Registry;
  readonly version: string;
  readonly evaluationThreads: number;
  /** Limit on the queries that wait for a thread. */
  readonly maxQueuedQueries: number;
  readonly evaluationHeapMb: number;
  readonly queryTimeoutMs: number;
  readonly lookbackDeltaMs: number;
  /** Bytes of block indexes kept in memory. */
  readonly maxBlockIndexBytes: number;
  /** Bytes of chunks of blocks kept in memory. */
  readonly maxBlockChunkBytes: number;
}

const LABEL_VALUES_PATH = /^\/api\/v1\/label\/([^/]+)\/values$/;

/** Answers the Prometheus read API. `handle` never rejects: every failure, even a bug, becomes an answer. */
export class Querier implements Upstream {
  readonly #options: QuerierOptions;
  readonly #offsets: EndOffsets;
  readonly #pool: EvaluationPool;
  readonly #labelValues: (encodedName: string) => ReadHandler;
  readonly #handlers: ReadonlyMap<string, ReadHandler>;

  constructor(options: QuerierOptions) {
    this.#options = options;
    const readers = new BlockReaders(options.blocks, options.maxBlockIndexBytes, options.maxBlockChunkBytes);
    const fanOut = new FanOut(options.ingesters, options.blocks, readers);
    const { log, clock } = options;
    const offsets = new EndOffsets(log, clock);
    const horizon = new ReadHorizon({ ...options, offsets });
    this.#offsets = offsets;
    this.#pool = new EvaluationPool({
      threads: options.evaluationThreads,
      maxQueued: options.maxQueuedQueries,
      maxHeapMb: options.evaluationHeapMb,
      source: {
        async *select({ arrival, ...request }, signal) {
          const plan = await horizon.plan(request.tenant, request.endMs, arrival);
          yield* fanOut.select({ ...request, ...plan }, signal);
        },
      },
      giveBack: (frame) => readers.giveBack(frame),
      onThreadLost: (error) =>
        options.logger.error({ err: error }, 'an evaluation thread was lost; replacing it'),
      onThreadDeaf: (tenant) =>
        options.logger.warn(
          { tenant },
          'an evaluation thread went on with a query that was over, and was ended',
        ),
    });
    const lookups = new LookupQueue(options.maxQueuedQueries);
    const metrics = new QuerierMetrics(options.registry, this.#pool, lookups, readers);
    const queries = new QueryHandlers(this.#pool, options, metrics);
    const metadata = new MetadataHandlers(fanOut, horizon, options.limitsOf);
    const cardinality = new CardinalityHandlers(fanOut, horizon, options);
    const bounded = (handler: ReadHandler): ReadHandler => {
      return (request, signal) => {
        const bounds = queueBounds(options.limitsOf(request.tenant));
        return lookups.run(request.tenant, bounds, () => handler(request, signal), signal);
      };
    };
    this.#labelValues = (encodedName) => bounded(metadata.labelValues(encodedName));
    this.#handlers = new Map<string, ReadHandler>([
      ['/api/v1/query', queries.instant],
      ['/api/v1/query_range', queries.range],
      ['/api/v1/read', new RemoteReadHandler(this.#pool, options, metrics).read],
      ['/api/v1/query_exemplars', bounded(metadata.exemplars)],
      ['/api/v1/format_query', formatQuery],
      ['/api/v1/parse_query', parseQuery],
      ['/api/v1/series', bounded(metadata.series)],
      ['/api/v1/labels', bounded(metadata.labelNames)],
      ['/api/v1/metadata', bounded(metadata.metadata)],
      ['/api/v1/rules', async () => success({ groups: [] })],
      ['/api/v1/alerts', async () => success({ alerts: [] })],
      ['/api/v1/cardinality/label_names', bounded(cardinality.labelNames)],
      ['/api/v1/cardinality/label_values', bounded(cardinality.labelValues)],
      ['/api/v1/cardinality/active_series', bounded(cardinality.activeSeries)],
      ['/api/v1/status/tsdb', bounded(cardinality.tsdbStatus)],
      ['/api/v1/status/buildinfo', async () => success(buildInfo(options.version))],
    ]);
  }

  async stop(): Promise<void> {
    await this.#pool.close();
  }

  async handle(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse> {
    const handler = this.#handlerOf(request.path);
    if (handler === undefined) return failure(new ApiError('not_found', `unknown path ${request.path}`));
    const fault = this.#options.clockFault?.();
    if (fault !== undefined) return failure(new ApiError('unavailable', `nothing is answered: ${fault}`));
    // Who asks for labels or for what this is asks for data next.
    this.#pool.warm();
    const timeout = new AbortController();
    const limit = AbortSignal.any([signal, timeout.signal]);
    let timer: NodeJS.Timeout | undefined;
    const requestId = requestIdOf(request.headers[REQUEST_ID_HEADER]);
    try {
      const parameters = new Parameters(request);
      const timeoutMs = Math.min(
        parameters.durationMs('timeout') ?? Number.POSITIVE_INFINITY,
        this.#options.queryTimeoutMs,
      );
      timer = setTimeout(
        () => timeout.abort(new DOMException('the query timed out', 'TimeoutError')),
        timeoutMs,
      );
      const eventual = request.headers['x-read-consistency'] === 'eventual';
      const arrival = eventual ? undefined : this.#offsets.arrival();
      const { tenant, headers, body } = request;
      return await handler({ tenant, parameters, headers, body, arrival, requestId }, limit);
    } catch (error) {
      if (error instanceof ApiError) return failure(error);
      if (isPatternCost(error)) return failure(new ApiError('execution', error.message));
      if (timeout.signal.aborted)
        return failure(new ApiError('timeout', 'query timed out in expression evaluation'));
      if (signal.aborted)
        return failure(new ApiError('canceled', 'query was canceled in expression evaluation'));
      const told = requestFailure(error, requestId);
      this.#note(error, told, request, requestId);
      return failure(told);
    } finally {
      clearTimeout(timer);
    }
  }

  #handlerOf(path: string): ReadHandler | undefined {
    const label = LABEL_VALUES_PATH.exec(path);
    return label ? this.#labelValues(label[1]) : this.#handlers.get(path);
  }

  /** Logs the cause for the operator; the client's answer leaves it out. */
  #note(err: unknown, told: ApiError, { tenant, path }: UpstreamRequest, requestId: string): void {
    const { logger } = this.#options;
    const fields = { requestId, tenant, path, err };
    if (told.errorType === 'internal') logger.error(fields, 'a read failed because of a bug');
    else logger.warn(fields, 'a read failed');
  }
}

/** The Prometheus whose queries these are: clients, Grafana among them, choose what they ask for by its version. */
const PROMETHEUS_VERSION = '3.14.0';

function buildInfo(version: string): Record<string, string> {
  return {
    application: 'xscaler',
    version: PROMETHEUS_VERSION,
    revision: version,
    branch: '',
    buildUser: '',
    buildDate: '',
    goVersion: '',
  };
}
