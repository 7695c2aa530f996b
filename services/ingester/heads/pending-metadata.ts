import type { MetricMetadata } from '@xscaler/model';

/** Maximum number of metrics per tenant. */
const MAX_METRICS = 50_000;

/**
 * Metadata read from the log and not yet stored with a commit. It is readable meanwhile, and a replay reads it again,
 * since the resume offset moves only in the transaction that stores it.
 */
export class PendingMetadata {
  readonly #byTenant = new Map<string, Map<string, MetricMetadata>>();

  /** Returns false if too many of the tenant's metrics wait: the entry is dropped, and its sender will repeat it. */
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

  /** Forgets the entries that a commit has stored, but not those added after its snapshot. */
  forget(snapshot: readonly { tenant: string; entries: readonly MetricMetadata[] }[]): void {
    for (const { tenant, entries } of snapshot) {
      const ofTenant = this.#byTenant.get(tenant);
      if (ofTenant === undefined) continue;
      for (const entry of entries) if (ofTenant.get(entry.metric) === entry) ofTenant.delete(entry.metric);
      if (ofTenant.size === 0) this.#byTenant.delete(tenant);
    }
  }
}
