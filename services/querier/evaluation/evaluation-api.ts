import type { QueryLimits } from '@xscaler/promql';
import type { WireError, WireMatcher } from '@xscaler/rpc';
import type { ReadQuery } from '@xscaler/wire/remote-read';

/** One query for an evaluation thread. Times and durations in ms. */
export interface EvaluationJob {
  readonly tenant: string;
  readonly query: string;
  /** If stepMs is 0, an instant query at startMs, and endMs is equal. */
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly lookbackDeltaMs: number;
  readonly limits: QueryLimits;
  /** Greatest number of series in the answer; 0 means all. */
  readonly resultLimit: number;
  /** `all` includes the samples of each step. */
  readonly stats: 'none' | 'totals' | 'all';
  /** How long the query waited for its thread. */
  readonly queuedMs: number;
  /** The query's, see `ReadRequest`. */
  readonly arrival: number | undefined;
  readonly requestId: string;
  readonly cancellation: SharedArrayBuffer;
  /** If present, the job is this remote read and `query` is ignored. */
  readonly remoteRead?: RemoteReadJob;
}

/** A remote read for an evaluation thread. */
export interface RemoteReadJob {
  /** Times are finite, inclusive, ms. */
  readonly queries: readonly ReadQuery[];
  /** Whether the answer is streamed chunks rather than samples. */
  readonly chunked: boolean;
}

/** The answer, rendered: status and body as sent to the client. */
export interface EvaluationReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The pieces of the body in order. They may be in shared memory, which the next job overwrites. */
  readonly body: readonly Uint8Array[];
  readonly samplesRead: number;
  /** Instead of an answer: the error that ended the evaluation, if the query did not cause it. */
  readonly thrown?: WireError;
}

/** Served by an evaluation thread, one job at a time. */
export interface EvaluatorApi {
  evaluate(job: EvaluationJob, signal: AbortSignal): Promise<EvaluationReply>;
}

/** Served by the querier's main thread to evaluation threads: frames of series, from heads and blocks. */
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
