/**
 * Divides a bounded amount (bytes, places) among tenants: a tenant may hold as much as is left free. One tenant alone gets
 * half, two get a third each, n get one part in n + 1 each, and there is always something left for the next one. A tenant that
 * holds nothing may take all that is free.
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

  /** Whether the tenant may take this much more. `own`: what the one that asks holds already of the tenant's. */
  fits(tenant: string, amount: number, own = 0): boolean {
    const free = this.max - this.#held - amount;
    if (free < 0) return false;
    const ofTenant = this.heldBy(tenant);
    return ofTenant === own || ofTenant + amount <= free;
  }

  /** Takes `amount` for the tenant, or gives it back if it is negative. Whether it fits is for the caller to ask. */
  add(tenant: string, amount: number): void {
    this.#held += amount;
    const left = this.heldBy(tenant) + amount;
    if (left === 0) this.#byTenant.delete(tenant);
    else this.#byTenant.set(tenant, left);
  }
}
