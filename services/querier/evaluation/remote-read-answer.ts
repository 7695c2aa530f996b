import { Matcher, SampleColumns } from '@xscaler/model';
import { type Cancellation, LimitError } from '@xscaler/promql';
import type { Queryable } from '@xscaler/storage';
import { ChunkedResponseWriter, type ReadQuery, SamplesResponseWriter } from '@xscaler/wire/remote-read';
import type { EvaluationLimits, EvaluationReply } from './evaluation-api.ts';

/** A remote read for an evaluation thread. */
export interface RemoteReadJob {
  /** Times finite, ms, inclusive. */
  readonly queries: readonly ReadQuery[];
  /** In streamed chunks rather than samples. */
  readonly chunked: boolean;
}

/**
 * Answers a remote read: one series is decoded and encoded at a time, but the answer is whole before it leaves, and so
 * bounded by `maxResponseBytes`, before compression.
 * @throws LimitError | QueryCancelledError | QueryTimeoutError, and what the queryable throws
 */
export async function answerRemoteRead(
  { queries, chunked }: RemoteReadJob,
  queryable: Queryable,
  limits: EvaluationLimits,
  cancellation: Cancellation,
): Promise<EvaluationReply> {
  const writer = chunked ? new ChunkedResponseWriter() : new SamplesResponseWriter();
  const columns = new SampleColumns();
  let samplesRead = 0;
  for (const { startMs, endMs, matchers } of queries) {
    checkReach(endMs - startMs, limits);
    writer.beginQuery();
    const compiled = matchers.map(({ type, name, value }) => new Matcher(type, name, value));
    const range = { startMs, endMs };
    for (const series of await queryable.select(compiled, range, new AbortController().signal)) {
      cancellation.throwIfCancelled();
      columns.reset();
      series.read(columns);
      if (columns.length === 0) continue;
      samplesRead += columns.length;
      writer.addSeries(series.labels, columns);
      checkSize(writer.byteLength, limits);
    }
  }
  const body = writer.finish();
  const { contentType, contentEncoding } = writer;
  const headers = {
    'content-type': contentType,
    ...(contentEncoding && { 'content-encoding': contentEncoding }),
  };
  return { status: 200, headers, body: [body], samplesRead };
}

function checkReach(reachMs: number, { maxReachMs }: EvaluationLimits): void {
  if (maxReachMs === undefined || reachMs <= maxReachMs) return;
  throw new LimitError(
    'max_total_query_length',
    `the read reaches over ${reachMs} ms, more than its limit max_total_query_length (${maxReachMs} ms)`,
  );
}

function checkSize(bytes: number, { maxResponseBytes }: EvaluationLimits): void {
  if (maxResponseBytes === undefined || bytes <= maxResponseBytes) return;
  throw new LimitError(
    'max_query_response_size_bytes',
    `the answer is larger than its limit max_query_response_size_bytes (${maxResponseBytes})`,
  );
}
