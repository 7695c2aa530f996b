import { Matcher, SampleColumns } from '@xscaler/model';
import { type Cancellation, LimitError, type QueryLimits } from '@xscaler/promql';
import type { Queryable } from '@xscaler/storage';
import { ChunkedResponseWriter, SamplesResponseWriter } from '@xscaler/wire/remote-read';
import type { EvaluationReply, RemoteReadJob } from './evaluation-api.ts';

/**
 * Answers a remote read. Series are decoded and encoded one at a time, but the answer is complete before it is sent, so
 * `max_query_response_size_bytes` limits its size before compression.
 * @throws LimitError | QueryCancelledError | QueryTimeoutError, and the queryable's errors
 */
export async function answerRemoteRead(
  { queries, chunked }: RemoteReadJob,
  queryable: Queryable,
  limits: QueryLimits,
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

function checkReach(reachMs: number, { max_total_query_length }: QueryLimits): void {
  if (max_total_query_length === undefined || reachMs <= max_total_query_length) return;
  throw new LimitError(
    'max_total_query_length',
    `the read reaches over ${reachMs} ms, more than its limit max_total_query_length (${max_total_query_length} ms)`,
  );
}

function checkSize(bytes: number, { max_query_response_size_bytes }: QueryLimits): void {
  if (max_query_response_size_bytes === undefined || bytes <= max_query_response_size_bytes) return;
  throw new LimitError(
    'max_query_response_size_bytes',
    `the answer is larger than its limit max_query_response_size_bytes (${max_query_response_size_bytes})`,
  );
}
