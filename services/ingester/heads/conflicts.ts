/** A tenant's samples that were dropped because their timestamp already had another value. */
export interface TenantConflicts {
  readonly tenant: string;
  /** Since the process started. */
  readonly samples: number;
  /** Labels of the series with the latest conflict. */
  readonly series: string;
  /** Offset of the record with that sample. */
  readonly offset: number;
}

/** Conflicts of a partition's tenants, each with an example that helps to find the sender. */
export class Conflicts {
  readonly #byTenant = new Map<string, TenantConflicts>();

  add(tenant: string, samples: number, series: string, offset: number): void {
    const before = this.#byTenant.get(tenant)?.samples ?? 0;
    this.#byTenant.set(tenant, { tenant, samples: before + samples, series, offset });
  }

  all(): readonly TenantConflicts[] {
    return [...this.#byTenant.values()];
  }
}
