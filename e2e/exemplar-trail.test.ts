import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Exemplar, Labels } from '@xscaler/model';
import { encodeWriteRequest, encodeWriteRequestV2 } from '@xscaler/wire/remote-write';
import { packSnappy } from '@xscaler/wire/snappy';
import { type Answer, type Client, eventually, Xscaler } from './harness/index.ts';

/** Windows as long as the trails, so that each head and block has many exemplars of each series. */
const LONG_WINDOWS = {
  XSCALER_INGESTER_HEAD_WINDOW: '40m',
  XSCALER_INGESTER_CUT_GRACE: '200ms',
  XSCALER_INGESTER_LATE_HEAD_AGE: '5s',
  XSCALER_INGESTER_COMMITTED_HEAD_LINGER: '200ms',
  XSCALER_SELF_METRICS_ENABLED: 'false',
};
const MINUTE_MS = 60_000;
const V2 = 'application/x-protobuf;proto=io.prometheus.write.v2.Request';

interface Found {
  readonly seriesLabels: Readonly<Record<string, string>>;
  readonly exemplars: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: string;
    readonly timestamp: number;
  }[];
}

const exemplarAt = (timestampMs: number, i: number): Exemplar => ({
  labels: Labels.of({ trace_id: (i + 1).toString(16).padStart(32, '0') }),
  value: i,
  timestampMs,
});

let xscaler: Xscaler;
let client: Client;

before(async () => {
  xscaler = await Xscaler.start({ env: LONG_WINDOWS });
  client = xscaler.client();
});

after(() => xscaler?.dispose());

/** Sends exemplars of the metric by one protocol. */
type Send = (metric: string, ...exemplars: readonly Exemplar[]) => Promise<Answer>;

const sendV1: Send = (metric, ...exemplars) => {
  const one = { labels: Labels.of({ __name__: metric }), timestamps: [], values: [], exemplars };
  return client.pushBody(packSnappy(encodeWriteRequest([one])));
};

const sendV2: Send = (metric, ...exemplars) => {
  const one = { labels: Labels.of({ __name__: metric }), exemplars };
  return client.pushBody(packSnappy(encodeWriteRequestV2([one])), [
    ['content-type', V2],
    ['content-encoding', 'snappy'],
    ['x-prometheus-remote-write-version', '2.0.0'],
  ]);
};

const sendOtlp: Send = (metric, ...all) => {
  const exemplars = all.map(({ labels, value, timestampMs }) => {
    const traceId = labels.get('trace_id');
    return { timeUnixNano: `${timestampMs}000000`, asDouble: value, traceId, spanId: traceId.slice(-16) };
  });
  const point = { timeUnixNano: exemplars[0].timeUnixNano, asDouble: 1, exemplars };
  const metrics = [{ name: metric, gauge: { dataPoints: [point] } }];
  const body = JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] });
  const headers = [...client.credentials, ['content-type', 'application/json'] as const];
  return client.raw('/otlp/v1/metrics', { method: 'POST', headers, body });
};

const PROTOCOLS: readonly (readonly [string, Send, number])[] = [
  ['trail_v1', sendV1, 204],
  ['trail_v2', sendV2, 204],
  ['trail_otlp', sendOtlp, 200],
];

test('an exemplar a minute is kept for each minute, whatever it came by: in heads, in blocks, after a restart', async () => {
  const startMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - 110 * MINUTE_MS;
  const trail = Array.from({ length: 60 }, (_, i) => exemplarAt(startMs + i * MINUTE_MS, i));
  for (const [metric, send, status] of PROTOCOLS) {
    for (const exemplar of trail) {
      const answer = await send(metric, exemplar);
      assert.equal(answer.status, status, answer.text);
      if (send !== sendV2) continue;
      assert.equal(answer.headers['x-prometheus-remote-write-exemplars-written'], '1', answer.text);
    }
  }
  const range = { start: startMs / 1_000, end: startMs / 1_000 + 3_600 };
  const assertAll = async (where: string) => {
    for (const [metric] of PROTOCOLS) {
      const [found] = await client.data<Found[]>('/api/v1/query_exemplars', { query: metric, ...range });
      assert.deepEqual(
        found.exemplars.map(({ labels, value, timestamp }) => [labels.trace_id, value, timestamp * 1_000]),
        trail.map(({ labels, value, timestampMs }) => [labels.get('trace_id'), String(value), timestampMs]),
        `${metric} ${where}`,
      );
    }
  };
  await assertAll('in heads');
  await eventually('everything is in blocks', 30_000, async () =>
    (await client.ownMetric('xscaler_ingester_heads')) === 0 ? true : undefined,
  );
  await assertAll('in blocks');
  await xscaler.stop();
  await xscaler.start();
  client = xscaler.client();
  await assertAll('after a restart');
});

test('a burst is thinned to the limit, and what is dropped is named, counted and shown to its tenant', async () => {
  const startMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - 5 * MINUTE_MS;
  const burst = Array.from({ length: 1_000 }, (_, i) => exemplarAt(startMs + i, i));
  const named =
    /the series has more exemplars than max_exemplars_per_series_per_minute \(990 of 1000, limit 120\)/;
  const byV1 = await sendV1('burst_v1', ...burst);
  assert.equal(byV1.status, 202, byV1.text);
  const byV2 = await sendV2('burst_v2', ...burst);
  assert.equal(byV2.status, 202, byV2.text);
  assert.equal(byV2.headers['x-prometheus-remote-write-exemplars-written'], '10');
  const byOtlp = await sendOtlp('burst_otlp', ...burst);
  assert.equal(byOtlp.status, 200, byOtlp.text);
  const { partialSuccess } = JSON.parse(byOtlp.text);
  assert.equal(Number(partialSuccess.rejectedDataPoints ?? 0), 0, 'the point itself is stored');
  for (const text of [byV1.text, byV2.text, partialSuccess.errorMessage]) assert.match(text, named);
  const range = { start: startMs / 1_000, end: startMs / 1_000 + 1 };
  for (const metric of ['burst_v1', 'burst_v2', 'burst_otlp']) {
    const [found] = await client.data<Found[]>('/api/v1/query_exemplars', { query: metric, ...range });
    assert.deepEqual(
      found.exemplars.map(({ value }) => value),
      ['0', '64', '128', '256', '384', '512', '576', '640', '768', '896'],
      metric,
    );
  }
  const { text } = await client.get('/metrics');
  assert.match(text, /exemplars_refused_total\{[^}]*reason="too_many_exemplars"[^}]*\} 2970/);
  const { droppedExemplars } = JSON.parse((await client.get('/debug')).text);
  assert.equal(droppedExemplars.count, 2_970);
  assert.equal(droppedExemplars.series, '{__name__="burst_otlp"}');
});
