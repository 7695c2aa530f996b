import assert from 'node:assert/strict';
import test from 'node:test';
import {
  CUMULATIVE,
  DELTA,
  lines,
  nanos,
  point,
  read,
  readBytes,
  request,
  SERVICE,
  T_MS,
} from './otlp.testbed.ts';
import { encodeExportRequest } from './request-json.ts';

const gauge = (name: string, dataPoints: readonly object[], unit = '') => ({
  name,
  unit,
  gauge: { dataPoints },
});
const sum = (name: string, dataPoints: readonly object[], isMonotonic = true, unit = '') => ({
  name,
  unit,
  sum: { dataPoints, isMonotonic, aggregationTemporality: CUMULATIVE },
});
const histogram = (name: string, dataPoints: readonly object[], temporality = CUMULATIVE) => ({
  name,
  unit: 's',
  histogram: { dataPoints, aggregationTemporality: temporality },
});
const exponential = (name: string, dataPoints: readonly object[], temporality = CUMULATIVE) => ({
  name,
  exponentialHistogram: { dataPoints, aggregationTemporality: temporality },
});

test('gauges and sums become series of one sample', () => {
  const got = read(
    request(
      [
        gauge(
          'room.temperature',
          [point({ asDouble: 21.5 }, { room: 'a' }), point({ asInt: '-3' }, { room: 'b' })],
          'Cel',
        ),
        sum('requests', [point({ asInt: '9007199254740993' }, { 'http.method': 'GET' })]),
        sum('in.flight', [point({ asInt: 4 })], false),
      ],
      { 'service.name': 'api' },
    ),
  );
  assert.deepEqual(lines(got), [
    'room_temperature_celsius{job="api", room="a"} 21.5',
    'room_temperature_celsius{job="api", room="b"} -3',
    'requests_total{http_method="GET", job="api"} 9007199254740992',
    'in_flight{job="api"} 4',
  ]);
  assert.deepEqual(
    got.metadata.map(({ metric, type, unit }) => [metric, type, unit]),
    [
      ['room_temperature_celsius', 'gauge', 'celsius'],
      ['requests_total', 'counter', ''],
      ['in_flight', 'gauge', ''],
    ],
  );
});

test('a histogram becomes a classic one: sum, count and cumulative buckets', () => {
  const got = read(
    request([
      histogram('d', [
        point(
          { count: 10, sum: 12.5, bucketCounts: [1, 2, 3, 4], explicitBounds: [0.1, 1, 1e21] },
          { le: 'x' },
        ),
        point({ count: '7' }, { only: 'count' }),
      ]),
    ]),
  );
  assert.deepEqual(lines(got), [
    'd_seconds_sum{le="x"} 12.5',
    'd_seconds_count{le="x"} 10',
    'd_seconds_bucket{le="0.1"} 1',
    'd_seconds_bucket{le="1"} 3',
    'd_seconds_bucket{le="1000000000000000000000"} 6',
    'd_seconds_bucket{le="+Inf"} 10',
    'd_seconds_count{only="count"} 7',
    'd_seconds_bucket{le="+Inf", only="count"} 7',
  ]);
});

test('a histogram becomes a native one of custom buckets if the tenant wants that', () => {
  const [series] = read(
    request([
      histogram('d', [
        point({
          count: 10,
          sum: 2,
          bucketCounts: [0, 0, 0, 3, 0, 0, 0, 0, 7],
          explicitBounds: [1, 2, 3, 4, 5, 6, 7, 8],
        }),
      ]),
    ]),
    { histogramsToCustomBuckets: true },
  ).series;
  assert.equal(series.labels.metricName, 'd_seconds');
  assert.deepEqual(series.histograms[0].histogram, {
    schema: -53,
    zeroThreshold: 0,
    zeroCount: 0,
    count: 10,
    sum: 2,
    positiveSpans: [
      { offset: 3, length: 1 },
      { offset: 4, length: 1 },
    ],
    positiveBuckets: [3, 7],
    negativeSpans: [],
    negativeBuckets: [],
    customValues: [1, 2, 3, 4, 5, 6, 7, 8],
    counterResetHint: 'unknown',
  });
});

