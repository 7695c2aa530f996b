import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteWriter } from '@xscaler/encoding';
import { Labels, STALE_HIGH, STALE_LOW, seriesId } from '@xscaler/model';
import type { UpstreamResponse } from '@xscaler/rpc';
import { type Limits, limitsSchema } from '@xscaler/tenancy';
import { encodeWriteRequest, LogRecordReader, packSnappy, type WriteSeries } from '@xscaler/wire';
import { type WriteLog, WriteLogError } from '@xscaler/writelog';
import { Registry } from 'prom-client';
import { createDistributor, type DistributorOptions } from './distributor.ts';

const NOW_MS = 1_700_000_000_000;

/** A log that keeps its records; a partition in `failing` refuses them. */
class MemoryLog implements WriteLog {
  readonly partitionCount: number;
  readonly records: { partition: number; record: Uint8Array }[] = [];
  readonly failing = new Map<number, WriteLogError>();
  /** Appends resolve only after it does. */
  gate: Promise<void> = Promise.resolve();

  constructor(partitionCount: number) {
    this.partitionCount = partitionCount;
  }

  async append(partition: number, record: Uint8Array): Promise<number> {
    await this.gate;
    const failure = this.failing.get(partition);
    if (failure !== undefined) throw failure;
    assert.equal(record.byteLength, record.buffer.byteLength, 'a record is alone in its buffer');
    return this.records.push({ partition, record }) - 1;
  }

  read(): AsyncIterable<never> {
    throw new Error('nobody reads here');
  }

  async startOffset(): Promise<number> {
    return 0;
  }

  async endOffset(): Promise<number> {
    return this.records.length;
  }

  async truncate(): Promise<void> {}

  async close(): Promise<void> {}
}

const HEADERS = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' };

function setUp(limits: Partial<Limits> = {}, options: Partial<DistributorOptions> = {}, partitionCount = 4) {
  const log = new MemoryLog(partitionCount);
  const registry = new Registry();
  const clock = { nowMs: NOW_MS };
  const current = { limits: { ...limitsSchema.parse({}), ...limits } };
  const distributor = createDistributor({
    log,
    limitsOf: () => current.limits,
    windowMs: 7_200_000,
    clock: () => clock.nowMs,
    registry,
    logger: { warn: () => {} },
    seed: Uint32Array.of(1, 2, 3, 4),
    ...options,
  });
  const post = (body: Uint8Array, headers: Record<string, string> = HEADERS, tenant = 'acme') =>
    distributor.handle(
      { tenant, method: 'POST', path: '/api/v1/push', query: '', headers, body },
      new AbortController().signal,
    );
  const push = (series: readonly WriteSeries[], tenant = 'acme') =>
    post(packSnappy(encodeWriteRequest(series)), HEADERS, tenant);
  return { log, registry, clock, current, distributor, post, push };
}

const textOf = ({ body }: UpstreamResponse) => Buffer.from(body).toString();

const series = (record: Record<string, string>, timestampMs = NOW_MS, value = 1): WriteSeries => ({
  labels: Labels.of(record),
  timestamps: [timestampMs],
  values: [value],
});

interface Stored {
  readonly partition: number;
  readonly labels: Labels;
  readonly id: string;
  readonly timestamps: number[];
  readonly words: number[];
}

function stored(log: MemoryLog, tenant = 'acme'): Stored[] {
  const reader = new LogRecordReader();
  const all: Stored[] = [];
  for (const { partition, record } of log.records) {
    reader.decode(record);
    if (reader.tenant !== tenant) continue;
    assert.equal(reader.windowMs, 7_200_000);
    for (let i = 0; i < reader.seriesCount; i++) {
      const start = i === 0 ? 0 : reader.sampleEnds[i - 1];
      all.push({
        partition,
        labels: reader.labelsOf(i),
        id: Buffer.from(reader.ids.buffer, 16 * i, 16).toString('hex'),
        timestamps: [...reader.timestamps.subarray(start, reader.sampleEnds[i])],
        words: [...reader.valueWords.subarray(2 * start, 2 * reader.sampleEnds[i])],
      });
    }
  }
  return all;
}

async function counts(registry: Registry) {
  const sum = async (name: string) =>
    (await registry.getSingleMetric(name)!.get()).values.reduce((total, { value }) => total + value, 0);
  return {
    received: await sum('xscaler_distributor_samples_received_total'),
    stored: await sum('xscaler_distributor_samples_stored_total'),
    refused: await sum('xscaler_distributor_samples_refused_total'),
  };
}

