import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, Prometheus, Xscaler } from './harness/index.ts';
import { printedRemoteWrite, printedToken } from './harness/printed.ts';

test('the remote_write block that a first start prints makes a Prometheus write here', async (t) => {
  const xscaler = await Xscaler.start({ withoutBootstrap: true });
  t.after(() => xscaler.dispose());
  const { stdout } = xscaler.program;
  const remoteWrite = printedRemoteWrite(stdout);
  assert.match(remoteWrite, /url: http/);
  const prometheus = await Prometheus.start({ targets: {}, scrapeIntervalMs: 1_000, remoteWrite });
  t.after(() => prometheus.dispose());
  const client = xscaler.client('demo', printedToken(stdout));
  const up = await eventually('its samples have arrived', 60_000, () => client.value('up{job="prometheus"}'));
  assert.equal(up, 1);
});
