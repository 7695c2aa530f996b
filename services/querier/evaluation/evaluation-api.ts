import type { QueryLimits } from '@xscaler/promql';
import type { WireError, WireMatcher } from '@xscaler/rpc';
import type { RemoteReadJob } from './remote-read-answer.ts';

/** One query for an evaluation thread. Times and durations in ms. */
export interface EvaluationJob {
  readonly tenant: string;
  readonly query: string;
  /** stepMs 0: an instant query at startMs (endMs the same). */
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly lookbackDeltaMs: number;
  readonly limits: QueryLimits;
  /** Series in the answer at most; 0: all. */
  readonly resultLimit: number;
  /** `all` also tells the samples of each step. */
  readonly stats: 'none' | 'totals' | 'all';
  /** How long the query waited for its thread. */
  readonly queuedMs: number;
  /** The query's, see `ReadRequest`. */
  readonly arrival: number | undefined;
  readonly requestId: string;
  readonly cancellation: SharedArrayBuffer;
  /** Where it exists, it is answered and the query is not looked at. */
  readonly remoteRead?: RemoteReadJob;
}

/** The answer, rendered: `status` and body as they go to the client. */
export interface EvaluationReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** One after the other they are the body. They may lie in shared memory, which the next job will use. */
  readonly body: readonly Uint8Array[];
  readonly samplesRead: number;
  /** In place of an answer: what ended the evaluation, if that wasn't the query's own fault. */
  readonly thrown?: WireError;
}

/** What an evaluation thread serves. One job at a time. */
export interface EvaluatorApi {
  evaluate(job: EvaluationJob, signal: AbortSignal): Promise<EvaluationReply>;
}

/** What an evaluation thread asks of the querier's main thread: frames of series, from heads and blocks. */
export interface SelectApi {
  select(
    request: {
      readonly tenant: string;
      readonly matchers: readonly WireMatcher[];
      readonly startMs: number;
      readonly endMs: number;
      readonly arrival: number | undefined;
      readonly requestId: string;
    },
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array>;
}