test('samples are in the log, under their ids, before the answer', async () => {
  const { log, push } = setUp();
  const labels = { __name__: 'up', job: 'api', instance: 'a:1' };
  assert.equal((await push([series(labels, NOW_MS - 5, 42)])).status, 204);
  const [one] = stored(log);
  assert.deepEqual(one.labels.toRecord(), labels);
  assert.equal(one.id, Buffer.from(seriesId('acme', Labels.of(labels))).toString('hex'));
  assert.deepEqual(one.timestamps, [NOW_MS - 5]);
  assert.deepEqual(one.words, [0, 0x40450000]);
});

test('the answer waits for the log', async () => {
  const { log, push } = setUp();
  const { promise, resolve } = Promise.withResolvers<void>();
  log.gate = promise;
  let answered = false;
  const answer = push([series({ a: 'b' })]).then((response) => {
    answered = true;
    return response;
  });
  await new Promise((next) => setImmediate(next));
  assert.equal(answered, false);
  resolve();
  assert.equal((await answer).status, 204);
});

test('staleness markers, NaN payloads, infinities and negative zero keep their bits', async () => {
  const { log, push } = setUp();
  const words = Uint32Array.of(
    STALE_LOW,
    STALE_HIGH,
    7,
    0x7ff80000,
    0,
    0x7ff00000,
    0,
    0xfff00000,
    0,
    0x80000000,
  );
  const timestamps = [1, 2, 3, 4, 5].map((i) => NOW_MS + i);
  const answer = await push([
    { labels: Labels.of({ a: 'b' }), timestamps, values: new Float64Array(words.buffer) },
  ]);
  assert.equal(answer.status, 204);
  assert.deepEqual(stored(log)[0].words, [...words]);
});

test('series known from before are stored under the same id and place as when they were new', async () => {
  const { log, push } = setUp({}, {}, 16);
  const all = Array.from({ length: 300 }, (_, i) => series({ __name__: `m${i % 7}`, i: `${i}` }));
  await push(all);
  const first = stored(log).map(({ id, partition, labels }) => `${id} ${partition} ${labels}`);
  log.records.length = 0;
  await push(all);
  const second = stored(log).map(({ id, partition, labels }) => `${id} ${partition} ${labels}`);
  assert.equal(new Set(first).size, 300);
  assert.deepEqual(second, first);
  assert.ok(new Set(stored(log).map(({ partition }) => partition)).size > 8);
});

test('the buckets of a classic histogram share a partition and a record, in every process', async () => {
  const buckets = Array.from({ length: 60 }, (_, h) =>
    ['0.1', '1', '10', '+Inf'].map((le) => series({ __name__: 'd_bucket', h: `${h}`, le })),
  ).flat();
  const one = setUp({}, { seed: Uint32Array.of(9, 9, 9, 9) }, 8);
  const other = setUp({}, {}, 8);
  await one.push(buckets);
  await other.push(buckets.toReversed());
  const placeOf = ({ log }: typeof one) => new Map(stored(log).map(({ id, partition }) => [id, partition]));
  assert.equal(placeOf(one).size, placeOf(other).size);
  for (const [id, partition] of placeOf(other)) assert.equal(placeOf(one).get(id), partition);
  const byHistogram = Map.groupBy(stored(one.log), ({ labels }) => labels.get('h'));
  for (const group of byHistogram.values()) {
    assert.equal(group.length, 4);
    assert.equal(new Set(group.map(({ partition }) => partition)).size, 1);
  }
  assert.ok(new Set(placeOf(one).values()).size > 4);
});

test('tenants share neither ids nor records', async () => {
  const { log, push } = setUp();
  await push([series({ a: 'b' })], 'one');
  await push([series({ a: 'b' })], 'two');
  assert.equal(stored(log, 'one').length, 1);
  assert.equal(stored(log, 'two').length, 1);
  assert.notEqual(stored(log, 'one')[0].id, stored(log, 'two')[0].id);
});

