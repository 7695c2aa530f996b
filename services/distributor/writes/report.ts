import type { TenantSeries } from '../series/tenant-series.ts';

/** What a distributor shows of itself to people. */
export interface DistributorReport {
  /** The highest version of the log's records that it writes now. */
  readonly recordVersion: number;
  readonly tenants: readonly TenantReport[];
}

/** What it knows of one tenant; the tenant itself may see it. */
export interface TenantReport {
  readonly tenant: string;
  readonly knownSeries: number;
  /** Undefined if the tenant has no limit on them. */
  readonly activeSeries: number | undefined;
  /** Exemplars above `max_exemplars_per_series_per_minute`, and the series that lost one last. */
  readonly droppedExemplars: {
    readonly count: number;
    readonly series: string | undefined;
    readonly at: string | undefined;
  };
  readonly haPairs: readonly {
    readonly cluster: string;
    readonly elected: string | undefined;
    /** Sample times. */
    readonly latest: string | undefined;
    readonly since: string | undefined;
  }[];
}

export function reportOf(
  tenants: ReadonlyMap<string, TenantSeries>,
  recordVersion: number,
): DistributorReport {
  const reports = [...tenants].map(([tenant, series]) => tenantReport(tenant, series));
  return { recordVersion, tenants: reports };
}

/** `series` is undefined for a tenant of which nothing has come. */
export function tenantReport(tenant: string, series: TenantSeries | undefined): TenantReport {
  const { count, last } = series?.exemplars.dropped ?? { count: 0, last: undefined };
  return {
    tenant,
    knownSeries: series?.facts.size ?? 0,
    activeSeries: series?.active?.count,
    droppedExemplars: { count, series: last?.series, at: last && new Date(last.atMs).toISOString() },
    haPairs: [...(series?.haPairs.all() ?? [])].map(({ cluster, election }) => ({
      cluster,
      elected: election?.replica,
      latest: election && new Date(election.latestMs).toISOString(),
      since: election && new Date(election.sinceMs).toISOString(),
    })),
  };
}