test('an exponential histogram becomes a native one, its buckets moved up by one', () => {
  const [series] = read(
    request([
      exponential('e', [
        point({
          count: 21,
          sum: 100,
          scale: 2,
          zeroCount: 3,
          zeroThreshold: 0.001,
          positive: { offset: -2, bucketCounts: [1, 0, 2, '3'] },
          negative: { offset: 5, bucketCounts: [4, 0, 0, 0, 8] },
        }),
      ]),
    ]),
  ).series;
  assert.deepEqual(series.histograms, [
    {
      timestampMs: T_MS,
      startMs: 0,
      fault: undefined,
      histogram: {
        schema: 2,
        zeroThreshold: 0.001,
        zeroCount: 3,
        count: 21,
        sum: 100,
        positiveSpans: [{ offset: -1, length: 4 }],
        positiveBuckets: [1, 0, 2, 3],
        negativeSpans: [
          { offset: 6, length: 1 },
          { offset: 3, length: 1 },
        ],
        negativeBuckets: [4, 8],
        customValues: [],
        counterResetHint: 'unknown',
      },
    },
  ]);
});

test('a scale above 8 is scaled down, one below −4 refused', () => {
  const of = (scale: number) =>
    exponential('e', [
      point(
        { count: 10, scale, positive: { offset: -3, bucketCounts: [1, 2, 3, 4] }, sum: 1 },
        { scale: `${scale}` },
      ),
    ]);
  const { series, refusals } = read(request([of(10), of(-4), of(-5)]));
  assert.deepEqual(
    series.map(({ histograms: [{ histogram }] }) => [
      histogram?.schema,
      histogram?.positiveSpans,
      histogram?.positiveBuckets,
    ]),
    [
      // Indexes −3 … 0 of scale 10 are −1, −1, −1, 0 of scale 8, one higher in Prometheus' count.
      [8, [{ offset: 0, length: 2 }], [6, 4]],
      [-4, [{ offset: -2, length: 4 }], [1, 2, 3, 4]],
    ],
  );
  assert.equal(series[0].histograms[0].histogram?.zeroThreshold, 1e-128);
  assert.deepEqual(
    refusals.map(({ reason, count, subject }) => [reason, count, subject]),
    [['histogram_scale', 1, 'metric "e"']],
  );
});

test('a summary becomes sum, count and quantiles', () => {
  const quantileValues = [
    { quantile: 0, value: 0.1 },
    { quantile: 0.5, value: 2 },
    { quantile: 0.99, value: 'NaN' },
  ];
  const got = read(
    request([
      {
        name: 's',
        unit: 'ms',
        summary: { dataPoints: [point({ count: 3, sum: 6, quantileValues }, { a: 'b' })] },
      },
    ]),
  );
  assert.deepEqual(lines(got), [
    's_milliseconds_sum{a="b"} 6',
    's_milliseconds_count{a="b"} 3',
    's_milliseconds{a="b", quantile="0"} 0.1',
    's_milliseconds{a="b", quantile="0.5"} 2',
    's_milliseconds{a="b", quantile="0.99"} NaN',
  ]);
  assert.equal(got.metadata[0].type, 'summary');
});

test('job and instance are of the service, and stand above attributes of the same name', () => {
  const metrics = [gauge('g', [point({ asInt: 1 }, { job: 'mine', instance: 'mine', host: 'h' })])];
  assert.deepEqual(lines(read(request(metrics, SERVICE))), ['g{host="h", instance="i-1", job="shop/api"} 1']);
  assert.deepEqual(lines(read(request(metrics, { 'service.namespace': 'shop' }))), [
    'g{host="h", instance="mine", job="mine"} 1',
  ]);
});

test('target_info has what else is known of the resource, while it has points', () => {
  const resource = { ...SERVICE, 'host.name': 'h1', 'process.pid': { intValue: '42' } };
  const metrics = [
    gauge('g', [
      point({ asInt: 1 }, {}, T_MS - 400_000),
      point({ asInt: 2 }),
      point({ asInt: 3 }, {}, T_MS - 1_000),
    ]),
  ];
  const info = (settings = {}) =>
    lines(read(request(metrics, resource), settings)).filter((line) => line.startsWith('target_info'));
  const labels = 'target_info{host_name="h1", instance="i-1", job="shop/api", process_pid="42"} 1';
  assert.deepEqual(info(), [`${labels} @-400000`, `${labels} @-250000`, `${labels} @-100000`, labels]);
  assert.match(
    info({ keepIdentifyingAttributes: true })[0],
    /service_instance_id="i-1", service_name="api", service_namespace="shop"/,
  );
  const { metadata } = read(request(metrics, resource));
  assert.deepEqual(metadata.at(-1), {
    metric: 'target_info',
    type: 'gauge',
    help: 'Target metadata',
    unit: '',
  });
});

