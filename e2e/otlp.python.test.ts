/** The OpenTelemetry SDK for Python as a sender: every kind of instrument, exemplars with their traces. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { type Client, freePort, Xscaler } from './harness/index.ts';
import { assertSeries, expectedSeries, seriesOfJob } from './harness/otlp-series.ts';

const run = promisify(execFile);

const SENDER = join(import.meta.dirname, 'otlp-python/sender.py');
const REQUIREMENTS = join(import.meta.dirname, 'otlp-python/requirements.txt');
const CACHE = join(import.meta.dirname, '../.cache/otlp-python');

let xscaler: Xscaler;
let client: Client;
let grpcPort: number;
let python: string;

/** An environment with the SDK, made once a machine and list of packages. */
async function pythonWithSdk(): Promise<string> {
  const program = join(CACHE, 'bin/python');
  const installed = join(CACHE, 'installed.txt');
  const wanted = readFileSync(REQUIREMENTS, 'utf8');
  if (existsSync(installed) && readFileSync(installed, 'utf8') === wanted) return program;
  mkdirSync(CACHE, { recursive: true });
  await run('python3', ['-m', 'venv', '--clear', CACHE]);
  await run(program, ['-m', 'pip', 'install', '--quiet', '--requirement', REQUIREMENTS]);
  writeFileSync(installed, wanted);
  return program;
}

before(async () => {
  grpcPort = await freePort();
  python = await pythonWithSdk();
  xscaler = await Xscaler.start({
    env: {
      XSCALER_SELF_METRICS_INTERVAL: '1h',
      XSCALER_GATEWAY_OTLP_GRPC_LISTEN: `127.0.0.1:${grpcPort}`,
    },
  });
  client = xscaler.client();
});

after(() => xscaler?.dispose());

interface Sent {
  readonly sent: boolean;
  readonly trace_id: string;
  readonly span_id: string;
}

async function send(protocol: string, endpoint: string): Promise<Sent> {
  const args = [SENDER, protocol, endpoint, xscaler.tenant, xscaler.token, protocol];
  const { stdout } = await run(python, args, { timeout: 60_000 });
  return JSON.parse(stdout);
}

for (const protocol of ['http', 'http-gzip', 'http-deflate', 'grpc']) {
  test(`what the SDK sends by ${protocol} is found again, value by value, with its exemplars`, async () => {
    const beganMs = Date.now();
    const endpoint = protocol === 'grpc' ? `http://127.0.0.1:${grpcPort}` : `${xscaler.url}/otlp/v1/metrics`;
    const { sent, trace_id, span_id } = await send(protocol, endpoint);
    assert.equal(sent, true);
    const found = await seriesOfJob(client, protocol);
    const resource = found.find(({ metric }) => metric.__name__ === 'target_info')?.metric ?? {};
    assert.equal(resource.list, '["a","b"]');
    const { __name__, job, instance, ...resourceLabels } = resource;
    assert.deepEqual([job, instance], [protocol, 'i-1']);
    const requestLabels = { http_method: 'GET', ok: 'true', n: '3' };
    assertSeries(found, expectedSeries(requestLabels, resourceLabels), { job, instance });

    const exemplars = await client.data<{ exemplars: { labels: Record<string, string>; value: string }[] }[]>(
      '/api/v1/query_exemplars',
      { query: `{job="${protocol}"}`, start: beganMs / 1000 - 60, end: Date.now() / 1000 + 60 },
    );
    const all = exemplars.flatMap((one) => one.exemplars);
    assert.ok(all.length >= 4, `${all.length} exemplars`);
    for (const { labels } of all) assert.deepEqual(labels, { trace_id, span_id });
  });
}
