import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Client, eventually, Xscaler } from './harness/index.ts';

/** Heads that become blocks, and are gone from memory, within seconds. */
const SHORT_WINDOWS = {
  XSCALER_INGESTER_HEAD_WINDOW: '2s',
  XSCALER_INGESTER_CUT_GRACE: '200ms',
  XSCALER_INGESTER_LATE_HEAD_AGE: '200ms',
  XSCALER_INGESTER_COMMITTED_HEAD_LINGER: '200ms',
  XSCALER_SELF_METRICS_INTERVAL: '1h',
};

let xscaler: Xscaler;
let client: Client;

before(async () => {
  xscaler = await Xscaler.start({ env: SHORT_WINDOWS });
  client = xscaler.client();
});

after(() => xscaler?.dispose());

test('exemplars and metadata are found by query, from heads and from blocks', async () => {
  const nowMs = Math.floor(Date.now() / 1_000) * 1_000;
  const series = {
    labels: [
      ['__name__', 'checkout_seconds_bucket'],
      ['le', '1'],
    ] as const,
    samples: [[nowMs, 3]] as const,
    exemplars: [{ labels: [['trace_id', 'abc123']] as const, value: 0.5, timestampMs: nowMs - 7_000 }],
  };
  const metadata = [{ type: 3, metric: 'checkout_seconds', help: 'Time of a checkout.', unit: 'seconds' }];
  const answer = await client.pushRequest({ series: [series], metadata });
  assert.equal(answer.status, 204, answer.text);

  const assertFound = async (where: string) => {
    const query = 'histogram_quantile(0.9, rate(checkout_seconds_bucket[5m]))';
    const range = { start: nowMs / 1_000 - 10, end: nowMs / 1_000 };
    const found = await client.data('/api/v1/query_exemplars', { query, ...range });
    assert.deepEqual(
      found,
      [
        {
          seriesLabels: { __name__: 'checkout_seconds_bucket', le: '1' },
          exemplars: [{ labels: { trace_id: 'abc123' }, value: '0.5', timestamp: nowMs / 1_000 - 7 }],
        },
      ],
      where,
    );
    assert.deepEqual(
      await client.data('/api/v1/metadata', { metric: 'checkout_seconds' }),
      { checkout_seconds: [{ type: 'histogram', help: 'Time of a checkout.', unit: 'seconds' }] },
      where,
    );
  };
  await assertFound('from heads');
  await eventually('everything is in blocks', 30_000, async () =>
    (await client.ownMetric('xscaler_ingester_heads')) === 0 ? true : undefined,
  );
  await assertFound('from blocks');
  await xscaler.stop();
  await xscaler.start();
  client = xscaler.client();
  await assertFound('after a restart');
});