test('there is no target_info without anything to say, anyone to say it of, or a point', () => {
  const metrics = [gauge('g', [point({ asInt: 1 })])];
  assert.equal(lines(read(request(metrics, SERVICE))).length, 1);
  assert.equal(lines(read(request(metrics, { 'host.name': 'h' }))).length, 1);
  assert.equal(lines(read(request([gauge('g', [])], { ...SERVICE, 'host.name': 'h' }))).length, 0);
  assert.equal(lines(read(request([gauge('g', [point({})])], { ...SERVICE, 'host.name': 'h' }))).length, 0);
});

test('points at times that nobody would store give target_info no samples, and all that would no more than a bound', () => {
  const metrics = [
    gauge('g', [point({ asInt: 1 }, {}, 1), point({ asInt: 1 }), point({ asInt: 1 }, {}, 2 * T_MS)]),
  ];
  const json = request(metrics, { ...SERVICE, 'host.name': 'h' });
  const infoOf = (all: string[]) => all.filter((line) => line.startsWith('target_info'));
  const bounds = { minMs: T_MS - 1_000, maxMs: T_MS + 1_000 };
  assert.deepEqual(infoOf(lines(readBytes(encodeExportRequest(json), bounds))), [
    'target_info{host_name="h", instance="i-1", job="shop/api"} 1',
  ]);
  const nothing = { minMs: T_MS + 1, maxMs: 2 * T_MS - 1 };
  assert.deepEqual(infoOf(lines(readBytes(encodeExportRequest(json), nothing))), []);
  assert.equal(infoOf(lines(read(json))).length, 100);
});

test('attributes whose names become one are joined in the order of their keys', () => {
  const metrics = [gauge('g', [point({ asInt: 1 }, { 'a.b': '1', a_b: '2', 'a-b': '3' })])];
  assert.deepEqual(lines(read(request(metrics))), ['g{a_b="3;1;2"} 1']);
  assert.deepEqual(lines(read(request(metrics), { strategy: 'NoTranslation' })), [
    'g{a-b="3", a.b="1", a_b="2"} 1',
  ]);
});

test('attributes of every type have a text', () => {
  const values = {
    a: { boolValue: true },
    b: { intValue: '-9223372036854775808' },
    c: { doubleValue: 1.5e-9 },
    d: { bytesValue: 'aGk=' },
    e: { arrayValue: { values: [{ stringValue: 'x<y' }, { intValue: 1 }, { doubleValue: 2.5 }, {}] } },
    f: {
      kvlistValue: {
        values: [
          { key: 'z', value: { boolValue: false } },
          { key: 'y', value: { bytesValue: 'aGk=' } },
        ],
      },
    },
    g: { stringValue: '' },
    h: {},
  };
  const [{ labels }] = read(request([gauge('m', [point({ asInt: 1 }, values)])])).series;
  assert.deepEqual(labels.toRecord(), {
    __name__: 'm',
    a: 'true',
    b: '-9223372036854775808',
    c: '1.5e-9',
    d: 'aGk=',
    e: '["x\\u003cy",1,2.5,null]',
    f: '{"y":"aGk=","z":false}',
  });
});

test('resource attributes and the scope become labels if the tenant wants that', () => {
  const scope = {
    name: 'lib',
    version: '1.2',
    attributes: [{ key: 'short.name', value: { stringValue: 'l' } }],
  };
  const metrics = [gauge('g', [point({ asInt: 1 }, { 'k8s.pod.name': 'mine' })])];
  const resource = { 'k8s.pod.name': 'p', 'k8s.namespace.name': 'n', other: 'o' };
  const promotedResourceAttributes = ['k8s.pod.name', 'k8s.namespace.name', 'absent'];
  assert.deepEqual(lines(read(request(metrics, resource, scope, 'https://s'))), ['g{k8s_pod_name="mine"} 1']);
  assert.deepEqual(
    lines(
      read(request(metrics, resource, scope, 'https://s'), {
        promotedResourceAttributes,
        promoteScope: true,
      }),
    ),
    [
      'g{k8s_namespace_name="n", k8s_pod_name="mine", otel_scope_name="lib", otel_scope_schema_url="https://s", otel_scope_short_name="l", otel_scope_version="1.2"} 1',
    ],
  );
});

