/** A Prometheus with native histograms on, writing here by remote write 1.0: both are asked the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Client, eventually, Prometheus, remoteWriteSection, Xscaler } from './harness/index.ts';
import { NativeTarget } from './harness/native-target.ts';

/** Neither quantiles nor rates: Prometheus 3 interpolates and extrapolates histograms otherwise than 2.42. */
const QUERIES = [
  '{__name__=~"native_.*"}',
  ...['growing', 'both_sides', 'restarting', 'empty'].flatMap((name) => [
    `histogram_count(native_${name})`,
    `histogram_sum(native_${name})`,
  ]),
];

/** An answer's result in one order. */
async function answerOf(client: Client, query: string, timeMs: number): Promise<string[]> {
  const { result } = await client.data<{ result: object[] }>('/api/v1/query', { query, time: timeMs / 1000 });
  return result.map((one) => JSON.stringify(one)).sort();
}

test('native histograms that a Prometheus scrapes are the same here, until they end', async (t) => {
  const xscaler = await Xscaler.start({ env: { XSCALER_SELF_METRICS_INTERVAL: '1h' } });
  t.after(() => xscaler.dispose());
  const target = await NativeTarget.start();
  t.after(() => target.dispose());
  const { url, tenant, token } = xscaler;
  const remoteWrite = `${remoteWriteSection(url, tenant, token)}    send_native_histograms: true\n`;
  const prometheus = await Prometheus.start({
    targets: { native: target.target },
    scrapeIntervalMs: 500,
    remoteWrite,
    features: ['native-histograms'],
  });
  t.after(() => prometheus.dispose());
  const ours = xscaler.client();
  const theirs = prometheus.client();

  await eventually('a dozen scrapes have arrived', 60_000, async () => {
    const count = await ours.value('count_over_time(native_growing[5m])');
    return count !== undefined && count >= 12 ? true : undefined;
  });
  const untilMs = Date.now() - 1_000;
  await eventually('what was scraped by then has arrived', 60_000, async () =>
    (await ours.value('max(timestamp(up{job="native"}))'))! * 1000 > untilMs + 500 ? true : undefined,
  );
  for (let timeMs = untilMs - 5_000; timeMs <= untilMs; timeMs += 250) {
    for (const query of QUERIES) {
      assert.deepEqual(await answerOf(ours, query, timeMs), await answerOf(theirs, query, timeMs), query);
    }
  }
  assert.equal((await answerOf(ours, QUERIES[0], untilMs)).length, 4);

  target.dispose();
  await eventually('staleness markers have ended them', 60_000, async () =>
    (await answerOf(ours, QUERIES[0], Date.now())).length === 0 ? true : undefined,
  );
});