test('unsorted labels and empty values are brought into normal form, again and again', async () => {
  const { log, push } = setUp();
  const sent = Labels.fromSorted(['z', '1', 'b', '', 'a', '2']);
  const plain = series({ a: '2', z: '1' });
  for (let i = 0; i < 3; i++) {
    assert.equal((await push([{ ...plain, labels: sent }])).status, 204);
    assert.equal((await push([plain])).status, 204);
  }
  const all = stored(log);
  assert.equal(all.length, 6);
  assert.equal(new Set(all.map(({ id }) => id)).size, 1);
  for (const { labels } of all) assert.deepEqual(labels.pairs, ['a', '2', 'z', '1']);
});

test('each fault of a series or sample is refused by name, the rest of the request stands', async () => {
  const { log, push, registry } = setUp({
    max_label_names_per_series: 3,
    max_label_name_length: 10,
    max_label_value_length: 10,
    max_metric_name_length: 12,
  });
  const raw = (...pairs: string[]): WriteSeries => ({
    labels: Labels.fromSorted(pairs),
    timestamps: [NOW_MS],
    values: [1],
  });
  const bad: [RegExp, WriteSeries][] = [
    [/a label with an empty name/, raw('', 'x', 'a', 'b')],
    [/a label name occurs more than once \("a"\)/, raw('a', 'x', 'a', 'b')],
    [/a series without labels/, raw('a', '')],
    [/more labels than max_label_names_per_series \(4 of 3\)/, raw('a', '1', 'b', '1', 'c', '1', 'd', '1')],
    [/label name is longer/, raw('abcdefghijk', '1')],
    [/label value is longer/, raw('a', 'abcdefghijk')],
    [/metric name is longer/, raw('__name__', 'abcdefghijklm')],
    [/older than the out-of-order time window/, series({ a: 'old' }, NOW_MS - 7_200_001)],
    [/older than the out-of-order time window/, series({ a: 'zero' }, 0)],
    [/too far in the future/, series({ a: 'future' }, NOW_MS + 600_001)],
    [/too far in the future/, series({ a: 'end' }, 2 ** 63 - 1024)],
    [/older than the out-of-order time window/, series({ a: 'begin' }, -(2 ** 63))],
  ];
  for (const [message, one] of bad) {
    const answer = await push([series({ good: '1' }), one, series({ good: '2' })]);
    assert.equal(answer.status, 400);
    assert.match(textOf(answer), message);
    assert.match(textOf(answer), /^1 samples refused, 2 stored\n/);
  }
  assert.equal(stored(log).length, 2 * bad.length);
  const { received, stored: kept, refused } = await counts(registry);
  assert.deepEqual([received, kept, refused], [3 * bad.length, 2 * bad.length, bad.length]);
});

test('samples at the very bounds are stored, those of one series are judged one by one', async () => {
  const { log, push } = setUp();
  const timestamps = [NOW_MS - 7_200_001, NOW_MS - 7_200_000, NOW_MS + 600_000, NOW_MS + 600_001];
  const answer = await push([{ labels: Labels.of({ a: 'b' }), timestamps, values: [1, 2, 3, 4] }]);
  assert.equal(answer.status, 400);
  assert.match(textOf(answer), /refused in all: too_old 1, too_far_in_future 1/);
  assert.deepEqual(stored(log)[0].timestamps, timestamps.slice(1, 3));
});

test('labels that are not UTF-8 are refused by name', async () => {
  const { post } = setUp();
  const body = encodeWriteRequest([series({ a: 'xyz' })]);
  body[body.indexOf(0x7a)] = 0xff;
  const answer = await post(packSnappy(body));
  assert.equal(answer.status, 400);
  assert.match(textOf(answer), /not valid UTF-8/);
});

test('native histograms are refused by name', async () => {
  const { post, log } = setUp();
  const request = new ByteWriter();
  const one = new ByteWriter();
  one.raw(encodeWriteRequest([series({ a: 'b' })]).subarray(2));
  one.u8(0x22);
  one.u8(0);
  request.u8(0x0a);
  request.uvarint(one.length);
  request.raw(one.bytes, 0, one.length);
  const answer = await post(packSnappy(request.take()));
  assert.equal(answer.status, 400);
  assert.match(textOf(answer), /native histograms are not accepted on this endpoint yet/);
  assert.equal(stored(log).length, 1);
});

