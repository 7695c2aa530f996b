/** The OpenTelemetry SDK for Node.js as a sender: every kind of instrument by every protocol, queried back value by value. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ChannelCredentials, credentials, Metadata } from '@grpc/grpc-js';
import { OTLPMetricExporter as GrpcExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { OTLPMetricExporter as JsonExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { AggregationTemporality, type PushMetricExporter } from '@opentelemetry/sdk-metrics';
import { type Client, freePort, Xscaler } from './harness/index.ts';
import { instruments, REQUEST_LABELS } from './harness/otlp-instruments.ts';
import { assertSeries, expectedSeries, seriesOfJob } from './harness/otlp-series.ts';

const CERTIFICATES = join(import.meta.dirname, '../services/gateway/testdata');

let xscaler: Xscaler;
let client: Client;
let grpcPort: number;
let tlsPort: number;

before(async () => {
  [grpcPort, tlsPort] = [await freePort(), await freePort()];
  xscaler = await Xscaler.start({
    env: {
      XSCALER_SELF_METRICS_INTERVAL: '1h',
      XSCALER_GATEWAY_OTLP_GRPC_LISTEN: `127.0.0.1:${grpcPort}`,
      XSCALER_GATEWAY_TLS_LISTEN: `127.0.0.1:${tlsPort}`,
      XSCALER_GATEWAY_TLS_CERT_FILE: join(CERTIFICATES, 'cert.pem'),
      XSCALER_GATEWAY_TLS_KEY_FILE: join(CERTIFICATES, 'key.pem'),
    },
  });
  client = xscaler.client();
});

after(() => xscaler?.dispose());

type Exporter = PushMetricExporter;
type ExporterOptions = { temporalityPreference?: AggregationTemporality; token?: string };

const headersOf = ({ token = xscaler.token }: ExporterOptions) => ({
  authorization: `Bearer ${token}`,
  'x-scope-orgid': xscaler.tenant,
});

function grpcExporter(url: string, channel: ChannelCredentials, options: ExporterOptions): Exporter {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headersOf(options))) metadata.set(name, value);
  return new GrpcExporter({ url, credentials: channel, metadata, ...options });
}

const EXPORTERS: Record<string, (options?: ExporterOptions) => Exporter> = {
  'http-protobuf': (options = {}) =>
    new ProtobufExporter({ url: `${xscaler.url}/otlp/v1/metrics`, headers: headersOf(options), ...options }),
  'http-protobuf-gzip': (options = {}) =>
    new ProtobufExporter({
      url: `${xscaler.url}/v1/metrics`,
      headers: headersOf(options),
      compression: 'gzip' as never,
      ...options,
    }),
  'http-json': (options = {}) =>
    new JsonExporter({ url: `${xscaler.url}/v1/metrics`, headers: headersOf(options), ...options }),
  grpc: (options = {}) => grpcExporter(`http://127.0.0.1:${grpcPort}`, credentials.createInsecure(), options),
  'grpc-tls': (options = {}) => {
    const channel = ChannelCredentials.createSsl(readFileSync(join(CERTIFICATES, 'cert.pem')));
    return grpcExporter(`https://localhost:${tlsPort}`, channel, options);
  },
};

for (const [kind, exporterOf] of Object.entries(EXPORTERS)) {
  test(`what the SDK sends by ${kind} is found again, value by value`, async () => {
    const provider = instruments(kind, exporterOf());
    await provider.forceFlush();
    const common = { job: `shop/${kind}`, instance: 'i-1' };
    const found = await seriesOfJob(client, common.job);
    assertSeries(found, expectedSeries(REQUEST_LABELS, { host_name: 'h1' }), common);
    await provider.shutdown();
  });
}

test('metadata of what was sent is found', async () => {
  const metadata =
    await client.data<Record<string, { type: string; help: string; unit: string }[]>>('/api/v1/metadata');
  assert.deepEqual(metadata.http_requests_total, [{ type: 'counter', help: 'Requests.', unit: '' }]);
  assert.deepEqual(metadata.latency_seconds, [{ type: 'histogram', help: '', unit: 'seconds' }]);
  assert.equal(metadata.memory_bytes[0].type, 'gauge');
});

test('a sender of deltas keeps what has no temporality, and is told of the rest', async () => {
  const provider = instruments(
    'deltas',
    EXPORTERS['http-json']({ temporalityPreference: AggregationTemporality.DELTA }),
  );
  await provider.forceFlush();
  const names = (await seriesOfJob(client, 'shop/deltas')).map(({ metric }) => metric.__name__).sort();
  // An up-down counter is cumulative under every preference.
  assert.deepEqual(names, [
    'load_ratio',
    'memory_bytes',
    'queue_size',
    'room_temperature_celsius',
    'target_info',
  ]);
  const page = await client.raw('/metrics');
  assert.match(page.text, /xscaler_distributor_samples_refused_total\{.*reason="delta_temporality".*\} 4\n/);
  await provider.shutdown();
});

test('nothing is stored for a token that is not known', async () => {
  for (const [kind, exporterOf] of Object.entries(EXPORTERS)) {
    const token = 'xag_00000000000000000000000000000000';
    const provider = instruments(`unknown-${kind}`, exporterOf({ token }));
    await provider.forceFlush().catch(() => undefined);
    assert.deepEqual(await seriesOfJob(client, `shop/unknown-${kind}`), []);
    await provider.shutdown().catch(() => undefined);
  }
});
