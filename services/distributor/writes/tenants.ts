import type { Leases, SeriesTotal } from '@xscaler/cluster';
import type { Counter } from 'prom-client';
import { TenantSeries } from '../series/tenant-series.ts';
import type { DistributorLogger } from './logger.ts';

const MAX_FACTS_PER_TENANT = 4_000_000;
const FORGET_TENANT_MS = 2 * 3_600_000;
const FORGET_EVERY_MS = 5 * 60_000;

/** What tenants' series are known by, in this process and beyond it. */
export interface TenantsOptions {
  readonly logger: DistributorLogger;
  /** Bound on the series of one tenant that facts are kept for. */
  readonly maxFactsPerTenant?: number;
  /** Ids (4 words each) of a tenant's active series beyond this process; the series limit waits until they are loaded. */
  readonly activeSeries?: (tenant: string) => Promise<Uint32Array>;
  /** A tenant's active series in the cluster, as ingesters count them; absent if there is no other distributor. */
  readonly activeTotal?: (tenant: string) => Promise<SeriesTotal | undefined>;
  /** Agrees on the elected replicas of HA pairs; absent if there is no other distributor. */
  readonly leases?: Leases;
}

/** The tenants that have written lately. */
export class Tenants {
  readonly #options: TenantsOptions;
  readonly #seed: number;
  readonly #elections: Counter<'tenant'>;
  readonly #tenants = new Map<string, TenantSeries>();
  #forgotMs = 0;

  constructor(options: TenantsOptions, seed: number, elections: Counter<'tenant'>) {
    this.#options = options;
    this.#seed = seed;
    this.#elections = elections;
  }

  get all(): ReadonlyMap<string, TenantSeries> {
    return this.#tenants;
  }

  sum(number: (tenant: TenantSeries) => number): number {
    let sum = 0;
    for (const tenant of this.#tenants.values()) sum += number(tenant);
    return sum;
  }

  /** The tenant that writes now; forgets those that stopped writing. */
  of(tenantId: string, nowMs: number): TenantSeries {
    if (nowMs - this.#forgotMs >= FORGET_EVERY_MS) this.#forgetIdle(nowMs);
    let tenant = this.#tenants.get(tenantId);
    if (tenant === undefined) {
      tenant = this.#begin(tenantId);
      this.#tenants.set(tenantId, tenant);
    }
    return tenant;
  }

  #begin(tenant: string): TenantSeries {
    const { maxFactsPerTenant, activeSeries, activeTotal, leases, logger } = this.#options;
    return new TenantSeries({
      tenant,
      maxFacts: maxFactsPerTenant ?? MAX_FACTS_PER_TENANT,
      seed: this.#seed,
      loadActive: activeSeries,
      activeTotal,
      leases,
      onElected: ({ cluster, election }, before) => {
        this.#elections.inc({ tenant });
        if (before === undefined) return;
        const change = { tenant, cluster, elected: election?.replica, before: before.replica };
        logger.warn(change, 'an HA pair has elected another replica');
      },
      onLoadFailed: (err) => {
        logger.warn({ tenant, err }, 'active series could not be loaded; new series are accepted for now');
      },
    });
  }

  #forgetIdle(nowMs: number): void {
    this.#forgotMs = nowMs;
    for (const [tenantId, tenant] of this.#tenants) {
      if (nowMs - tenant.lastPushMs > FORGET_TENANT_MS) this.#tenants.delete(tenantId);
    }
  }
}
