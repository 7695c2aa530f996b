import assert from 'node:assert/strict';
import test from 'node:test';
import { Labels, STALE_HIGH, STALE_LOW, seriesId } from '@xscaler/model';
import { LogRecordReader } from '@xscaler/wire/log-record';
import { encodeWriteRequest, type WriteSeries } from '@xscaler/wire/remote-write';
import { packSnappy } from '@xscaler/wire/snappy';
import { counts, HEADERS, NOW_MS, series, setUp, stored, textOf } from './distributor.testbed.ts';

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

test('known series keep the id and partition they had when new', async () => {
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

test('unsorted labels and empty values are normalised every time', async () => {
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

test('each fault of a series or sample is refused by name, the rest of the request is stored', async () => {
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
    [/a label has an empty name/, raw('', 'x', 'a', 'b')],
    [/a label name occurs more than once \("a"\)/, raw('a', 'x', 'a', 'b')],
    [/the series has no labels/, raw('a', '')],
    [
      /the series has more labels than max_label_names_per_series \(4 of 3\)/,
      raw('a', '1', 'b', '1', 'c', '1', 'd', '1'),
    ],
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

test('samples exactly at the bounds are stored; samples of a series are judged one by one', async () => {
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

test('remote write 2.0 metadata with an unknown help symbol is refused by name, its sample is stored', async () => {
  const { log, post } = setUp({}, {}, 1);
  const time = Array.from(
    { length: 6 },
    (_, i) => (Math.floor(NOW_MS / 128 ** i) & 0x7f) | (i < 5 ? 0x80 : 0),
  );
  const sample = [0x12, 16, 0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x10, ...time];
  const message = [0x0a, 2, 1, 2, ...sample, 0x2a, 4, 0x08, 1, 0x18, 9];
  const symbols = [0x22, 0, 0x22, 1, 0x61, 0x22, 1, 0x62];
  const body = Uint8Array.from([...symbols, 0x2a, message.length, ...message]);
  const contentType = 'application/x-protobuf;proto=io.prometheus.write.v2.Request';
  const answer = await post(packSnappy(body), { ...HEADERS, 'content-type': contentType });
  assert.equal(answer.status, 400);
  assert.match(textOf(answer), /^series of \["a", "b"\]: a symbol reference .*\(help or unit/m);
  assert.equal(log.records.length, 1);
});

test('an empty request, or one with only metadata, is a 204', async () => {
  const { log, post } = setUp();
  const body = encodeWriteRequest([], [{ metric: 'a', type: 'gauge', help: 'h', unit: '' }]);
  assert.equal((await post(packSnappy(body))).status, 204);
  assert.equal(log.records.length, 1);
  assert.equal((await post(packSnappy(new Uint8Array(0)))).status, 204);
  assert.equal(log.records.length, 1);
});

test('unsupported headers, paths and methods get their documented answers', async () => {
  const { post, distributor } = setUp();
  const body = packSnappy(encodeWriteRequest([series({ a: 'b' })]));
  for (const [contentType, status] of [
    ['application/x-protobuf', 204],
    ['application/x-protobuf;proto=prometheus.WriteRequest', 204],
    ['Application/X-Protobuf; proto="prometheus.WriteRequest"', 204],
    ['application/x-protobuf;proto=io.prometheus.write.v3.Request', 415],
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
