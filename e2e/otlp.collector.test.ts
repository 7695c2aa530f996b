/** A real OpenTelemetry Collector, built of its Go modules, between an SDK and here: what it exports is found, value by value. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { type Client, eventually, freePort, RunningProgram, Xscaler } from './harness/index.ts';
import { instruments, REQUEST_LABELS } from './harness/otlp-instruments.ts';
import { assertSeries, expectedSeries, seriesOfJob } from './harness/otlp-series.ts';
import { builtCollector } from './otel-collector/built-collector.ts';

/** An exporter of the collector, with settings of its own. */
const EXPORTERS: Readonly<Record<string, (grpc: string, http: string) => string>> = {
  otlp: (grpc) => `endpoint: ${grpc}, tls: { insecure: true }`,
  'otlp/none': (grpc) => `endpoint: ${grpc}, tls: { insecure: true }, compression: none`,
  otlphttp: (_grpc, http) => `endpoint: ${http}`,
  'otlphttp/json': (_grpc, http) => `endpoint: ${http}/otlp, encoding: json, compression: zstd`,
  'otlphttp/deflate': (_grpc, http) => `endpoint: ${http}, compression: deflate`,
  prometheusremotewrite: (_grpc, http) => `endpoint: ${http}/api/v1/push`,
  'prometheusremotewrite/2': (_grpc, http) =>
    `endpoint: ${http}/api/v1/push, protobuf_message: io.prometheus.write.v2.Request`,
};

/** Sending remote write 2.0 is not yet a matter of configuration alone. */
const GATES = '--feature-gates=exporter.prometheusremotewritexporter.enableSendingRW2';

let xscaler: Xscaler;
let client: Client;
let collector: RunningProgram;
let folder: string;
/** Where each exporter's pipeline takes metrics in. */
const receiverPorts: Record<string, number> = {};

before(async () => {
  const program = await builtCollector();
  const grpcPort = await freePort();
  xscaler = await Xscaler.start({
    env: {
      XSCALER_SELF_METRICS_INTERVAL: '1h',
      XSCALER_GATEWAY_OTLP_GRPC_LISTEN: `127.0.0.1:${grpcPort}`,
    },
  });
  client = xscaler.client();
  for (const name of Object.keys(EXPORTERS)) receiverPorts[name] = await freePort();
  folder = mkdtempSync(join(tmpdir(), 'xscaler-collector-'));
  writeFileSync(join(folder, 'config.yaml'), configuration(`127.0.0.1:${grpcPort}`, xscaler.url));
  collector = new RunningProgram(program, [`--config=file:${folder}/config.yaml`, GATES]);
});

after(async () => {
  await collector?.end('SIGKILL');
  await xscaler?.dispose();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

function configuration(grpc: string, http: string): string {
  const headers = `headers: { authorization: Bearer ${xscaler.token}, x-scope-orgid: ${xscaler.tenant} }`;
  const names = Object.keys(EXPORTERS);
  const id = (name: string) => name.replace('/', '-');
  const lines = ['receivers:'];
  for (const name of names) {
    lines.push(`  otlp/${id(name)}: { protocols: { http: { endpoint: 127.0.0.1:${receiverPorts[name]} } } }`);
  }
  lines.push('exporters:');
  for (const name of names) lines.push(`  ${name}: { ${EXPORTERS[name](grpc, http)}, ${headers} }`);
  lines.push('service:', '  telemetry: { metrics: { level: none } }', '  pipelines:');
  for (const name of names) {
    lines.push(`    metrics/${id(name)}: { receivers: [otlp/${id(name)}], exporters: [${name}] }`);
  }
  return `${lines.join('\n')}\n`;
}

for (const name of Object.keys(EXPORTERS)) {
  test(`what a Collector exports by ${name} is found again, value by value`, async () => {
    const service = name.replace('/', '-');
    const url = `http://127.0.0.1:${receiverPorts[name]}/v1/metrics`;
    await eventually('the collector listens', 60_000, async () =>
      (await fetch(url).catch(() => undefined)) === undefined ? undefined : true,
    );
    const provider = instruments(service, new OTLPMetricExporter({ url }));
    await provider.forceFlush();
    const common = { job: `shop/${service}`, instance: 'i-1' };
    const expected = expectedSeries(REQUEST_LABELS, { host_name: 'h1' });
    const found = await eventually('its series are here', 60_000, async () => {
      const all = await seriesOfJob(client, common.job);
      return all.length > expected.length ? all : undefined;
    });
    assertSeries(found, expected, common);
    await provider.shutdown();
  });
}

test('both versions of remote write were spoken', async () => {
  const { text } = await client.raw('/metrics');
  for (const protocol of ['remote_write_1', 'remote_write_2']) {
    const line = new RegExp(
      `^xscaler_distributor_requests_total\\{.*protocol="${protocol}".*\\} (\\d+)$`,
      'm',
    );
    assert.ok(Number(line.exec(text)?.[1]) > 0, protocol);
  }
});
