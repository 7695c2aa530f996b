/**
 * Divides a bounded amount (bytes, places) among tenants: a tenant may hold as much as it leaves free. A single tenant gets
 * half, two get a third each, n get 1 / (n + 1) each, so some is always left for another tenant. A tenant that holds nothing
 * may take all that is free.
 *
 * Choudhury, Hahne: Dynamic Queue Length Thresholds for Shared-Memory Packet Switches (1998), with alpha = 1.
 */
export class FairShares {
  readonly max: number;
  readonly #byTenant = new Map<string, number>();
  #held = 0;

  constructor(max: number) {
    this.max = max;
  }

  get held(): number {
    return this.#held;
  }

  heldBy(tenant: string): number {
    return this.#byTenant.get(tenant) ?? 0;
  }

  /** Whether the tenant may take this much more. `own`: the part of the tenant's amount that the asking request holds. */
  fits(tenant: string, amount: number, own = 0): boolean {
    const free = this.max - this.#held - amount;
    if (free < 0) return false;
    const ofTenant = this.heldBy(tenant);
    return ofTenant === own || ofTenant + amount <= free;
  }

  /** Takes `amount` for the tenant, or returns it if negative. The caller checks `fits` first. */
  add(tenant: string, amount: number): void {
    this.#held += amount;
    const left = this.heldBy(tenant) + amount;
    if (left === 0) this.#byTenant.delete(tenant);
    else this.#byTenant.set(tenant, left);
  }
}