test('exemplars and metadata travel along; faulty exemplars are refused by name', async () => {
  const { log, post } = setUp({}, {}, 1);
  const pointer = (record: Record<string, string>, timestampMs: number) => ({
    labels: Labels.of(record),
    value: 1,
    timestampMs,
  });
  const body = encodeWriteRequest(
    [
      {
        ...series({ a: 'b' }),
        exemplars: [
          pointer({ trace: 'x' }, NOW_MS),
          pointer({ trace: 'x' }, 0),
          pointer({ trace: 'x'.repeat(130) }, NOW_MS),
        ],
      },
    ],
    [{ metric: 'a', type: 'counter', help: 'h', unit: 'u' }],
  );
  const answer = await post(packSnappy(body));
  assert.equal(answer.status, 400);
  assert.match(textOf(answer), /exemplars 2/);
  const reader = new LogRecordReader();
  reader.decode(log.records[0].record);
  assert.equal(reader.exemplars().length, 1);
  assert.deepEqual(reader.metadata(), [{ metric: 'a', type: 'counter', help: 'h', unit: 'u' }]);
});

test('a request with metadata alone, or with nothing, is a 204', async () => {
  const { log, post } = setUp();
  const body = encodeWriteRequest([], [{ metric: 'a', type: 'gauge', help: 'h', unit: '' }]);
  assert.equal((await post(packSnappy(body))).status, 204);
  assert.equal(log.records.length, 1);
  assert.equal((await post(packSnappy(new Uint8Array(0)))).status, 204);
  assert.equal(log.records.length, 1);
});

test('headers, paths and methods that are not ours get their documented answers', async () => {
  const { post, distributor } = setUp();
  const body = packSnappy(encodeWriteRequest([series({ a: 'b' })]));
  for (const [contentType, status] of [
    ['application/x-protobuf', 204],
    ['application/x-protobuf;proto=prometheus.WriteRequest', 204],
    ['Application/X-Protobuf; proto="prometheus.WriteRequest"', 204],
    ['application/x-protobuf;proto=io.prometheus.write.v2.Request', 415],
    ['application/json', 415],
    ['', 415],
  ] as const) {
    assert.equal((await post(body, { ...HEADERS, 'content-type': contentType })).status, status, contentType);
  }
  assert.equal((await post(body, { 'content-type': HEADERS['content-type'] })).status, 415);
  assert.equal((await post(body, { ...HEADERS, 'content-encoding': 'gzip' })).status, 415);
  const request = { tenant: 'acme', query: '', headers: HEADERS, body };
  const { signal } = new AbortController();
  assert.equal(
    (await distributor.handle({ ...request, method: 'GET', path: '/api/v1/push' }, signal)).status,
    405,
  );
  assert.equal((await distributor.handle({ ...request, method: 'POST', path: '/push' }, signal)).status, 404);
});

test('bombs get 413, garbage gets 400, nothing of either is stored', async () => {
  const { post, log } = setUp({ max_decompressed_size: 100_000, max_recv_msg_size: 50_000 });
  assert.equal((await post(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0))).status, 413);
  assert.equal((await post(packSnappy(new Uint8Array(100_001)))).status, 413);
  assert.equal((await post(new Uint8Array(50_001))).status, 413);
  assert.equal((await post(new Uint8Array(0))).status, 400);
  assert.equal((await post(Uint8Array.of(1, 2, 3, 4))).status, 400);
  const good = encodeWriteRequest([series({ a: 'b' }), series({ c: 'd' })]);
  assert.equal((await post(packSnappy(good.subarray(0, good.length - 1)))).status, 400);
  assert.equal(log.records.length, 0);
});

test('more samples than a request may have are refused whole, naming the limit', async () => {
  const { push, log, registry } = setUp({ max_samples_per_request: 3 });
  const many = ['1', '2', '3', '4'].map((i) => series({ i }));
  assert.equal((await push(many.slice(1))).status, 204);
  const answer = await push(many);
  assert.equal(answer.status, 400);
  assert.match(textOf(answer), /4 samples, max_samples_per_request is 3/);
  assert.equal(stored(log).length, 3);
  assert.deepEqual(await counts(registry), { received: 7, stored: 3, refused: 4 });
});

