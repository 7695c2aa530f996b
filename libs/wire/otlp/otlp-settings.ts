/** How names of metrics and attributes become names of metrics and labels: Prometheus' `otlp.translation_strategy`. */
export const TRANSLATION_STRATEGIES = [
  'UnderscoreEscapingWithSuffixes',
  'UnderscoreEscapingWithoutSuffixes',
  'NoUTF8EscapingWithSuffixes',
  'NoTranslation',
] as const;

export type TranslationStrategy = (typeof TRANSLATION_STRATEGIES)[number];

/** A tenant's settings for OTLP; the defaults are Prometheus'. */
export interface OtlpSettings {
  readonly strategy: TranslationStrategy;
  /** Resource attributes that become labels of every series. */
  readonly promotedResourceAttributes: readonly string[];
  /** Whether `target_info` keeps service.namespace, service.name and service.instance.id. */
  readonly keepIdentifyingAttributes: boolean;
  /** Whether name, version, schema URL and attributes of the scope become labels `otel_scope_…`. */
  readonly promoteScope: boolean;
  /** Whether explicit-bucket histograms become native histograms of custom buckets, not classic ones. */
  readonly histogramsToCustomBuckets: boolean;
  /** Whether points of delta temporality are stored unchanged, not refused. */
  readonly acceptDeltas: boolean;
}

export const DEFAULT_OTLP_SETTINGS: OtlpSettings = {
  strategy: 'UnderscoreEscapingWithSuffixes',
  promotedResourceAttributes: [],
  keepIdentifyingAttributes: false,
  promoteScope: false,
  histogramsToCustomBuckets: false,
  acceptDeltas: false,
};

export function escapes(strategy: TranslationStrategy): boolean {
  return strategy.startsWith('UnderscoreEscaping');
}

export function addsSuffixes(strategy: TranslationStrategy): boolean {
  return strategy.endsWith('WithSuffixes');
}
