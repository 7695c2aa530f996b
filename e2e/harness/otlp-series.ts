import assert from 'node:assert/strict';
import type { Client } from './client.ts';

/** A series of an instant query, with either kind of value. */
interface FoundSeries {
  readonly metric: Record<string, string>;
  readonly value?: [number, string];
  readonly histogram?: [number, FoundHistogram];
}

interface FoundHistogram {
  readonly count: string;
  readonly sum: string;
  /** Kind of bounds, lower and upper bound, observations. */
  readonly buckets: readonly [number, string, string, string][];
}

/** Everything that a job has now. */
export async function seriesOfJob(client: Client, job: string): Promise<readonly FoundSeries[]> {
  const data = await client.data<{ result: FoundSeries[] }>('/api/v1/query', { query: `{job="${job}"}` });
  return data.result;
}

/** What the tests' senders record in each histogram. */
export const RECORDED = [0.05, 0.3, 0.7, 12];
const SUM = RECORDED.reduce((total, value) => total + value);

/** The series of the instruments that every sender of the tests has, with their values. */
export function expectedSeries(
  requestLabels: Record<string, string>,
  resourceLabels: Record<string, string>,
): readonly [Record<string, string>, number][] {
  return [
    [{ __name__: 'http_requests_total', ...requestLabels }, 7.5],
    [{ __name__: 'queue_size' }, -3],
    [{ __name__: 'room_temperature_celsius' }, 21.5],
    [{ __name__: 'latency_seconds_sum', path: '/' }, SUM],
    [{ __name__: 'latency_seconds_count', path: '/' }, 4],
    [{ __name__: 'latency_seconds_bucket', path: '/', le: '0.1' }, 1],
    [{ __name__: 'latency_seconds_bucket', path: '/', le: '0.5' }, 2],
    [{ __name__: 'latency_seconds_bucket', path: '/', le: '1' }, 3],
    [{ __name__: 'latency_seconds_bucket', path: '/', le: '5' }, 3],
    [{ __name__: 'latency_seconds_bucket', path: '/', le: '+Inf' }, 4],
    [{ __name__: 'cpu_time_seconds_total' }, 9_007_199_254_740_991],
    [{ __name__: 'memory_bytes' }, -7],
    [{ __name__: 'load_ratio' }, 0.25],
    [{ __name__: 'target_info', ...resourceLabels }, 1],
  ];
}

/** That a job has exactly these series and the native histogram `latency_fine_seconds`, value by value. */
export function assertSeries(
  found: readonly FoundSeries[],
  expected: readonly [Record<string, string>, number][],
  common: Record<string, string>,
): void {
  const line = (metric: Record<string, string>, value: number) =>
    `${JSON.stringify(Object.entries(metric).sort())} ${value}`;
  assert.deepEqual(
    found
      .filter(({ value }) => value !== undefined)
      .map(({ metric, value }) => line(metric, Number(value?.[1])))
      .sort(),
    expected.map(([metric, value]) => line({ ...common, ...metric }, value)).sort(),
  );
  const [fine, ...others] = found.filter(({ histogram }) => histogram !== undefined);
  assert.equal(others.length, 0);
  assert.deepEqual(fine.metric, { ...common, __name__: 'latency_fine_seconds', path: '/' });
  const { count, sum, buckets } = (fine.histogram as [number, FoundHistogram])[1];
  assert.deepEqual([Number(count), Number(sum)], [RECORDED.length, SUM]);
  for (const [, lower, upper, inBucket] of buckets) {
    const recorded = RECORDED.filter((value) => value > Number(lower) && value <= Number(upper));
    assert.equal(Number(inBucket), recorded.length, `(${lower}, ${upper}]`);
  }
  const inBuckets = buckets.reduce((total, [, , , inBucket]) => total + Number(inBucket), 0);
  assert.equal(inBuckets, RECORDED.length);
}
