import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Labels, type Matcher, type SampleColumns, STALE_HIGH, STALE_LOW } from '@xscaler/model';
import type { Queryable, Series, TimeRange } from '@xscaler/storage';
import {
  ExecutionError,
  encodeResult,
  evaluateInstant,
  evaluateRange,
  LimitError,
  QueryCancelledError,
  type QueryLimits,
  QueryTimeoutError,
  SharedCancellation,
} from '../index.ts';

const STEP_MS = 15_000;

/** Series of one sample every 15 s from time 0; undefined is a staleness marker. */
class FixedSeries implements Queryable {
  readonly ranges: TimeRange[] = [];
  readonly #series: { labels: Labels; values: readonly (number | undefined)[] }[];

  constructor(series: Record<string, readonly (number | undefined)[]>) {
    this.#series = Object.entries(series).map(([labels, values]) => ({
      labels: Labels.of(JSON.parse(labels) as Record<string, string>),
      values,
    }));
  }

  async select(matchers: readonly Matcher[], range: TimeRange): Promise<Series[]> {
    this.ranges.push(range);
    return this.#series
      .filter(({ labels }) => matchers.every((matcher) => matcher.matches(labels.get(matcher.name))))
      .map(({ labels, values }) => ({
        labels,
        read(dst: SampleColumns) {
          values.forEach((value, i) => {
            const timestampMs = i * STEP_MS;
            if (timestampMs < range.startMs || timestampMs > range.endMs) return;
            if (value === undefined) dst.appendWords(timestampMs, STALE_LOW, STALE_HIGH);
            else dst.append(timestampMs, value);
          });
        },
      }));
  }
}

const ramp = Array.from({ length: 41 }, (_, i) => i * 15);
const queryable = new FixedSeries({
  '{"__name__":"a_total","i":"1"}': ramp,
  '{"__name__":"a_total","i":"2"}': ramp.map((value) => 2 * value),
  '{"__name__":"b","i":"1","x":"y"}': [1, undefined, 3],
});

async function instantJson(query: string, timeMs: number): Promise<string> {
  return Buffer.concat(encodeResult(await evaluateInstant(query, { queryable, timeMs }))).toString();
}

test('answers are encoded as the Prometheus API writes them', async () => {
  assert.equal(
    await instantJson('1 / 3', 1500),
    '{"resultType":"scalar","result":[1.5,"0.3333333333333333"]}',
  );
  assert.equal(await instantJson('"x\\b"', 1000), '{"resultType":"string","result":[1,"x\\u0008"]}');
  assert.equal(
    await instantJson('sum by (i) (a_total)', 30_000),
    '{"resultType":"vector","result":[{"metric":{"i":"1"},"value":[30,"30"]},{"metric":{"i":"2"},"value":[30,"60"]}]}',
  );
  assert.equal(
    await instantJson('a_total{i="1"}[30s]', 30_000),
    '{"resultType":"matrix","result":[{"metric":{"__name__":"a_total","i":"1"},"values":[[15,"15"],[30,"30"]]}]}',
  );
  const range = await evaluateRange('b', { queryable, startMs: 0, endMs: 30_000, stepMs: 15_000 });
  assert.equal(
    Buffer.concat(encodeResult(range)).toString(),
    '{"resultType":"matrix","result":[{"metric":{"__name__":"b","i":"1","x":"y"},"values":[[0,"1"],[30,"3"]]}]}',
  );
});

test('lookback and ranges are left-open, and staleness markers end a series', async () => {
  const values = async (query: string, timeMs: number) => {
    const result = await evaluateInstant(query, { queryable, timeMs });
    assert.ok(result.type === 'vector');
    return [...result.block.values.subarray(0, result.block.labels.length)];
  };
  assert.deepEqual(await values('a_total{i="1"}', 600_000 + 299_999), [600]);
  assert.deepEqual(await values('a_total{i="1"}', 600_000 + 300_000), []);
  assert.deepEqual(await values('b', 15_000), []);
  assert.deepEqual(await values('count_over_time(b[30s])', 30_000), [1]);
  assert.deepEqual(await values('count_over_time(a_total{i="1"}[30s])', 30_000), [2]);
});

test('selectors ask storage for what their windows hold, whatever moves them', async () => {
  const storage = new FixedSeries({});
  const ask = async (query: string) => {
    await evaluateRange(query, { queryable: storage, startMs: 100_000, endMs: 200_000, stepMs: 10_000 });
    const { startMs, endMs } = storage.ranges.at(-1) as TimeRange;
    return [startMs, endMs];
  };
  assert.deepEqual(await ask('rate(x[1m])'), [40_001, 200_000]);
  assert.deepEqual(await ask('sum(x offset 10s)'), [90_000 - 299_999, 190_000]);
  assert.deepEqual(await ask('x @ 50'), [50_000 - 299_999, 50_000]);
  assert.deepEqual(await ask('max_over_time(rate(x[1m])[5m:10s])'), [100_000 - 360_000 + 1, 200_000]);
});

test('series that collide are refused in the words of Prometheus', async () => {
  const fails = (query: string, message: string) =>
    assert.rejects(evaluateInstant(query, { queryable, timeMs: 30_000 }), new ExecutionError(message));
  await fails(
    'b + on() a_total',
    'found duplicate series for the match group {} on the right hand-side of the operation: [{__name__="a_total", i="2"}, {__name__="a_total", i="1"}];many-to-many matching not allowed: matching labels must be unique on one side',
  );
  await fails(
    'a_total + on() b',
    'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)',
  );
  await fails(
    'label_replace(a_total, "i", "x", "", "")',
    'vector cannot contain metrics with the same labelset',
  );
});

test('a query that costs more than it may names the limit', async () => {
  const fails = (limits: QueryLimits, limit: string) =>
    assert.rejects(
      evaluateRange('sum(rate(a_total[1m]))', {
        queryable,
        startMs: 0,
        endMs: 600_000,
        stepMs: 15_000,
        limits,
      }),
      (error) => error instanceof LimitError && error.limit === limit && error.code === 'execution',
    );
  await fails({ max_fetched_series_per_query: 1 }, 'max_fetched_series_per_query');
  await fails({ max_samples_per_query: 50 }, 'max_samples_per_query');
  await fails({ max_points_per_series: 40 }, 'max_points_per_series');
  await fails({ max_total_query_length: 60_000 }, 'max_total_query_length');
});

test('a cancelled or late query stops while it computes', async () => {
  const long = new FixedSeries({ '{"__name__":"long"}': new Array(100_000).fill(1) });
  const run = (cancellation: SharedCancellation) =>
    evaluateInstant('quantile_over_time(0.5, long[30d])', {
      queryable: long,
      timeMs: 1_500_000_000,
      cancellation,
    });
  const cancelled = new SharedCancellation();
  new SharedCancellation(cancelled.buffer).cancel();
  await assert.rejects(run(cancelled), QueryCancelledError);
  const late = new SharedCancellation();
  late.timeOut();
  late.cancel();
  await assert.rejects(run(late), QueryTimeoutError);
  assert.equal((await run(new SharedCancellation())).stats.samplesRead, 100_000);
});