test('above the ingestion rate a request gets 429 and when to come back', async () => {
  const { push, clock, log } = setUp({ ingestion_rate: 2, ingestion_burst_size: 4 });
  const four = ['1', '2', '3', '4'].map((i) => series({ i }));
  assert.equal((await push(four)).status, 204);
  const refused = await push(four);
  assert.equal(refused.status, 429);
  assert.equal(refused.headers['retry-after'], '2');
  assert.equal(stored(log).length, 4);
  clock.nowMs += 2_000;
  assert.equal((await push(four)).status, 204);
  clock.nowMs += 2_000;
  assert.equal(
    (await push([...four, series({ i: '5' })])).status,
    204,
    'larger than the burst passes in the end',
  );
});

test('a new series above the limit is refused by name, existing ones go on', async () => {
  const { push, clock, current } = setUp({ max_global_series_per_user: 2 });
  assert.equal((await push([series({ i: '1' }), series({ i: '2' })])).status, 204);
  const answer = await push([series({ i: '1' }), series({ i: '3' }), series({ i: '2' })]);
  assert.equal(answer.status, 400);
  assert.match(textOf(answer), /\{i="3"\}: a new series above max_global_series_per_user \(limit 2\)/);
  assert.match(textOf(answer), /1 samples refused, 2 stored/);
  const reordered = { labels: Labels.fromSorted(['z', '', 'i', '1']), timestamps: [NOW_MS], values: [1] };
  assert.equal((await push([reordered])).status, 204, 'an existing series that comes in other bytes');
  current.limits = { ...current.limits, max_global_series_per_user: 3 };
  assert.equal((await push([series({ i: '3' })])).status, 204, 'limits are live');
  assert.equal((await push([series({ i: '4' })])).status, 400);
  clock.nowMs += 90 * 60_000;
  for (let i = 0; i < 64; i++) {
    clock.nowMs += 1_000;
    await push([series({ i: '1' }, clock.nowMs)]);
  }
  assert.equal(
    (await push([series({ i: '4' }, clock.nowMs)])).status,
    204,
    'the others were not seen for an hour',
  );
  assert.equal((await push([series({ i: '5' }, clock.nowMs)])).status, 204);
  assert.equal(
    (await push([series({ i: '2' }, clock.nowMs)])).status,
    400,
    'a series that was away is new again',
  );
});

test('a limit set later counts the series known already', async () => {
  const { push, current } = setUp();
  assert.equal((await push([series({ i: '1' }), series({ i: '2' })])).status, 204);
  current.limits = { ...current.limits, max_global_series_per_user: 1 };
  assert.equal((await push([series({ i: '1' }), series({ i: '2' })])).status, 204);
  assert.equal((await push([series({ i: '3' })])).status, 400);
});

test('until the active series are loaded everything is accepted, then those are existing ones', async () => {
  const { promise, resolve } = Promise.withResolvers<Uint32Array>();
  const { push } = setUp({ max_global_series_per_user: 3 }, { activeSeries: () => promise });
  const early = ['1', '2', '3', '4'].map((i) => series({ i }));
  assert.equal((await push(early)).status, 204);
  const elsewhere = seriesId('acme', Labels.of({ i: 'elsewhere' }));
  resolve(new Uint32Array(elsewhere.slice().buffer));
  await new Promise((next) => setImmediate(next));
  assert.equal((await push([...early, series({ i: 'elsewhere' })])).status, 204);
  assert.equal((await push([series({ i: 'new' })])).status, 400);
});

test('lowered label limits hold for known series too, and raised ones let them in again', async () => {
  const { push, current } = setUp();
  const one = series({ a: 'long value' });
  assert.equal((await push([one])).status, 204);
  current.limits = { ...current.limits, max_label_value_length: 3 };
  assert.match(textOf(await push([one])), /label value is longer/);
  current.limits = { ...current.limits, max_label_value_length: 30 };
  assert.equal((await push([one])).status, 204);
});

test('where any partition fails the whole request is a 503 with Retry-After', async () => {
  const { push, log, registry } = setUp();
  const many = Array.from({ length: 40 }, (_, i) => series({ i: `${i}` }));
  for (const code of ['unavailable', 'disk_full', 'closed'] as const) {
    log.failing.set(2, new WriteLogError(code, code));
    const answer = await push(many);
    assert.equal(answer.status, 503);
    assert.ok(Number(answer.headers['retry-after']) >= 1);
  }
  log.failing.clear();
  assert.equal((await push(many)).status, 204);
  assert.deepEqual(await counts(registry), { received: 160, stored: 40, refused: 120 });
});

