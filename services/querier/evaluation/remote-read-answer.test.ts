import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Labels, type Matcher, type SampleColumns } from '@xscaler/model';
import { LimitError, QueryCancelledError, SharedCancellation } from '@xscaler/promql';
import type { Queryable, TimeRange } from '@xscaler/storage';
import { readChunkedAnswer, readSamplesAnswer } from '@xscaler/testkit';
import type { RemoteReadJob } from './evaluation-api.ts';
import { answerRemoteRead } from './remote-read-answer.ts';

/** Series of 300 samples, a second apart, one more for each second that is asked for. */
class Counting implements Queryable {
  readonly asked: { matchers: readonly Matcher[]; range: TimeRange }[] = [];

  async select(matchers: readonly Matcher[], range: TimeRange) {
    this.asked.push({ matchers, range });
    return Array.from({ length: (range.endMs - range.startMs) / 1000 }, (_, i) => ({
      labels: Labels.fromSorted(['__name__', 'counting', 'number', `${i}`]),
      read: (dst: SampleColumns) => {
        // The second has no samples within the range.
        if (i !== 1) for (let at = 0; at < 300; at++) dst.append(at * 1000, i + at);
      },
    }));
  }
}

function job(chunked: boolean, ...seconds: number[]): RemoteReadJob {
  const matchers = [{ type: '=', name: '__name__', value: 'counting' }] as const;
  return { chunked, queries: seconds.map((count) => ({ startMs: 0, endMs: count * 1000, matchers })) };
}

const answer = (asked: RemoteReadJob, limits = {}, cancellation = new SharedCancellation()) =>
  answerRemoteRead(asked, new Counting(), limits, cancellation);

test('each query gets its own result in both formats, without series that have no samples', async () => {
  const samples = await answer(job(false, 3, 0, 1));
  assert.equal(samples.headers['content-type'], 'application/x-protobuf');
  assert.equal(samples.headers['content-encoding'], 'snappy');
  assert.equal(samples.samplesRead, 900);
  const results = readSamplesAnswer(samples.body[0]);
  assert.deepEqual(
    results.map((result) => result.map(({ labels }) => labels[3])),
    [['0', '2'], [], ['0']],
  );
  const chunked = await answer(job(true, 3, 0, 1));
  assert.match(chunked.headers['content-type'], /^application\/x-streamed-protobuf; proto=prometheus/);
  assert.equal(chunked.headers['content-encoding'], undefined);
  assert.deepEqual(readChunkedAnswer(chunked.body[0]), results);
});

test('an answer that exceeds its size or range limit stops as soon as that is known', async () => {
  for (const chunked of [false, true]) {
    const { length } = readSamplesAnswer((await answer(job(false, 10))).body[0])[0];
    assert.equal(length, 9);
    await assert.rejects(
      answer(job(chunked, 10), { max_query_response_size_bytes: 2_000 }),
      (error: unknown) => {
        assert.ok(error instanceof LimitError);
        return error.limit === 'max_query_response_size_bytes';
      },
    );
    await assert.rejects(
      answer(job(chunked, 10), { max_total_query_length: 9_999 }),
      /max_total_query_length/,
    );
  }
});

test('a cancelled read ends', async () => {
  const cancellation = new SharedCancellation();
  cancellation.cancel();
  await assert.rejects(answer(job(true, 10), {}, cancellation), QueryCancelledError);
});