test('points without a recorded value are staleness markers, in every series of the point', () => {
  const flags = 1;
  const metrics = [
    gauge('g', [point({ flags })]),
    sum('s', [point({ flags, asInt: 5 })]),
    histogram('h', [point({ flags, explicitBounds: [1, 2], bucketCounts: [0, 0, 0] })]),
    exponential('e', [point({ flags })]),
    { name: 'q', summary: { dataPoints: [point({ flags, quantileValues: [{ quantile: 0.5 }] })] } },
  ];
  const resource = { 'service.name': 'api', host: 'h' };
  assert.deepEqual(
    lines(read(request(metrics, resource))).map((line) => line.replace('job="api"', '').replace(', ', '')),
    [
      'g{} stale',
      's_total{} stale',
      'h_seconds_sum{} stale',
      'h_seconds_count{} stale',
      'h_seconds_bucket{le="1"} stale',
      'h_seconds_bucket{le="2"} stale',
      'h_seconds_bucket{le="+Inf"} stale',
      'e{} stale',
      'q_sum{} stale',
      'q_count{} stale',
      'q{quantile="0.5"} stale',
      // With all that it had, the resource is gone too.
      'target_info{host="h"} stale',
    ],
  );
  const alive = read(request([...metrics, gauge('g2', [point({ asInt: 1 })])], resource));
  assert.equal(lines(alive).at(-1), 'target_info{host="h", job="api"} 1');
  const [native] = read(request([metrics[2]]), { histogramsToCustomBuckets: true }).series;
  assert.deepEqual(
    [native.labels.metricName, native.histograms.length, native.timestamps.length],
    ['h_seconds', 0, 1],
  );
});

test('start times stand with what only grows, if they say something', () => {
  const startTimeUnixNano = nanos(T_MS - 60_000);
  const at = { startTimeUnixNano };
  const got = read(
    request([
      gauge('g', [point({ ...at, asInt: 1 })]),
      sum('up.down', [point({ ...at, asInt: 1 })], false),
      sum('c', [point({ ...at, asInt: 1 }), point({ asInt: 1, startTimeUnixNano: nanos(T_MS) }, { a: '1' })]),
      histogram('h', [point({ ...at, count: 0 })]),
      exponential('e', [point({ ...at, count: 0 })]),
    ]),
  );
  assert.deepEqual(
    got.series.map(({ labels, startTimes, histograms }) => [
      labels.metricName,
      startTimes?.[0] ?? histograms[0]?.startMs,
    ]),
    [
      ['g', undefined],
      ['up_down', undefined],
      ['c_total', T_MS - 60_000],
      ['c_total', undefined],
      ['h_seconds_count', T_MS - 60_000],
      ['h_seconds_bucket', T_MS - 60_000],
      ['e', T_MS - 60_000],
    ],
  );
});

test('delta temporality is refused by name, every point of it, or stored if the tenant wants that', () => {
  const dataPoints = [point({ asInt: 1 }, { a: '1' }), point({ asInt: 2 }, { a: '2' })];
  const metrics = [
    gauge('before', [point({ asInt: 0 })]),
    { name: 'd', sum: { dataPoints, isMonotonic: true, aggregationTemporality: DELTA } },
    exponential('e', [point({ count: 1, scale: 0, zeroCount: 1 })], DELTA),
    { name: 'u', sum: { dataPoints, isMonotonic: true } },
    gauge('after', [point({ asInt: 0 })]),
  ];
  const refused = read(request(metrics));
  assert.deepEqual(
    refused.refusals.map(({ reason, count, subject }) => [reason, count, subject]),
    [
      ['delta_temporality', 2, 'metric "d"'],
      ['delta_temporality', 1, 'metric "e"'],
      ['unknown_temporality', 2, 'metric "u"'],
    ],
  );
  assert.deepEqual(lines(refused), ['before 0', 'after 0']);
  const accepted = read(request(metrics), { acceptDeltas: true });
  assert.deepEqual(lines(accepted), [
    'before 0',
    'd_total{a="1"} 1',
    'd_total{a="2"} 2',
    'e histogram',
    'after 0',
  ]);
  assert.equal(accepted.series[3].histograms[0].histogram?.counterResetHint, 'gauge');
  assert.equal(accepted.metadata[1].type, 'unknown');
});

