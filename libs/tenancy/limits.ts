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
  max_label_names_per_series: count(30).describe('Labels per series'),
  max_label_name_length: count(1024).describe('Length of a label name, bytes'),
  max_label_value_length: count(2048).describe('Length of a label value, bytes'),
  max_metric_name_length: count(1024).describe('Length of a metric name, bytes'),
  max_metadata_length: count(4096).describe("Length of a metric's help or unit, bytes"),
  max_samples_per_request: count(10_000).describe(
    'Samples per write request, and also series, exemplars and metadata entries, each; 0: no limit',
  ),
  max_global_series_per_user: count(0).describe('Active series; 0: no limit'),
  ingestion_rate: count(0).describe(
    'Samples per second; a request with more series, exemplars or metadata entries than samples counts as that number; 0: no limit',
  ),
  ingestion_burst_size: count(0).describe('Burst of samples above the rate'),
  max_exemplars_per_series_per_minute: count(120).describe(
    'Exemplars stored per series and minute of sample time, spread over the minute; others are dropped; 0: no limit',
  ),
  request_rate: count(0).describe('Write requests per second; 0: no limit'),
  accept_ha_samples: flagSetting(true).describe(
    'Store the samples of one elected replica of each HA pair, and leave out those of the others',
  ),
  ha_cluster_label: z.string().default('cluster').describe('Label that names an HA pair'),
  ha_replica_label: z
    .string()
    .default('__replica__')
    .describe('Label that names a replica of an HA pair; it is not stored'),
  ha_max_clusters: count(100).describe('HA pairs; 0: only the limit over all tenants'),
  metric_relabel_configs: relabelSetting.describe(
    "Rules like Prometheus' relabel_config that rewrite labels or drop series, as a list or its JSON",
  ),
  drop_labels: names.describe('Labels to drop, separated by commas'),
  out_of_order_time_window: durationSetting('2h').describe(
    'How long after its timestamp a sample is accepted',
  ),
  creation_grace_period: durationSetting('10m').describe('How far in the future a timestamp may be'),
  max_recv_msg_size: count(16 * 1024 * 1024).describe('Size of a request body as sent, bytes'),
  max_decompressed_size: count(64 * 1024 * 1024).describe('Size of a request body once expanded, bytes'),
  otel_translation_strategy: z
    .enum([
      'UnderscoreEscapingWithSuffixes',
      'UnderscoreEscapingWithoutSuffixes',
      'NoUTF8EscapingWithSuffixes',
      'NoTranslation',
    ])
    .default('UnderscoreEscapingWithSuffixes')
    .describe('How OTLP names become metric and label names'),
  promote_otel_resource_attributes: z
    .string()
    .default('')
    .describe('OTLP resource attributes that become labels of every series, separated by commas'),
  otel_keep_identifying_resource_attributes: flagSetting(false).describe(
    'Keep service.name, service.namespace and service.instance.id in target_info',
  ),
  otel_promote_scope_metadata: flagSetting(false).describe(
    "Add otel_scope_… labels for the scope's name, version and attributes",
  ),
  otel_convert_histograms_to_nhcb: flagSetting(false).describe(
    'Convert OTLP explicit-bucket histograms to native histograms with custom buckets',
  ),
  otel_native_delta_ingestion: flagSetting(false).describe(
    'Store OTLP points of delta temporality unchanged',
  ),
  compactor_blocks_retention_period: durationSetting('30d').describe(
    'Retention of samples and exemplars; 0: for ever',
  ),
  max_fetched_series_per_query: count(500_000).describe('Series per query; 0: no limit'),
  max_fetched_chunk_bytes_per_query: count(1024 * 1024 * 1024).describe(
    'Bytes of chunks fetched per query; 0: no limit',
  ),
  max_samples_per_query: count(200_000_000).describe('Samples read per query; 0: no limit'),
  max_estimated_memory_consumption_per_query: count(512 * 1024 * 1024).describe(
    "Estimated memory of a query's samples and label sets at any time, bytes; 0: no limit",
  ),
  max_total_query_length: durationSetting('0').describe(
    'Time range that one selector of a query may cover, over all steps; 0: no limit',
  ),
  max_points_per_series: count(11_000).describe('Steps of a range query; 0: no limit'),
  max_query_expression_size_bytes: count(1024 * 1024).describe('Length of a query, bytes; 0: no limit'),
  max_query_response_size_bytes: count(256 * 1024 * 1024).describe(
    "Size of a query's answer, bytes; 0: no limit",
  ),
  max_concurrent_queries_per_tenant: count(20).describe(
    'Queries, and lookups of series, labels, exemplars and counts, that one querier runs at a time; 0: no limit',
  ),
  max_outstanding_requests_per_tenant: count(100).describe(
    'Further queries and lookups that may wait in one querier; 0: only the limit over all tenants',
  ),
});

export type Limits = z.output<typeof limitsSchema>;
export type LimitName = keyof Limits;
