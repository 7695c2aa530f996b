import { AggregatorRegistry, collectDefaultMetrics, Registry } from 'prom-client';

export type MetricsRegistry = Registry;

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
  /** The sample's own name where it isn't the family's: `…_bucket`, `…_sum`, `…_count`. */
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
 * `sumOver` is a label that isn't to be seen: where it stood, its values are added up.
 */
export async function collectThreads(
  sources: readonly MetricsSource[],
  options: { readonly sumOver?: string } = {},
): Promise<CollectedMetrics> {
  const perThread = await Promise.all(sources.map((source) => source.metrics()));
  const { sumOver } = options;
  const shown =
    sumOver === undefined ? perThread : perThread.map((families) => withoutLabel(families, sumOver));
  const registry: MetricsRegistry = AggregatorRegistry.aggregate(shown as object[]);
  const families = await registrySource(registry).metrics();
  return {
    contentType: registry.contentType,
    text: await registry.metrics(),
    samples: families.flatMap(familySamples),
    families: families.map(({ name, help, type }) => ({ name, help, type })),
  };
}

function withoutLabel(families: readonly MetricFamily[], label: string): MetricFamily[] {
  return families.map((family) => {
    if (!family.values.some(({ labels }) => label in labels)) return family;
    const sums = new Map<string, MetricValue>();
    for (const value of family.values) {
      const { [label]: _hidden, ...labels } = value.labels;
      const key = JSON.stringify([value.metricName, Object.entries(labels).sort()]);
      sums.set(key, { ...value, labels, value: value.value + (sums.get(key)?.value ?? 0) });
    }
    return { ...family, values: [...sums.values()] };
  });
}

function familySamples(family: MetricFamily): MetricSample[] {
  return family.values.map(({ metricName, labels, value }) => ({
    name: metricName ?? family.name,
    labels: Object.fromEntries(Object.entries(labels).map(([name, text]) => [name, String(text)])),
    value,
  }));
}