test('one bad point never costs a good one', () => {
  const good = (i: number) => point({ asInt: i }, { i: `${i}` });
  const buckets = { count: 3, sum: 1, bucketCounts: [1, 2], explicitBounds: [1] };
  const { series, refusals } = read(
    request([
      gauge('g', [good(1), point({}), good(2)]),
      gauge('€', [good(3)]),
      gauge('attribute', [point({ asInt: 1 }, { éé: '1' }), good(4)]),
      histogram('h', [
        point({ ...buckets, bucketCounts: [1] }),
        point({ ...buckets, bucketCounts: [1, 1, 1], explicitBounds: [2, 1] }),
        point({ ...buckets, explicitBounds: ['Infinity'] }),
        point({ ...buckets, bucketCounts: [1, 1, 1], explicitBounds: ['NaN', 1] }),
        point(buckets),
      ]),
      exponential('e', [
        point({ count: 5, positive: { bucketCounts: [1] } }),
        point({ count: 1, zeroCount: 1 }),
      ]),
    ]),
  );
  assert.deepEqual(
    refusals.map(({ reason, count }) => `${reason} ${count}`),
    [
      'no_value 1',
      'no_metric_name 1',
      'invalid_attribute 1',
      ...Array(4).fill('bucket_counts 1'),
      'invalid_histogram 1',
    ],
  );
  assert.deepEqual(
    series.map(({ labels }) => labels.metricName),
    ['g', 'g', 'attribute', 'h_seconds_sum', 'h_seconds_count', 'h_seconds_bucket', 'h_seconds_bucket', 'e'],
  );
});

test('exemplars carry their trace, and stand with the bucket that they fall into', () => {
  const exemplar = (value: object, filteredAttributes: object[] = []) => ({
    timeUnixNano: nanos(T_MS - 5),
    traceId: '0AF7651916CD43DD8448EB211C80319C',
    spanId: 'b7ad6b7169203331',
    ...value,
    filteredAttributes,
  });
  const long = [{ key: 'user', value: { stringValue: 'x'.repeat(100) } }];
  const got = read(
    request([
      histogram('h', [
        point({
          count: 3,
          sum: 1,
          bucketCounts: [1, 1, 1],
          explicitBounds: [1, 2],
          exemplars: [exemplar({ asDouble: 1 }), exemplar({ asDouble: 1.5 }, long), exemplar({ asInt: '7' })],
        }),
      ]),
      sum('c', [
        point({
          asInt: 1,
          exemplars: [
            exemplar({ asInt: 3, traceId: '', spanId: '0000000000000000' }, [
              { key: 'user', value: { stringValue: 'x' } },
            ]),
          ],
        }),
      ]),
    ]),
  );
  const ids = { trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: 'b7ad6b7169203331' };
  assert.deepEqual(
    got.series.map(({ labels, exemplars }) => [
      labels.get('le'),
      exemplars.map((one) => [one?.labels.toRecord(), one?.value, one?.timestampMs]),
    ]),
    [
      ['', []],
      ['', []],
      ['1', [[ids, 1, T_MS - 5]]],
      ['2', [[ids, 1.5, T_MS - 5]]],
      ['+Inf', [[ids, 7, T_MS - 5]]],
      ['', [[{ user: 'x' }, 3, T_MS - 5]]],
    ],
  );
});

test('the same series has the same hash and labels in every request, another one never', () => {
  const metrics = [
    gauge('g', [point({ asInt: 1 }, { a: '1' }), point({ asInt: 1 }, { a: '2' })]),
    gauge('h', [point({ asInt: 1 }, { a: '1' })]),
  ];
  const both = () =>
    read({
      resourceMetrics: [
        request(metrics, { 'service.name': 'x' }).resourceMetrics[0],
        request(metrics).resourceMetrics[0],
      ],
    });
  const first = both().series;
  const again = both().series;
  assert.equal(new Set(first.map(({ hash }) => hash)).size, 6);
  assert.deepEqual(
    again.map(({ hash, labels }) => [hash, labels.pairs]),
    first.map(({ hash, labels }) => [hash, labels.pairs]),
  );
  const otherwise = read(request(metrics), { strategy: 'NoTranslation' }).series;
  assert.ok(otherwise.every(({ hash }) => !first.some((one) => one.hash === hash)));
  assert.ok(first.every(({ normalised }) => normalised));
});

test('times are rounded down to whole milliseconds, exactly', () => {
  const times = ['1700000000123999999', '1700000000124000000', '18446744073709551615', '0', '999999'];
  const { series } = read(
    request([
      gauge(
        'g',
        times.map((timeUnixNano) => ({ timeUnixNano, asInt: 1 })),
      ),
    ]),
  );
  assert.deepEqual(
    series.map(({ timestamps }) => timestamps[0]),
    [1_700_000_000_123, 1_700_000_000_124, 18_446_744_073_709, 0, 0],
  );
});
