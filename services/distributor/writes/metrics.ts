import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { EncodedPush } from '../encoding/push-encoder.ts';
import type { DistributorReport } from './report.ts';

/** A distributor's metrics. For every tenant: received = stored + refused by reason, in samples. */
export class DistributorMetrics {
  readonly received: Counter<'tenant'>;
  readonly stored: Counter<'tenant'>;
  readonly refused: Counter<'tenant' | 'reason'>;
  readonly exemplarsStored: Counter<'tenant'>;
  readonly exemplarsRefused: Counter<'tenant' | 'reason'>;
  readonly metadataStored: Counter<'tenant'>;
  readonly metadataRefused: Counter<'tenant' | 'reason'>;
  readonly haElections: Counter<'tenant'>;
  readonly haElected: Gauge<'tenant' | 'cluster' | 'replica'>;
  readonly activeSeries: Gauge<'tenant'>;
  readonly requests: Counter<'code' | 'protocol'>;
  readonly requestsRefused: Counter<'tenant' | 'code'>;
  readonly appendSeconds: Histogram;
  readonly inFlightBytes: Gauge;
  readonly knownSeries: Gauge;
  readonly factsEvicted: Gauge;
  readonly otlpCacheBytes: Gauge;
  readonly exemplarSlots: Gauge;

  /** The functions are called when metrics are collected. */
  constructor(
    registry: Registry,
    series: () => number,
    evicted: () => number,
    otlpCacheBytes: () => number,
    exemplarSlots: () => number,
    report: () => DistributorReport,
  ) {
    const registers = [registry];
    this.received = new Counter({
      name: 'xscaler_distributor_samples_received_total',
      help: 'Samples in requests that could be decoded',
      labelNames: ['tenant'],
      registers,
    });
    this.stored = new Counter({
      name: 'xscaler_distributor_samples_stored_total',
      help: 'Samples that are durable in the write log',
      labelNames: ['tenant'],
      registers,
    });
    this.refused = new Counter({
      name: 'xscaler_distributor_samples_refused_total',
      help: 'Samples refused, by reason',
      labelNames: ['tenant', 'reason'],
      registers,
    });
    this.exemplarsStored = new Counter({
      name: 'xscaler_distributor_exemplars_stored_total',
      help: 'Exemplars that are durable in the write log',
      labelNames: ['tenant'],
      registers,
    });
    this.exemplarsRefused = new Counter({
      name: 'xscaler_distributor_exemplars_refused_total',
      help: 'Exemplars refused, by reason',
      labelNames: ['tenant', 'reason'],
      registers,
    });
    this.metadataStored = new Counter({
      name: 'xscaler_distributor_metadata_stored_total',
      help: 'Metadata entries that are durable in the write log',
      labelNames: ['tenant'],
      registers,
    });
    this.metadataRefused = new Counter({
      name: 'xscaler_distributor_metadata_refused_total',
      help: 'Metadata entries refused, by reason',
      labelNames: ['tenant', 'reason'],
      registers,
    });
    this.requests = new Counter({
      name: 'xscaler_distributor_requests_total',
      help: 'Write requests by status code and protocol',
      labelNames: ['code', 'protocol'],
      registers,
    });
    this.requestsRefused = new Counter({
      name: 'xscaler_distributor_requests_refused_total',
      help: 'Write requests refused as a whole, by status code',
      labelNames: ['tenant', 'code'],
      registers,
    });
    this.appendSeconds = new Histogram({
      name: 'xscaler_distributor_append_seconds',
      help: 'Time until all records of a request were durable',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    });
    this.inFlightBytes = new Gauge({
      name: 'xscaler_distributor_in_flight_bytes',
      help: 'Bytes of requests in flight and of their records',
      registers,
    });
    this.knownSeries = new Gauge({
      name: 'xscaler_distributor_known_series',
      help: 'Label sets, as received, that facts are kept for, over all tenants',
      registers,
      collect() {
        this.set(series());
      },
    });
    this.factsEvicted = new Gauge({
      name: 'xscaler_distributor_facts_evicted',
      help: 'Facts dropped to make room though they were not stale',
      registers,
      collect() {
        this.set(evicted());
      },
    });
    this.haElections = new Counter({
      name: 'xscaler_distributor_ha_elections_total',
      help: 'Elections of HA replicas that this distributor has seen',
      labelNames: ['tenant'],
      registers,
    });
    this.haElected = new Gauge({
      name: 'xscaler_distributor_ha_elected_replica',
      help: '1 for the elected replica of each HA pair',
      labelNames: ['tenant', 'cluster', 'replica'],
      registers,
      collect() {
        this.reset();
        for (const { tenant, haPairs } of report().tenants) {
          for (const { cluster, elected } of haPairs) {
            if (elected !== undefined) this.set({ tenant, cluster, replica: elected }, 1);
          }
        }
      },
    });
    this.activeSeries = new Gauge({
      name: 'xscaler_distributor_active_series',
      help: 'Active series in the cluster, as counted by this distributor, of tenants with a series limit',
      labelNames: ['tenant'],
      registers,
      collect() {
        this.reset();
        for (const { tenant, activeSeries } of report().tenants) {
          if (activeSeries !== undefined) this.set({ tenant }, activeSeries);
        }
      },
    });
    this.otlpCacheBytes = new Gauge({
      name: 'xscaler_distributor_otlp_cache_bytes',
      help: 'Size of the cache of OTLP label sets, in bytes',
      registers,
      collect() {
        this.set(otlpCacheBytes());
      },
    });
    this.exemplarSlots = new Gauge({
      name: 'xscaler_distributor_exemplar_slots',
      help: 'Exemplar slots kept to enforce max_exemplars_per_series_per_minute, over all tenants',
      registers,
      collect() {
        this.set(exemplarSlots());
      },
    });
  }

  /** Counts a request that is durable. */
  countStored(tenant: string, push: EncodedPush): void {
    const { samples, exemplars, metadata } = push.refusals;
    this.received.inc({ tenant }, push.received.samples);
    this.stored.inc({ tenant }, push.storedSamples);
    for (const [reason, count] of samples) this.refused.inc({ tenant, reason }, count);
    if (push.storedExemplars > 0) this.exemplarsStored.inc({ tenant }, push.storedExemplars);
    for (const [reason, count] of exemplars) this.exemplarsRefused.inc({ tenant, reason }, count);
    if (push.storedMetadata > 0) this.metadataStored.inc({ tenant }, push.storedMetadata);
    for (const [reason, count] of metadata) this.metadataRefused.inc({ tenant, reason }, count);
  }

  /** Counts a request that is refused as a whole. */
  countWhole(tenant: string, samples: number, reason: string): void {
    this.received.inc({ tenant }, samples);
    this.refused.inc({ tenant, reason }, samples);
  }
}
