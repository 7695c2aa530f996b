import { DEFAULT_TTL_MS } from '../cluster.ts';
import { type CountReporter, checkTenants, type SeriesCounts, type SeriesTotal } from '../series-counts.ts';

interface Report {
  readonly partition: number;
  readonly counts: ReadonlyMap<string, number>;
  readonly atMs: number;
}

/** `SeriesCounts` for one process. */
export class MemorySeriesCounts implements SeriesCounts {
  readonly #ttlMs: number;
  readonly #now: () => number;
  /** By instance id and partition. */
  readonly #reports = new Map<string, Report>();

  /** `now` is a clock in ms. */
  constructor(ttlMs = DEFAULT_TTL_MS, now: () => number = Date.now) {
    this.#ttlMs = ttlMs;
    this.#now = now;
  }

  async report(reporter: CountReporter, counts: ReadonlyMap<string, number>): Promise<boolean> {
    checkTenants(counts.size);
    const { instanceId, partition } = reporter;
    this.#reports.set(`${partition} ${instanceId}`, {
      partition,
      counts: new Map(counts),
      atMs: this.#now(),
    });
    return true;
  }

  async totals(tenants: readonly string[]): Promise<ReadonlyMap<string, SeriesTotal>> {
    checkTenants(tenants.length);
    const oldestMs = this.#now() - this.#ttlMs;
    for (const [key, { atMs }] of this.#reports) if (atMs <= oldestMs) this.#reports.delete(key);
    const totals = new Map<string, SeriesTotal>();
    for (const tenant of tenants) totals.set(tenant, { count: this.#totalOf(tenant), ageMs: 0 });
    return totals;
  }

  #totalOf(tenant: string): number {
    const byPartition = new Map<number, number>();
    for (const { partition, counts } of this.#reports.values()) {
      const count = counts.get(tenant) ?? 0;
      byPartition.set(partition, Math.max(byPartition.get(partition) ?? 0, count));
    }
    let total = 0;
    for (const count of byPartition.values()) total += count;
    return total;
  }
}
