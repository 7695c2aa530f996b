import type { MetricMetadata } from '@xscaler/model';

/** Metrics of one tenant at most. */
const MAX_METRICS = 50_000;

/**
 * Metadata read from the log and not yet stored with a commit. Readable meanwhile; a replay brings it again,
 * since the resume offset moves only in the transaction that stores it.
 */
export class PendingMetadata {
  readonly #byTenant = new Map<string, Map<string, MetricMetadata>>();

  /** False if the tenant has too many metrics waiting: the entry is dropped, its sender will say it again. */
  add(tenant: string, entry: MetricMetadata): boolean {
    const ofTenant = this.#byTenant.get(tenant);
    if (ofTenant === undefined) this.#byTenant.set(tenant, new Map([[entry.metric, entry]]));
    else if (ofTenant.size < MAX_METRICS || ofTenant.has(entry.metric)) ofTenant.set(entry.metric, entry);
    else return false;
    return true;
  }

  of(tenant: string, metric: string | undefined): MetricMetadata[] {
    const ofTenant = this.#byTenant.get(tenant);
    if (ofTenant === undefined) return [];
    if (metric === undefined) return [...ofTenant.values()];
    const entry = ofTenant.get(metric);
    return entry ? [entry] : [];
  }

  get isEmpty(): boolean {
    return this.#byTenant.size === 0;
  }

  snapshot(): { tenant: string; entries: MetricMetadata[] }[] {
    return [...this.#byTenant].map(([tenant, entries]) => ({ tenant, entries: [...entries.values()] }));
  }

  /** Forgets what a commit has stored, but not what came after its snapshot. */
  forget(snapshot: readonly { tenant: string; entries: readonly MetricMetadata[] }[]): void {
    for (const { tenant, entries } of snapshot) {
      const ofTenant = this.#byTenant.get(tenant);
      if (ofTenant === undefined) continue;
      for (const entry of entries) if (ofTenant.get(entry.metric) === entry) ofTenant.delete(entry.metric);
      if (ofTenant.size === 0) this.#byTenant.delete(tenant);
    }
  }
}
