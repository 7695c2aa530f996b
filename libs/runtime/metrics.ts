import { AggregatorRegistry, collectDefaultMetrics, Registry } from 'prom-client';

export type MetricsRegistry = Registry;

const TENANT_LABEL = 'tenant';
/** Labels of a tenant's metrics whose values are the tenant's own words: its name, and those of its HA pairs. */
const TENANTS_WORDS: ReadonlySet<string> = new Set([TENANT_LABEL, 'cluster', 'replica']);

/** One metric of a registry with its values, in plain values that can be sent to another thread. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  /** How values of several threads become one: `sum` unless the metric says otherwise. */
  readonly aggregator: string;
  readonly values: readonly MetricValue[];
}

export interface MetricValue {
  /** The sample's own name if it isn't the family's: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** Something that has metrics: a registry, a thread. */
export interface MetricsSource {
  metrics(): Promise<readonly MetricFamily[]>;
}

/** One sample as an exposition would have it. */
export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The metrics of all threads at one time. */
export interface CollectedMetrics {
  readonly contentType: string;
  /** Prometheus text exposition. */
  readonly text: string;
  readonly samples: readonly MetricSample[];
  /** One per family: what remote write calls metadata. */
  readonly families: readonly Pick<MetricFamily, 'name' | 'help' | 'type'>[];
}

/**
 * A registry whose metrics all carry the label `service`. `defaultMetrics` adds prom-client's metrics of the process
 * and of Node: ask for them in one thread of a process only, they are about all of it.
 */
export function createRegistry(service: string, options: { defaultMetrics?: boolean } = {}): MetricsRegistry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  if (options.defaultMetrics === true) collectDefaultMetrics({ register: registry });
  return registry;
}

export function registrySource(registry: MetricsRegistry): MetricsSource {
  // prom-client declares `type` as an enum of numbers; it is the word that the exposition has.
  return { metrics: async () => (await registry.getMetricsAsJSON()) as unknown as readonly MetricFamily[] };
}

/**
 * Gathers what several threads of a process have measured; same name and labels become one by the metric's aggregator.
 * `isNamed` says which tenants the reader may know of, all by default: what is measured of the others is added up, and their
 * names are left out.
 */
export async function collectThreads(
  sources: readonly MetricsSource[],
  options: { readonly isNamed?: (tenant: string) => boolean } = {},
): Promise<CollectedMetrics> {
  const perThread = await Promise.all(sources.map((source) => source.metrics()));
  const { isNamed } = options;
  const shown =
    isNamed === undefined ? perThread : perThread.map((families) => withoutTenants(families, isNamed));
  const registry: MetricsRegistry = AggregatorRegistry.aggregate(shown as object[]);
  const families = await registrySource(registry).metrics();
  return {
    contentType: registry.contentType,
    text: await registry.metrics(),
    samples: families.flatMap(familySamples),
    families: families.map(({ name, help, type }) => ({ name, help, type })),
  };
}

function withoutTenants(
  families: readonly MetricFamily[],
  isNamed: (tenant: string) => boolean,
): MetricFamily[] {
  return families.map((family) => {
    if (!family.values.some(({ labels }) => TENANT_LABEL in labels)) return family;
    const sums = new Map<string, MetricValue>();
    for (const value of family.values) {
      const labels = labelsFor(value.labels, isNamed);
      const key = JSON.stringify([value.metricName, Object.entries(labels).sort()]);
      sums.set(key, { ...value, labels, value: value.value + (sums.get(key)?.value ?? 0) });
    }
    return { ...family, values: [...sums.values()] };
  });
}

function labelsFor(
  labels: MetricValue['labels'],
  isNamed: (tenant: string) => boolean,
): MetricValue['labels'] {
  const tenant = labels[TENANT_LABEL];
  if (tenant === undefined || isNamed(String(tenant))) return labels;
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !TENANTS_WORDS.has(name)));
}

function familySamples(family: MetricFamily): MetricSample[] {
  return family.values.map(({ metricName, labels, value }) => ({
    name: metricName ?? family.name,
    labels: Object.fromEntries(Object.entries(labels).map(([name, text]) => [name, String(text)])),
    value,
  }));
}
