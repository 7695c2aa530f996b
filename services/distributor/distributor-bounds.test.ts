/** Every kind of part in a request is bounded, and no record is too large for the log. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { type Exemplar, Labels, type MetricMetadata } from '@xscaler/model';
import type { UpstreamResponse } from '@xscaler/rpc';
import { LogRecordReader } from '@xscaler/wire/log-record';
import { encodeWriteRequest, type WriteSeries } from '@xscaler/wire/remote-write';
import { packSnappy } from '@xscaler/wire/snappy';
import { MAX_RECORD_BYTES, WriteLogError } from '@xscaler/writelog';
import { counts, type MemoryLog, NOW_MS, series, setUp, stored, textOf } from './distributor.testbed.ts';

const family = (metric: string, help = '', unit = ''): MetricMetadata => ({
  metric,
  type: 'counter',
  help,
  unit,
});

const pointer = (trace: string): Exemplar => ({
  labels: Labels.of({ trace }),
  value: 1,
  timestampMs: NOW_MS,
});

const repeat = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

const packed = (all: readonly WriteSeries[], metadata: readonly MetricMetadata[] = []) =>
  packSnappy(encodeWriteRequest(all, metadata));

function metadataIn(log: MemoryLog): MetricMetadata[] {
  const reader = new LogRecordReader();
  return log.records.flatMap(({ record }) => {
    reader.decode(record);
    return reader.metadata();
  });
}

function exemplarsIn(log: MemoryLog): string[] {
  const reader = new LogRecordReader();
  return log.records.flatMap(({ record }) => {
    reader.decode(record);
    return reader
      .exemplars()
      .map(({ series: of, exemplar }) => `${reader.labelsOf(of)} ${exemplar.labels.get('trace')}`);
  });
}

function assertRefused(answer: UpstreamResponse, text: RegExp): void {
  assert.equal(answer.status, 400, textOf(answer));
  assert.equal(answer.headers['retry-after'], undefined);
  assert.match(textOf(answer), text);
}

test('metadata with texts too long is refused by name, the rest is stored', async () => {
  const { log, post, registry } = setUp({ max_metadata_length: 20, max_metric_name_length: 10 });
  const long = 'é'.repeat(11);
  for (const [text, entry] of [
    [/a: a help or unit text is longer than max_metadata_length \(22 of 20\)/, family('a', long)],
    [/a: a help or unit text is longer than max_metadata_length/, family('a', '', long)],
    [/ééééé…?é: the metric name is longer than max_metric_name_length/, family('éééééé')],
  ] as const) {
    const answer = await post(
      packed([series({ good: '1' })], [family('b', 'x'.repeat(20)), entry, family('c')]),
    );
    assertRefused(answer, text);
    assert.match(textOf(answer), /^0 samples refused, 1 stored\n/);
    assert.match(textOf(answer), /refused in all: metadata 1\n/);
  }
  assert.equal(stored(log).length, 3);
  assert.deepEqual(
    metadataIn(log)
      .map(({ metric }) => metric)
      .sort(),
    ['b', 'b', 'b', 'c', 'c', 'c'],
  );
  assert.deepEqual(await counts(registry), { received: 3, stored: 3, refused: 0 });
  const refused = await registry.getSingleMetric('xscaler_distributor_metadata_refused_total')!.get();
  assert.deepEqual(
    refused.values.map(({ labels, value }) => [labels['reason'], value]),
    [
      ['metadata_too_long', 2],
      ['metric_name_too_long', 1],
    ],
  );
});

test('a help of 9 MB is a 400 that names it, whatever the limits are', async () => {
  const { log, post, current } = setUp();
  for (const length of [9 * 1024 * 1024, 600 * 1024]) {
    const body = packed([series({ good: '1' })], [family('a', 'x'.repeat(length))]);
    assertRefused(await post(body), /max_metadata_length/);
    current.limits = { ...current.limits, max_metadata_length: 64 * 1024 * 1024 };
    assertRefused(await post(body), /max_metadata_length/);
  }
  assert.equal(stored(log).length, 4);
});

test('labels too large for a record are refused by name, whatever the limits are', async () => {
  const { log, push } = setUp({ max_label_value_length: 64 * 1024 * 1024 });
  const answer = await push([series({ good: '1' }), series({ a: 'x'.repeat(9 * 1024 * 1024) })]);
  assertRefused(answer, /labels_too_long 1/);
  assert.equal(stored(log).length, 1);
});

test('large metadata is split into records', async () => {
  const { log, post } = setUp({}, {}, 1);
  const all = repeat(1_000, (i) => family(`m${i}`, 'x'.repeat(4_000)));
  assert.equal((await post(packed([], all))).status, 204);
  for (const { record } of log.records) assert.ok(record.length <= 512 * 1024);
  assert.deepEqual(metadataIn(log), all);
});

test('a series with more exemplars than fit a record continues in the next one', async () => {
  const limits = { max_samples_per_request: 0, max_exemplars_per_series_per_minute: 0 };
  const { log, push } = setUp(limits, {}, 1);
  const exemplars = repeat(300_000, (i) => pointer(`${i}`));
  const one = { ...series({ a: 'b' }), exemplars };
  assert.equal((await push([series({ before: '1' }), one, series({ c: 'd' })])).status, 204);
  assert.ok(log.records.length >= 2);
  for (const { record } of log.records) assert.ok(record.length < MAX_RECORD_BYTES);
  assert.deepEqual(
    exemplarsIn(log),
    exemplars.map(({ labels }) => `{a="b"} ${labels.get('trace')}`),
  );
  assert.equal(
    stored(log).reduce((sum, { timestamps }) => sum + timestamps.length, 0),
    3,
  );
});

test('a histogram’s buckets stay in one record with their exemplars', async () => {
  const { log, push } = setUp({ max_exemplars_per_series_per_minute: 0 }, {}, 1);
  const histogram = ['1', '2', '+Inf'].map((le) => ({
    ...series({ __name__: 'd_bucket', le }),
    exemplars: repeat(2_000, (i) => pointer(`${'x'.repeat(110)}${i}`)),
  }));
  assert.equal((await push([series({ pad: 'x' }), ...histogram])).status, 204);
  assert.equal(exemplarsIn(log).length, 6_000);
  const inRecords = log.records.map(({ record }) => {
    const reader = new LogRecordReader();
    reader.decode(record);
    return repeat(reader.seriesCount, (i) => reader.labelsOf(i).get('le')).filter((le) => le !== '');
  });
  assert.deepEqual(
    inRecords.filter((buckets) => buckets.length > 0),
    [['1', '2', '+Inf']],
  );
});

test('an exemplar of megabytes is refused by name', async () => {
  const { log, push } = setUp();
  const answer = await push([
    { ...series({ a: 'b' }), exemplars: [pointer('x'.repeat(9_000_000)), pointer('y')] },
  ]);
  assertRefused(answer, /labels are longer than 128 characters/);
  assert.deepEqual(exemplarsIn(log), ['{a="b"} y']);
});

test('series, exemplars and metadata entries are bounded like samples', async () => {
  const { log, post } = setUp({ max_samples_per_request: 3 });
  const bare = (i: number): WriteSeries => ({ labels: Labels.of({ i: `${i}` }), timestamps: [], values: [] });
  const most = 'max_samples_per_request is 3; nothing was stored';
  for (const [count, status] of [
    [3, 204],
    [4, 400],
  ] as const) {
    for (const [kind, body] of [
      ['series', packed(repeat(count, bare))],
      [
        'series',
        packed(repeat(count, (i) => ({ ...bare(i), exemplars: repeat(i % 2, () => pointer('t')) }))),
      ],
      ['exemplars', packed([{ ...bare(0), exemplars: repeat(count, () => pointer('t')) }])],
      [
        'metadata entries',
        packed(
          [series({ a: 'b' })],
          repeat(count, (i) => family(`m${i}`)),
        ),
      ],
    ] as const) {
      log.records.length = 0;
      const answer = await post(body);
      assert.equal(answer.status, status, textOf(answer));
      if (status === 204) continue;
      assert.equal(textOf(answer), `the request has 4 ${kind}, ${most}\n`);
      assert.equal(log.records.length, 0);
    }
  }
});

test('a request far too large is counted only up to a hundred times the limit', async () => {
  const { post, log } = setUp({ max_samples_per_request: 3 });
  const answer = await post(packSnappy(new Uint8Array(20_000).map((_, i) => (i % 2 === 0 ? 0x0a : 0))));
  assertRefused(
    answer,
    /^the request has 301 or more series, max_samples_per_request is 3; nothing was stored\n$/,
  );
  assert.equal(log.records.length, 0);
});

test('series, exemplars and metadata entries count towards the ingestion rate', async () => {
  const bare = (i: number): WriteSeries => ({ labels: Labels.of({ i: `${i}` }), timestamps: [], values: [] });
  for (const body of [
    packed(
      [],
      repeat(10, (i) => family(`m${i}`)),
    ),
    packed(repeat(10, (i) => ({ ...bare(i), exemplars: [pointer('t')] }))),
    packed([{ ...bare(0), exemplars: repeat(10, () => pointer('t')) }]),
    packed(repeat(10, (i) => series({ i: `${i}` }, 0))),
  ]) {
    const { post, clock } = setUp({ ingestion_rate: 10 });
    assert.notEqual((await post(body)).status, 429);
    const answer = await post(body);
    assert.equal(answer.status, 429);
    assert.equal(answer.headers['retry-after'], '1');
    clock.nowMs += 1_000;
    assert.notEqual((await post(body)).status, 429);
  }
});

test('a record too large for the log is a 400 with the reason, never a 503', async () => {
  const { push, log, registry } = setUp();
  const many = repeat(40, (i) => series({ i: `${i}` }));
  log.failing.set(1, new WriteLogError('unavailable', 'away'));
  log.failing.set(2, new WriteLogError('record_too_large', 'a record of 9 bytes exceeds 8'));
  assertRefused(
    await push(many),
    /^the write log refused the request \(record_too_large\): send smaller requests$/m,
  );
  assert.deepEqual(await counts(registry), { received: 40, stored: 0, refused: 40 });
});

test('a metric’s metadata goes to the same partition in every process; many metrics use all partitions', async () => {
  const all = repeat(300, (i) => family(`m${i}`));
  const places = async (seed: number) => {
    const { log, post } = setUp({}, { seed: Uint32Array.of(seed, seed, seed, seed) }, 4);
    await post(packed([], all));
    return log.records.map(({ partition, record }) => {
      const reader = new LogRecordReader();
      reader.decode(record);
      return [partition, reader.metadata().map(({ metric }) => metric)] as const;
    });
  };
  const one = await places(1);
  assert.deepEqual(one, await places(2));
  assert.equal(one.length, 4);
  for (const [, metrics] of one) assert.ok(metrics.length > 40, `${metrics.length}`);
});

test('a window is an integer number of ms, from a second to 24 days', () => {
  for (const windowMs of [999, 1_000.5, 24 * 86_400_000 + 1, 0, -1_000, Number.NaN]) {
    assert.throws(() => setUp({}, { windowMs }), RangeError);
  }
  for (const windowMs of [1_000, 24 * 86_400_000]) setUp({}, { windowMs });
});
