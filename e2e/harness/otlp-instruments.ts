import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import { RECORDED } from './otlp-series.ts';

const ATTRIBUTES = { 'http.method': 'GET', ok: true, n: 3, ratio: 1.5 };

/** The labels that `http_requests_total` has. */
export const REQUEST_LABELS = { http_method: 'GET', ok: 'true', n: '3', ratio: '1.5' };

/** Every kind of instrument, each with a value; exported when the provider is flushed. */
export function instruments(service: string, exporter: PushMetricExporter): MeterProvider {
  const provider = new MeterProvider({
    resource: resourceFromAttributes({
      'service.name': service,
      'service.namespace': 'shop',
      'service.instance.id': 'i-1',
      'host.name': 'h1',
    }),
    readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
    views: [
      {
        instrumentName: 'latency.fine',
        aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM, options: { maxSize: 20 } },
      },
      {
        instrumentName: 'latency',
        aggregation: {
          type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM,
          options: { boundaries: [0.1, 0.5, 1, 5] },
        },
      },
    ],
  });
  const meter = provider.getMeter('e2e', '1.0');
  const requests = meter.createCounter('http.requests', { description: 'Requests.' });
  requests.add(5, ATTRIBUTES);
  requests.add(2.5, ATTRIBUTES);
  meter.createUpDownCounter('queue.size', { unit: '{items}' }).add(-3);
  meter.createGauge('room.temperature', { unit: 'Cel' }).record(21.5);
  for (const name of ['latency', 'latency.fine']) {
    const histogram = meter.createHistogram(name, { unit: 's' });
    for (const value of RECORDED) histogram.record(value, { path: '/' });
  }
  meter
    .createObservableCounter('cpu.time', { unit: 's' })
    .addCallback((result) => result.observe(9_007_199_254_740_991));
  meter.createObservableUpDownCounter('memory', { unit: 'By' }).addCallback((result) => result.observe(-7));
  meter.createObservableGauge('load', { unit: '1' }).addCallback((result) => result.observe(0.25));
  return provider;
}
