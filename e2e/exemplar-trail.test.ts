import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Exemplar, Labels } from '@xscaler/model';
import { encodeWriteRequest, encodeWriteRequestV2, packSnappy } from '@xscaler/wire';
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

let xscaler: Xscaler;
let client: Client;

before(async () => {
  xscaler = await Xscaler.start({ env: LONG_WINDOWS });
  client = xscaler.client();
});

after(() => xscaler?.dispose());

/** Sends one exemplar of the metric by one protocol. */
type Send = (metric: string, exemplar: Exemplar) => Promise<Answer>;

const sendV1: Send = (metric, exemplar) =>
  client.pushBody(
    packSnappy(
      encodeWriteRequest([
        { labels: Labels.of({ __name__: metric }), timestamps: [], values: [], exemplars: [exemplar] },
      ]),
    ),
  );

const sendV2: Send = (metric, exemplar) =>
  client.pushBody(
    packSnappy(encodeWriteRequestV2([{ labels: Labels.of({ __name__: metric }), exemplars: [exemplar] }])),
    [
      ['content-type', V2],
      ['content-encoding', 'snappy'],
      ['x-prometheus-remote-write-version', '2.0.0'],
    ],
  );

const sendOtlp: Send = (metric, { labels, value, timestampMs }) => {
  const timeUnixNano = `${timestampMs}000000`;
  const traceId = labels.get('trace_id');
  const exemplars = [{ timeUnixNano, asDouble: value, traceId, spanId: traceId.slice(0, 16) }];
  const point = { timeUnixNano, asDouble: value, exemplars };
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
  const trail = Array.from({ length: 60 }, (_, i) => ({
    labels: Labels.of({ trace_id: (i + 1).toString(16).padStart(32, '0') }),
    value: i,
    timestampMs: startMs + i * MINUTE_MS,
  }));
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
