import { type CountReporter, checkTenants, type SeriesCounts, type SeriesTotal } from '../series-counts.ts';
import { isDone } from './redis-owner-registry.ts';
import type { RedisTally } from './redis-tally.ts';

/** `SeriesCounts` in Redis. */
export class RedisSeriesCounts implements SeriesCounts {
  readonly #tally: RedisTally;
  readonly #now: () => number;

  constructor(tally: RedisTally, now: () => number) {
    this.#tally = tally;
    this.#now = now;
  }

  async report(reporter: CountReporter, counts: ReadonlyMap<string, number>): Promise<boolean> {
    checkTenants(counts.size);
    const { partition, instanceId } = reporter;
    return isDone(this.#tally.put({ group: String(partition), id: instanceId }, counts));
  }

  async totals(tenants: readonly string[]): Promise<ReadonlyMap<string, SeriesTotal>> {
    checkTenants(tenants.length);
    await isDone(this.#tally.totals(tenants));
    const totals = new Map<string, SeriesTotal>();
    const nowMs = this.#now();
    for (const tenant of tenants) {
      const known = this.#tally.known(tenant);
      if (known === undefined) continue;
      totals.set(tenant, { count: known.total, ageMs: Math.max(0, nowMs - known.atMs) });
    }
    return totals;
  }
}
