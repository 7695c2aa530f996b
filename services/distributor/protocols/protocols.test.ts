import assert from 'node:assert/strict';
import test from 'node:test';
import zlib from 'node:zlib';
import { type FloatHistogram, Labels } from '@xscaler/model';
import { limitsSchema } from '@xscaler/tenancy/limits';
import { LogRecordReader } from '@xscaler/wire/log-record';
import { encodeExportRequest } from '@xscaler/wire/otlp';
import { encodeWriteRequestV2, type WriteSeriesV2 } from '@xscaler/wire/remote-write';
import { packSnappy } from '@xscaler/wire/snappy';
import { counts, HEADERS, type MemoryLog, NOW_MS, setUp, stored, textOf } from '../distributor.testbed.ts';

const V2_HEADERS = {
  ...HEADERS,
  'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
};

const HISTOGRAM: FloatHistogram = {
  schema: 3,
  zeroThreshold: 1e-128,
  zeroCount: 1,
  count: 6,
  sum: 10,
  positiveSpans: [{ offset: 2, length: 2 }],
  positiveBuckets: [2, 3],
  negativeSpans: [],
  negativeBuckets: [],
  customValues: [],
  counterResetHint: 'unknown',
};

const written = (headers: Readonly<Record<string, string>>) =>
  ['samples', 'histograms', 'exemplars'].map((kind) => headers[`x-prometheus-remote-write-${kind}-written`]);

const series = (record: Record<string, string>, fields: Partial<WriteSeriesV2> = {}): WriteSeriesV2 => ({
  labels: Labels.of(record),
  timestamps: [NOW_MS],
  values: [1],
  ...fields,
});

function records(log: MemoryLog): LogRecordReader[] {
  return log.records.map(({ record }) => {
    const reader = new LogRecordReader();
    reader.decode(record);
    return reader;
  });
}

test('remote write 2.0: samples, histograms, exemplars, metadata and start timestamps are stored and counted', async () => {
  const { post, log } = setUp({}, {}, 1);
  const body = encodeWriteRequestV2([
    series(
      { __name__: 'c_total' },
      {
        startTimes: [NOW_MS - 60_000],
        exemplars: [{ labels: Labels.of({ trace_id: 'x' }), value: 1, timestampMs: NOW_MS }],
        metadata: { type: 'counter', help: 'Help.', unit: '' },
      },
    ),
    {
      labels: Labels.of({ __name__: 'h' }),
      histograms: [
        { timestampMs: NOW_MS, histogram: HISTOGRAM, startMs: NOW_MS - 5 },
        { timestampMs: NOW_MS + 1, histogram: { ...HISTOGRAM, count: 6.5 } },
      ],
    },
  ]);
  const answer = await post(packSnappy(body), V2_HEADERS);
  assert.equal(answer.status, 204, textOf(answer));
  assert.deepEqual(written(answer.headers), ['1', '2', '1']);
  const [record] = records(log);
  assert.deepEqual([...(record.startTimes ?? []).slice(0, 3)], [NOW_MS - 60_000, NOW_MS - 5, 0]);
  assert.deepEqual(
    record.histograms().map(({ sample, histogram }) => [sample, histogram.count, histogram.isInteger]),
    [
      [1, 6, true],
      [2, 6.5, false],
    ],
  );
  assert.equal(record.exemplars().length, 1);
  assert.deepEqual(record.metadata(), [{ metric: 'c_total', type: 'counter', help: 'Help.', unit: '' }]);
});

