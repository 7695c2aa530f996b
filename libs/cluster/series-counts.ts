import { ClusterError } from './cluster-error.ts';

/** A tenant's active series, and how long ago the counts were read, ms. */
export interface SeriesTotal {
  readonly count: number;
  readonly ageMs: number;
}

/** Who counts: one ingester, for one of its partitions. */
export interface CountReporter {
  readonly instanceId: string;
  readonly partition: number;
}

/** Tenants one call may ask for or report. */
export const MAX_TENANTS = 100_000;

/**
 * Active series by tenant over the whole cluster: the sum over partitions of what their replicas report. Of several replicas
 * of a partition the largest count stands, since one that replays hasn't seen everything.
 */
export interface SeriesCounts {
  /**
   * A reporter's counts by tenant, in place of its former ones; they count for the time to live. False if Redis is unreachable.
   * Rejects with `ClusterError` `invalid` above `MAX_TENANTS`.
   */
  report(reporter: CountReporter, counts: ReadonlyMap<string, number>): Promise<boolean>;
  /**
   * The totals of tenants as of now; if Redis is unreachable the last known, with their age, and nothing for a tenant that
   * was never asked for. Never rejects for that reason; `invalid` above `MAX_TENANTS`.
   * A tenant without series is 0. Counts that were emptied are trusted once they are a time to live old: until then a total
   * known from before doesn't shrink.
   */
  totals(tenants: readonly string[]): Promise<ReadonlyMap<string, SeriesTotal>>;
}

/** @throws ClusterError `invalid` */
export function checkTenants(count: number): void {
  if (count > MAX_TENANTS) throw new ClusterError('invalid', `${count} tenants are over ${MAX_TENANTS}`);
}
