import { compareUtf8 } from '@xscaler/model';
import type { Limits } from '@xscaler/tenancy';
import { Relabelling } from './relabelling.ts';

/** Labels to store, and the HA replica that sent them, if one did. */
export interface RewrittenLabels {
  /** Flat, sorted; the given ones if they are stored unchanged. */
  readonly pairs: readonly string[];
  readonly cluster: string | undefined;
  readonly replica: string | undefined;
}

type Settings = Pick<
  Limits,
  'accept_ha_samples' | 'ha_cluster_label' | 'ha_replica_label' | 'metric_relabel_configs' | 'drop_labels'
>;

/**
 * Rewrites labels by a tenant's settings, before a series is identified by them. In this order, like Mimir: the replica's label is
 * removed, then the relabelling rules run, then labels are dropped.
 */
export class LabelRewriting {
  readonly #settings: Settings;
  readonly #relabelling: Relabelling | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
    const { metric_relabel_configs: rules } = settings;
    if (rules.length > 0) this.#relabelling = new Relabelling(rules);
  }

  /** Whether other settings have the same effect. */
  isBy(settings: Settings): boolean {
    return settings === this.#settings || textOf(settings) === textOf(this.#settings);
  }

  /** `pairs`: flat, sorted, without empty values. Undefined if the series is dropped. */
  rewrite(pairs: readonly string[]): RewrittenLabels | undefined {
    const { accept_ha_samples: acceptsHa, ha_cluster_label: clusterLabel } = this.#settings;
    const { ha_replica_label: replicaLabel, drop_labels: dropped } = this.#settings;
    const cluster = acceptsHa ? valueIn(pairs, clusterLabel) : undefined;
    const replica = cluster === undefined ? undefined : valueIn(pairs, replicaLabel);
    const isPaired = replica !== undefined;
    if (!isPaired && this.#relabelling === undefined && !dropped.some((name) => has(pairs, name))) {
      return { pairs, cluster: undefined, replica: undefined };
    }
    const labels = new Map<string, string>();
    for (let i = 0; i < pairs.length; i += 2) labels.set(pairs[i], pairs[i + 1]);
    if (isPaired) labels.delete(replicaLabel);
    if (this.#relabelling?.apply(labels) === false) return undefined;
    for (const name of dropped) labels.delete(name);
    if (labels.size === 0) return undefined;
    const rewritten = [...labels].sort(([a], [b]) => compareUtf8(a, b)).flat();
    return { pairs: rewritten, cluster: isPaired ? cluster : undefined, replica };
  }
}

function textOf(settings: Settings): string {
  const { accept_ha_samples, ha_cluster_label, ha_replica_label, metric_relabel_configs, drop_labels } =
    settings;
  return JSON.stringify([
    accept_ha_samples,
    ha_cluster_label,
    ha_replica_label,
    metric_relabel_configs,
    drop_labels,
  ]);
}

function valueIn(pairs: readonly string[], name: string): string | undefined {
  for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === name) return pairs[i + 1];
  return undefined;
}

function has(pairs: readonly string[], name: string): boolean {
  return valueIn(pairs, name) !== undefined;
}