test('with too much in flight a request gets 503 before its body is looked at', async () => {
  const { push, log } = setUp({}, { maxInFlightBytes: 10 });
  const { promise, resolve } = Promise.withResolvers<void>();
  log.gate = promise;
  const first = push([series({ a: 'b' })]);
  assert.equal((await push([series({ a: 'b' })])).status, 503);
  resolve();
  assert.equal((await first).status, 204);
  assert.equal((await push([series({ a: 'b' })])).status, 204);
});

test('large requests are cut into records of 512 KB, series with many samples too', async () => {
  const { push, log } = setUp({ max_samples_per_request: 0 }, {}, 1);
  const wide = Array.from({ length: 3_000 }, (_, i) => series({ i: `${i}`, pad: 'x'.repeat(300) }));
  assert.equal((await push(wide)).status, 204);
  assert.ok(log.records.length >= 2);
  for (const { record } of log.records) assert.ok(record.length <= 512 * 1024);
  assert.equal(stored(log).length, 3_000);
  log.records.length = 0;
  const timestamps = Array.from({ length: 500_000 }, (_, i) => NOW_MS - 500_000 + i);
  assert.equal((await push([{ labels: Labels.of({ a: 'b' }), timestamps, values: timestamps }])).status, 204);
  for (const { record } of log.records) assert.ok(record.length <= 8 * 1024 * 1024);
  assert.deepEqual(
    stored(log).flatMap((one) => one.timestamps),
    timestamps,
  );
});

test('random mixes of good and bad: sent = stored + refused by name', async () => {
  const { push, log, registry } = setUp({ max_label_value_length: 20 }, {}, 3);
  let state = 99;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  let sent = 0;
  let good = 0;
  let named = 0;
  for (let request = 0; request < 200; request++) {
    const batch: WriteSeries[] = [];
    let bad = 0;
    for (let i = random(30); i >= 0; i--) {
      const value = random(10) === 0 ? 'x'.repeat(21) : `${random(50)}`;
      const pairs = random(10) === 0 ? ['b', '1', 'a', value] : ['a', value, 'b', '1'];
      if (random(20) === 0) pairs.push('b', '2');
      const timestamps = Array.from({ length: random(4) }, () =>
        random(8) === 0 ? random(1000) : NOW_MS + random(9),
      );
      const seriesBad = value.length > 20 || pairs.length > 4;
      bad += seriesBad ? timestamps.length : timestamps.filter((timestampMs) => timestampMs < 1000).length;
      sent += timestamps.length;
      batch.push({ labels: Labels.fromSorted(pairs), timestamps, values: timestamps });
    }
    const total = batch.reduce((sum, { timestamps }) => sum + timestamps.length, 0);
    good += total - bad;
    const answer = await push(batch);
    assert.equal(answer.status, bad === 0 ? 204 : 400);
    if (bad > 0) {
      const [, refused, kept] = /^(\d+) samples refused, (\d+) stored/.exec(
        textOf(answer),
      ) as RegExpExecArray;
      assert.deepEqual([Number(refused), Number(kept)], [bad, total - bad]);
      const inAll = /refused in all: (.*)/.exec(textOf(answer)) as RegExpExecArray;
      for (const [count] of inAll[1].matchAll(/\d+/g)) named += Number(count);
    }
  }
  const inLog = stored(log).reduce((sum, { timestamps }) => sum + timestamps.length, 0);
  assert.deepEqual([inLog, inLog + named], [good, sent]);
  assert.deepEqual(await counts(registry), { received: sent, stored: good, refused: sent - good });
});

test('damaged bodies get an answer and leave the distributor as it was', async () => {
  const { post, push, log } = setUp();
  const body = encodeWriteRequest(
    Array.from({ length: 8 }, (_, i) => series({ __name__: 'requests_total', i: `${i}` })),
  );
  let state = 7;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let run = 0; run < 3_000; run++) {
    const damaged = body.slice(0, random(3) === 0 ? random(body.length) : body.length);
    for (let flips = random(4); flips > 0 && damaged.length > 0; flips--)
      damaged[random(damaged.length)] ^= 1 << random(8);
    const { status } = await post(packSnappy(damaged));
    assert.ok(status === 204 || status === 400, `${status}`);
  }
  const before = stored(log).length;
  assert.equal((await push([series({ fine: 'yes' })])).status, 204);
  assert.equal(stored(log).length, before + 1);
});
