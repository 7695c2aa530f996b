import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ReceivingPrometheus, writeToBoth } from './differential/receiving-prometheus.ts';
import { type Client, encodeParams, snappyBody, Xscaler } from './harness/index.ts';
import { createTenant } from './harness/tenants.ts';
import { answeredHistograms, answeredSeries } from './http-answers/answered-series.ts';
import { expectedOf, shownOf } from './http-answers/expected-differences.ts';
import { type ComparedRequest, comparedRequests } from './http-answers/requests.ts';

const TENANT = 'answers';
const SPAN_MS = 600_000;

/** Both servers with the same data, of a tenant that our own metrics are not written into. */
async function start(times: { startMs: number; endMs: number }) {
  const flags = ['--enable-feature=exemplar-storage,native-histograms,promql-per-step-stats'];
  const xscaler = await Xscaler.start();
  await xscaler.stop();
  const [token] = await createTenant(xscaler.dataDir, TENANT, ['read+write']);
  const [prometheus] = await Promise.all([ReceivingPrometheus.start(flags), xscaler.start()]);
  const client = xscaler.client(TENANT, token);
  try {
    await writeToBoth(answeredSeries(times), prometheus, client);
    const histograms = snappyBody(answeredHistograms(times));
    await prometheus.writeBody(histograms);
    const answer = await client.pushBody(histograms);
    assert.equal(answer.status, 204, answer.text);
  } catch (error) {
    await Promise.all([prometheus.dispose(), xscaler.dispose()]);
    throw error;
  }
  return { xscaler, prometheus, client };
}

function ask(client: Client, { method, path, params }: ComparedRequest) {
  return method === 'GET' ? client.get(path, params) : client.post(path, params);
}

describe('answers of the HTTP API beside those of a Prometheus, byte for byte', {
  concurrency: false,
}, () => {
  const endMs = Math.floor(Date.now() / 60_000) * 60_000 - 60_000;
  const times = { startMs: endMs - SPAN_MS, endMs };
  let servers: Awaited<ReturnType<typeof start>>;
  before(async () => {
    servers = await start(times);
  });
  after(async () => {
    await servers?.prometheus.dispose();
    await servers?.xscaler.dispose();
  });

  for (const [group, requests] of Object.entries(comparedRequests(times))) {
    test(`${group}: ${requests.length} requests`, async () => {
      const different: string[] = [];
      for (const request of requests) {
        const { prometheus, client } = servers;
        const [theirs, ours] = await Promise.all([ask(prometheus.client, request), ask(client, request)]);
        const expected = JSON.stringify(expectedOf(theirs, request));
        const actual = JSON.stringify(shownOf(ours));
        if (actual === expected) continue;
        const url = `${request.method} ${request.path}?${decodeURIComponent(encodeParams(request.params))}`;
        different.push(`${url}\n  expected ${expected}\n  actual   ${actual}`);
      }
      assert.equal(different.length, 0, different.join('\n'));
    });
  }

  test('more than 200 requests were compared', () => {
    const count = Object.values(comparedRequests(times)).flat().length;
    assert.ok(count > 200, String(count));
  });
});