test('remote write 2.0: what is left out as intended counts as written, and the text says what is stored', async () => {
  const drop = { action: 'drop', source_labels: ['__name__'], regex: 'go_.*' };
  const { metric_relabel_configs } = limitsSchema.parse({ metric_relabel_configs: [drop] });
  const { post, log } = setUp({ metric_relabel_configs });
  const fields = (timestampMs: number): Partial<WriteSeriesV2> => ({
    timestamps: [timestampMs, timestampMs + 1],
    values: [1, 2],
    histograms: [{ timestampMs: timestampMs + 2, histogram: HISTOGRAM }],
    exemplars: [{ labels: Labels.of({ trace_id: 'x' }), value: 1, timestampMs }],
  });
  const of = (replica: string, more: readonly WriteSeriesV2[] = []) => {
    const labels = { __name__: 'up', cluster: 'eu', __replica__: replica };
    return post(packSnappy(encodeWriteRequestV2([series(labels, fields(NOW_MS)), ...more])), V2_HEADERS);
  };
  const elected = await of('a', [series({ __name__: 'go_gc' }, fields(NOW_MS))]);
  assert.deepEqual([elected.status, ...written(elected.headers)], [204, '4', '2', '2']);
  const other = await of('b', [series({ __name__: 'go_gc' }, fields(NOW_MS))]);
  assert.deepEqual([other.status, ...written(other.headers)], [202, '4', '2', '2']);
  assert.match(textOf(other), /^0 samples refused, 0 stored, 6 left out\n/);
  const bad = await of('b', [series({ __name__: 'old' }, { ...fields(5), exemplars: [] })]);
  assert.deepEqual([bad.status, ...written(bad.headers)], [400, '2', '1', '1']);
  assert.equal(records(log).length, 1);
});

