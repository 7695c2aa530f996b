import { z } from 'zod';
import { relabelSetting } from './relabel-config.ts';

/** Durations in configuration: `2h`, `90s`, `1h30m`, `500ms`, or plain milliseconds. */
const UNITS_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export function parseDurationMs(text: string | number): number {
  if (typeof text === 'number') return text;
  if (/^\d+$/.test(text)) return Number(text);
  if (!/^(\d+(ms|s|m|h|d))+$/.test(text)) throw new Error(`not a duration: ${JSON.stringify(text)}`);
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|s|m|h|d)/g)) total += Number(count) * UNITS_MS[unit];
  return total;
}

/** A setting that is a duration; its value is in ms. */
export const durationSetting = (byDefault: string) =>
  z
    .union([z.string(), z.number().int().nonnegative()])
    .default(byDefault)
    .transform((text, context) => {
      try {
        return parseDurationMs(text);
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message });
        return z.NEVER;
      }
    });

/** True or false. */
export const flagSetting = (byDefault: boolean) =>
  z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]).default(byDefault);

/** Names with commas between, or a list of them. */
const names = z
  .union([z.string(), z.array(z.string())])
  .default([])
  .transform((written) => {
    const list = typeof written === 'string' ? written.split(',') : written;
    return list.map((name) => name.trim()).filter((name) => name !== '');
  });

const count = (byDefault: number) => z.coerce.number().int().nonnegative().default(byDefault);

/** Limits of a tenant, named as Mimir names them if it has them. 0 means no limit for rates and series. */
export const limitsSchema = z.strictObject({
  max_label_names_per_series: count(30).describe('Labels a series may have'),
  max_label_name_length: count(1024).describe('Longest label name, bytes'),
  max_label_value_length: count(2048).describe('Longest label value, bytes'),
  max_metric_name_length: count(1024).describe('Longest metric name, bytes'),
  max_metadata_length: count(4096).describe('Longest help or unit of a metric, bytes'),
  max_samples_per_request: count(10_000).describe(
    'Samples a write request may carry, and as many series, exemplars and metadata entries each; 0: no limit',
  ),
  max_global_series_per_user: count(0).describe('Active series; 0: no limit'),
  ingestion_rate: count(0).describe(
    'Samples a second; a request with more series, exemplars or metadata entries than samples counts as this many; 0: no limit',
  ),
  ingestion_burst_size: count(0).describe('Samples accepted at once above the rate'),
  max_exemplars_per_series_per_minute: count(120).describe(
    'Exemplars of a series that are stored of each minute of sample time, spread over it, the others dropped; 0: no limit',
  ),
  request_rate: count(0).describe('Write requests a second; 0: no limit'),
  accept_ha_samples: flagSetting(true).describe(
    'Of the replicas of an HA pair one is elected, the samples of the others are left out',
  ),
  ha_cluster_label: z.string().default('cluster').describe('Label that names an HA pair'),
  ha_replica_label: z
    .string()
    .default('__replica__')
    .describe('Label that names a replica of an HA pair; it is not stored'),
  ha_max_clusters: count(100).describe('HA pairs; 0: no limit but that of all tenants'),
  metric_relabel_configs: relabelSetting.describe(
    "Rules as Prometheus' relabel_config by which labels are rewritten and series left out, as a list or its JSON",
  ),
  drop_labels: names.describe('Labels that are not stored, with commas between'),
  out_of_order_time_window: durationSetting('2h').describe('How late a sample may come'),
  creation_grace_period: durationSetting('10m').describe('How far ahead of the clock a sample may be'),
  max_recv_msg_size: count(16 * 1024 * 1024).describe('Largest request body as sent, bytes'),
  max_decompressed_size: count(64 * 1024 * 1024).describe('Largest request body once expanded, bytes'),
  otel_translation_strategy: z
    .enum([
      'UnderscoreEscapingWithSuffixes',
      'UnderscoreEscapingWithoutSuffixes',
      'NoUTF8EscapingWithSuffixes',
      'NoTranslation',
    ])
    .default('UnderscoreEscapingWithSuffixes')
    .describe('How names of OTLP become names of metrics and labels'),
  promote_otel_resource_attributes: z
    .string()
    .default('')
    .describe('Resource attributes of OTLP that become labels of every series, with commas between'),
  otel_keep_identifying_resource_attributes: flagSetting(false).describe(
    'target_info keeps service.name, service.namespace and service.instance.id',
  ),
  otel_promote_scope_metadata: flagSetting(false).describe(
    'Labels otel_scope_… for name, version and attributes of the scope',
  ),
  otel_convert_histograms_to_nhcb: flagSetting(false).describe(
    'Explicit-bucket histograms of OTLP become native histograms with custom buckets',
  ),
  otel_native_delta_ingestion: flagSetting(false).describe(
    'Store OTLP points of delta temporality unchanged',
  ),
  compactor_blocks_retention_period: durationSetting('30d').describe(
    'How long samples are kept; 0: for ever',
  ),
  max_fetched_series_per_query: count(500_000).describe('Series a query may touch; 0: no limit'),
  max_fetched_chunk_bytes_per_query: count(1024 * 1024 * 1024).describe(
    'Bytes of chunks a query may fetch; 0: no limit',
  ),
  max_samples_per_query: count(200_000_000).describe('Samples a query may read; 0: no limit'),
  max_estimated_memory_consumption_per_query: count(512 * 1024 * 1024).describe(
    'Bytes of what a query computes that it may hold at a time, samples and label sets, estimated; 0: no limit',
  ),
  max_total_query_length: durationSetting('0').describe(
    'Time that a selector of a query may reach over, all its steps together; 0: no limit',
  ),
  max_points_per_series: count(11_000).describe('Steps a range query may have; 0: no limit'),
  max_query_expression_size_bytes: count(1024 * 1024).describe('Longest query, bytes; 0: no limit'),
  max_query_response_size_bytes: count(256 * 1024 * 1024).describe(
    'Largest answer of a query, bytes; 0: no limit',
  ),
  max_concurrent_queries_per_tenant: count(20).describe(
    'Queries that a querier evaluates at a time, and lookups (series, labels, exemplars, counts) that it makes; 0: no limit',
  ),
  max_outstanding_requests_per_tenant: count(100).describe(
    'Further queries that wait in a querier, and further lookups; 0: no limit but that of all tenants',
  ),
});

export type Limits = z.output<typeof limitsSchema>;
export type LimitName = keyof Limits;
