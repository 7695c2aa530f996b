import { DecodeError } from '@xscaler/encoding';
import { Matcher } from '@xscaler/model';
import type { UpstreamResponse } from '@xscaler/rpc';
import {
  decodeReadRequest,
  type ReadQuery,
  type RemoteReadRequest,
  SAMPLES,
  STREAMED_XOR_CHUNKS,
} from '@xscaler/wire/remote-read';
import { expandSnappy, TooLargeError } from '@xscaler/wire/snappy';
import { ApiError } from '../answer/api-error.ts';
import { failure } from '../answer/envelope.ts';
import type { EvaluationPool } from '../evaluation/evaluation-pool.ts';
import { MAX_TIME_MS, MIN_TIME_MS } from './parameters.ts';
import type { QuerierMetrics } from './querier-metrics.ts';
import { evaluationLimits, type QueryHandlersOptions, queueBounds } from './query-handlers.ts';
import type { ReadHandler, ReadRequest } from './read-request.ts';

/** Of a request once expanded; one of Prometheus has a few hundred bytes. */
const MAX_REQUEST_BYTES = 1024 * 1024;

/**
 * Prometheus' remote read, version 0.1.0: selections answered as samples or as streamed chunks, what the client would
 * rather have. Read as queries are, in the pool and under their limits.
 */
export class RemoteReadHandler {
  readonly #pool: EvaluationPool;
  readonly #options: QueryHandlersOptions;
  readonly #metrics: QuerierMetrics;

  constructor(pool: EvaluationPool, options: QueryHandlersOptions, metrics: QuerierMetrics) {
    this.#pool = pool;
    this.#options = options;
    this.#metrics = metrics;
  }

  readonly read: ReadHandler = async (request, signal) => {
    const unspoken = unspokenFormat(request);
    if (unspoken !== undefined) return { ...failure(new ApiError('bad_data', unspoken)), status: 415 };
    const { queries, acceptedTypes } = requestOf(request.body);
    const chunked = responseType(acceptedTypes) === STREAMED_XOR_CHUNKS;
    return this.#answer(request, { queries: queries.map(checkedQuery), chunked }, signal);
  };

  async #answer(
    { tenant, arrival, requestId }: ReadRequest,
    remoteRead: { readonly queries: readonly ReadQuery[]; readonly chunked: boolean },
    signal: AbortSignal,
  ): Promise<UpstreamResponse> {
    const limits = this.#options.limitsOf(tenant);
    const end = this.#metrics.querySeconds.startTimer({ type: 'remote_read' });
    const reply = await this.#pool.run(
      {
        tenant,
        query: '',
        startMs: 0,
        endMs: 0,
        stepMs: 0,
        lookbackDeltaMs: this.#options.lookbackDeltaMs,
        limits: evaluationLimits(limits),
        resultLimit: 0,
        stats: 'none',
        arrival,
        requestId,
        remoteRead,
      },
      queueBounds(limits),
      signal,
    );
    end();
    this.#metrics.samplesRead.inc(reply.samplesRead);
    if (reply.status !== 200) this.#metrics.failures.inc({ status: String(reply.status) });
    return reply;
  }
}

/** Says what of the request's headers isn't remote read, if they say anything. */
function unspokenFormat({ headers }: ReadRequest): string | undefined {
  const contentType = headers['content-type'];
  if (
    contentType !== undefined &&
    contentType.split(';')[0].trim().toLowerCase() !== 'application/x-protobuf'
  )
    return `content type ${contentType}: remote read is application/x-protobuf`;
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'snappy')
    return `content encoding ${encoding}: remote read is snappy`;
  return undefined;
}

function requestOf(body: Uint8Array): RemoteReadRequest {
  try {
    return decodeReadRequest(expandSnappy(body, MAX_REQUEST_BYTES));
  } catch (error) {
    if (error instanceof TooLargeError || error instanceof DecodeError)
      throw new ApiError('bad_data', `not a remote read request: ${error.message}`);
    throw error;
  }
}

/** The first that we speak; samples if the client says nothing. */
function responseType(accepted: readonly number[]): number {
  if (accepted.length === 0) return SAMPLES;
  const type = accepted.find((one) => one === SAMPLES || one === STREAMED_XOR_CHUNKS);
  if (type === undefined)
    throw new ApiError(
      'bad_data',
      `server does not support any of the requested response types: ${accepted}; supported: SAMPLES, STREAMED_XOR_CHUNKS`,
    );
  return type;
}

/** With times that can be selected. Bad patterns are found here and not in a thread. */
function checkedQuery({ startMs, endMs, matchers }: ReadQuery): ReadQuery {
  try {
    for (const { type, name, value } of matchers) new Matcher(type, name, value);
  } catch (error) {
    if (error instanceof SyntaxError) throw new ApiError('bad_data', error.message);
    throw error;
  }
  return { startMs: within(startMs), endMs: within(endMs), matchers };
}

function within(timeMs: number): number {
  return Math.max(MIN_TIME_MS, Math.min(MAX_TIME_MS, timeMs));
}