test('remote write 2.0: the counts are exact if some or all is refused', async () => {
  const { post, log, current } = setUp();
  const mixed = encodeWriteRequestV2([
    series({ a: '1' }, { timestamps: [NOW_MS, 5], values: [1, 2] }),
    {
      labels: Labels.of({ b: '1' }),
      histograms: [{ timestampMs: NOW_MS, histogram: { ...HISTOGRAM, count: 5 }, asFloats: false }],
    },
    { labels: Labels.of({ c: '1' }), histograms: [{ timestampMs: 5, histogram: HISTOGRAM }] },
    { labels: Labels.of({ d: '1' }), histograms: [{ timestampMs: NOW_MS, histogram: HISTOGRAM }] },
  ]);
  const answer = await post(packSnappy(mixed), V2_HEADERS);
  assert.equal(answer.status, 400);
  assert.deepEqual(written(answer.headers), ['1', '1', '0']);
  assert.match(textOf(answer), /^3 samples refused, 2 stored\n/);
  assert.match(textOf(answer), /refused in all: too_old 2, invalid_histogram 1\n/);
  assert.match(textOf(answer), /\{b="1"\}: the native histogram is inconsistent \(6 observations/);
  current.limits = { ...current.limits, max_samples_per_request: 1 };
  const tooLarge = await post(packSnappy(mixed), V2_HEADERS);
  assert.deepEqual([tooLarge.status, ...written(tooLarge.headers)], [400, '0', '0', '0']);
  assert.equal(stored(log).length, 2);
  const garbage = await post(packSnappy(Buffer.from([0x2a, 9])), V2_HEADERS);
  assert.deepEqual([garbage.status, ...written(garbage.headers)], [400, '0', '0', '0']);
});

test('while an ingester reads only old records, histograms get a 503 and start timestamps are left out', async () => {
  const version = { current: 1 };
  const { post, log } = setUp({}, { recordVersion: () => version.current }, 1);
  const plain = series({ a: '1' }, { startTimes: [NOW_MS - 5] });
  const noted = {
    labels: Labels.of({ h: '1' }),
    histograms: [{ timestampMs: NOW_MS, histogram: HISTOGRAM }],
  };
  const send = (...all: WriteSeriesV2[]) => post(packSnappy(encodeWriteRequestV2(all)), V2_HEADERS);
  assert.equal((await send(plain)).status, 204);
  const later = await send(plain, noted);
  assert.deepEqual([later.status, ...written(later.headers)], [503, '0', '0', '0']);
  assert.ok(Number(later.headers['retry-after']) > 0);
  assert.deepEqual(
    log.records.map(({ record }) => record[0]),
    [1],
  );
  version.current = 2;
  assert.equal((await send(plain, noted)).status, 204);
  assert.equal(log.records[1].record[0], 2);
});

test('a series is the same one in every protocol', async () => {
  const { post, postOtlp, log, push } = setUp();
  const labels = { __name__: 'up_ratio', instance: 'i', job: 'j' };
  await push([{ labels: Labels.of(labels), timestamps: [NOW_MS], values: [1] }]);
  for (let i = 0; i < 2; i++) await post(packSnappy(encodeWriteRequestV2([series(labels)])), V2_HEADERS);
  const request = otlp([gauge('up', 1)], { 'service.name': 'j', 'service.instance.id': 'i' });
  for (let i = 0; i < 2; i++) await postOtlp(encodeExportRequest(request));
  const all = stored(log);
  assert.equal(all.length, 5);
  assert.equal(
    new Set(all.map(({ id, labels: one }) => `${id} ${one}`)).size,
    1,
    `${all.map(({ labels: one }) => one)}`,
  );
});

test('repeated metadata is stored only now and then, unless it was lost', async () => {
  const { post, log, clock, current } = setUp({}, {}, 1);
  const metadata = { type: 'gauge', help: 'Help.', unit: '' } as const;
  const body = packSnappy(encodeWriteRequestV2([series({ __name__: 'g' }, { metadata })]));
  const stored = () => records(log).flatMap((record) => record.metadata()).length;
  const shard = current.shard;
  for (const [minutes, isUp, expected] of [
    [0, true, 1],
    [5, true, 1],
    [11, true, 2],
    [25, false, 2],
    [26, true, 3],
  ] as const) {
    clock.nowMs = NOW_MS + minutes * 60_000;
    current.shard = isUp ? shard : undefined;
    assert.equal((await post(body, V2_HEADERS)).status, isUp ? 204 : 503);
    assert.equal(stored(), expected, `${minutes}`);
  }
});

const otlp = (metrics: readonly object[], resource: Record<string, string> = {}) => ({
  resourceMetrics: [
    {
      resource: {
        attributes: Object.entries(resource).map(([key, stringValue]) => ({ key, value: { stringValue } })),
      },
      scopeMetrics: [{ metrics }],
    },
  ],
});

const gauge = (name: string, ...values: number[]) => ({
  name,
  unit: '1',
  gauge: {
    dataPoints: values.map((asDouble, i) => ({
      timeUnixNano: `${NOW_MS}000000`,
      asDouble,
      attributes: i === 0 ? [] : [{ key: 'i', value: { intValue: i } }],
    })),
  },
});

test('OTLP: protobuf and JSON, however compressed, are answered in kind', async () => {
  const { postOtlp, log } = setUp();
  const request = otlp([gauge('room.temperature', 21)]);
  const protobuf = encodeExportRequest(request);
  const json = Buffer.from(JSON.stringify(request));
  const encodings: [string, (body: Uint8Array) => Uint8Array][] = [
    ['identity', (body) => body],
    ['gzip', zlib.gzipSync],
    ['zstd', zlib.zstdCompressSync],
    ['deflate', zlib.deflateSync],
    ['deflate', zlib.deflateRawSync],
  ];
  for (const path of ['/otlp/v1/metrics', '/v1/metrics']) {
    for (const [encoding, pack] of encodings) {
      const one = await postOtlp(pack(protobuf), { 'content-encoding': encoding }, path);
      assert.deepEqual([one.status, one.body.length], [200, 0]);
      assert.equal(one.headers['content-type'], 'application/x-protobuf');
      const headers = { 'content-type': 'application/json; charset=utf-8', 'content-encoding': encoding };
      const other = await postOtlp(pack(json), headers, path);
      assert.deepEqual(
        [other.status, textOf(other), other.headers['content-type']],
        [200, '{}', 'application/json'],
      );
    }
  }
  assert.equal(stored(log).length, 20);
  assert.deepEqual(stored(log)[0].labels.pairs, ['__name__', 'room_temperature_ratio']);
});

test('OTLP: refused points are a partial success that counts and names them', async () => {
  const { postOtlp, log, registry } = setUp({ max_label_value_length: 20 });
  const long = { key: 'long', value: { stringValue: 'x'.repeat(21) } };
  const time = { timeUnixNano: `${NOW_MS}000000` };
  const histogram = { count: 3, sum: 1, bucketCounts: [1, 2], explicitBounds: [1] };
  const request = otlp(
    [
      gauge('g', 1, 2),
      {
        name: 'h',
        histogram: { aggregationTemporality: 2, dataPoints: [{ ...time, ...histogram, attributes: [long] }] },
      },
      {
        name: 'd',
        sum: {
          aggregationTemporality: 1,
          dataPoints: [
            { ...time, asInt: 1 },
            { ...time, asInt: 2 },
          ],
        },
      },
      { name: 'old', gauge: { dataPoints: [{ timeUnixNano: '5', asInt: 1 }] } },
      { name: 'none', gauge: { dataPoints: [time] } },
    ],
    { 'service.name': 's', host: 'h' },
  );
  const answer = await postOtlp(Buffer.from(JSON.stringify(request)), { 'content-type': 'application/json' });
  assert.equal(answer.status, 200);
  const { partialSuccess } = JSON.parse(textOf(answer));
  assert.equal(partialSuccess.rejectedDataPoints, '5');
  assert.match(partialSuccess.errorMessage, /^8 samples refused, 3 stored\n/);
  assert.match(
    partialSuccess.errorMessage,
    /label_value_too_long 4, delta_temporality 2, too_old 1, no_value 1$/,
  );
  assert.match(partialSuccess.errorMessage, /metric "d": delta temporality is not accepted/);
  assert.deepEqual(
    stored(log)
      .map(({ labels }) => labels.metricName)
      .sort(),
    ['g_ratio', 'g_ratio', 'target_info'],
  );
  assert.deepEqual(await counts(registry), { received: 11, stored: 3, refused: 8 });
});

test('OTLP: other requests are served while a long JSON body is read', async () => {
  const { postOtlp } = setUp();
  const points = Buffer.from(
    JSON.stringify(otlp(Array.from({ length: 9_000 }, (_, i) => gauge(`g${i}`, i)))),
  );
  let turns = 0;
  let isDone = false;
  const takeTurns = () => {
    turns++;
    if (!isDone) setImmediate(takeTurns);
  };
  setImmediate(takeTurns);
  const answer = await postOtlp(points, { 'content-type': 'application/json' });
  isDone = true;
  assert.equal(answer.status, 200);
  assert.ok(turns >= Math.floor(points.length / 262_144), `${turns} turns, ${points.length} bytes`);
  assert.ok(turns > 2);
});

test('OTLP: a refused request gets a Status, with a retry delay if a retry helps', async () => {
  const { postOtlp, current, log } = setUp({ max_decompressed_size: 10_000 });
  const json = { 'content-type': 'application/json' };
  const body = Buffer.from(JSON.stringify(otlp([gauge('g', 1, 2, 3)])));
  const expectStatus = async (
    sent: Uint8Array,
    headers: Record<string, string>,
    status: number,
    code: number,
  ) => {
    const answer = await postOtlp(sent, { ...json, ...headers });
    assert.equal(answer.status, status, textOf(answer));
    assert.equal(answer.headers['content-type'], 'application/json');
    const parsed = JSON.parse(textOf(answer));
    assert.equal(parsed.code, code);
    assert.ok(parsed.message.length > 5);
    return { answer, parsed };
  };
  await expectStatus(Buffer.from('{'), {}, 400, 3);
  await expectStatus(Uint8Array.of(0x22, 0xff, 0x22), {}, 400, 3);
  await expectStatus(body, { 'content-encoding': 'gzip' }, 400, 3);
  await expectStatus(body, { 'content-encoding': 'zstd' }, 400, 3);
  await expectStatus(zlib.gzipSync(body).subarray(0, -9), { 'content-encoding': 'gzip' }, 400, 3);
  await expectStatus(zlib.zstdCompressSync(body).subarray(0, -3), { 'content-encoding': 'zstd' }, 400, 3);
  await expectStatus(body, { 'content-encoding': 'br' }, 415, 3);
  for (const pack of [zlib.gzipSync, zlib.deflateSync, zlib.zstdCompressSync, (bytes: Buffer) => bytes]) {
    const encoding =
      pack === zlib.gzipSync
        ? 'gzip'
        : pack === zlib.deflateSync
          ? 'deflate'
          : pack === zlib.zstdCompressSync
            ? 'zstd'
            : '';
    await expectStatus(pack(Buffer.alloc(1_000_000)), { 'content-encoding': encoding }, 413, 3);
  }
  const unsupported = await postOtlp(body, { 'content-type': 'text/plain' });
  assert.equal(unsupported.status, 415);
  assert.equal(unsupported.headers['content-type'], 'application/x-protobuf');
  current.limits = { ...current.limits, ingestion_rate: 1, ingestion_burst_size: 1 };
  await postOtlp(body, json);
  const { answer, parsed } = await expectStatus(body, {}, 429, 8);
  assert.ok(Number(answer.headers['retry-after']) >= 1);
  assert.equal(parsed.details[0]['@type'], 'type.googleapis.com/google.rpc.RetryInfo');
  current.shard = undefined;
  await expectStatus(body, {}, 503, 14);
  assert.ok(log.records.length <= 4);
});

test('OTLP: a request is bounded by its data points', async () => {
  const { postOtlp } = setUp({ max_samples_per_request: 10 });
  const bounds = Array.from({ length: 15 }, (_, i) => i);
  const points = (count: number) =>
    encodeExportRequest(
      otlp([
        {
          name: 'h',
          histogram: {
            aggregationTemporality: 2,
            dataPoints: Array.from({ length: count }, (_, i) => ({
              timeUnixNano: `${NOW_MS + i}000000`,
              count: 16,
              sum: 1,
              bucketCounts: [...bounds, 1].map(() => 1),
              explicitBounds: bounds,
            })),
          },
        },
      ]),
    );
  assert.equal((await postOtlp(points(10))).status, 200);
  const answer = await postOtlp(points(11));
  assert.equal(answer.status, 400);
  assert.match(textOf(answer), /11 data points, max_samples_per_request is 10/);
});

test('each tenant’s settings decide how names are translated', async () => {
  const { postOtlp, log, current } = setUp();
  const body = encodeExportRequest(
    otlp([gauge('room.temperature', 1)], { 'service.name': 's', 'k8s.pod.name': 'p' }),
  );
  await postOtlp(body);
  current.limits = {
    ...current.limits,
    otel_translation_strategy: 'NoTranslation',
    promote_otel_resource_attributes: 'k8s.pod.name, other',
  };
  await postOtlp(body);
  assert.deepEqual(
    stored(log)
      .filter(({ labels }) => labels.metricName !== 'target_info')
      .map(({ labels }) => labels.toRecord()),
    [
      { __name__: 'room_temperature_ratio', job: 's' },
      { __name__: 'room.temperature', job: 's', 'k8s.pod.name': 'p' },
    ],
  );
});

test('each tenant’s settings decide how histograms, deltas, scopes and resources are stored', async () => {
  const { postOtlp, log, current } = setUp({}, {}, 1);
  const time = { timeUnixNano: `${NOW_MS}000000` };
  const latency = { ...time, count: 3, sum: 1, bucketCounts: [1, 2], explicitBounds: [1] };
  const [resource] = otlp(
    [
      { name: 'h', histogram: { aggregationTemporality: 2, dataPoints: [latency] } },
      {
        name: 'd',
        sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints: [{ ...time, asInt: 4 }] },
      },
    ],
    { 'service.name': 's', host: 'h' },
  ).resourceMetrics;
  const [{ metrics }] = resource.scopeMetrics;
  const scopeMetrics = [{ scope: { name: 'lib' }, metrics }];
  const body = encodeExportRequest({ resourceMetrics: [{ ...resource, scopeMetrics }] });
  const refused = Buffer.from((await postOtlp(body)).body).toString();
  assert.match(refused, /delta_temporality 1$/);
  const names = () => stored(log).map(({ labels }) => labels.toString());
  assert.deepEqual(names().sort(), [
    '{__name__="h_bucket", job="s", le="+Inf"}',
    '{__name__="h_bucket", job="s", le="1"}',
    '{__name__="h_count", job="s"}',
    '{__name__="h_sum", job="s"}',
    '{__name__="target_info", host="h", job="s"}',
  ]);
  log.records.length = 0;
  current.limits = {
    ...current.limits,
    otel_convert_histograms_to_nhcb: true,
    otel_native_delta_ingestion: true,
    otel_promote_scope_metadata: true,
    otel_keep_identifying_resource_attributes: true,
  };
  assert.equal((await postOtlp(body)).body.length, 0);
  assert.deepEqual(names().sort(), [
    '{__name__="d_total", job="s", otel_scope_name="lib"}',
    '{__name__="h", job="s", otel_scope_name="lib"}',
    '{__name__="target_info", host="h", job="s", service_name="s"}',
  ]);
  const [{ histogram }] = records(log).flatMap((record) => record.histograms());
  assert.deepEqual([histogram.schema, histogram.count, histogram.customValues], [-53, 3, [1]]);
});
