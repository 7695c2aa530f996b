import type { Refusal } from './refusal.ts';

/** Bytes of request bodies that are held at once, in all and by one tenant. */
export class BodyBudget {
  readonly #maxBytes: number;
  readonly #maxTenantBytes: number;
  readonly #refusal: () => Refusal;
  readonly #byTenant = new Map<string, number>();
  #held = 0;

  /** `refusal`: of whoever needs more than there is left. */
  constructor(maxBytes: number, maxTenantBytes: number, refusal: () => Refusal) {
    this.#maxBytes = maxBytes;
    this.#maxTenantBytes = maxTenantBytes;
    this.#refusal = refusal;
  }

  get heldBytes(): number {
    return this.#held;
  }

  lease(tenant: string): BodyLease {
    let leased = 0;
    return {
      growTo: (bytes) => {
        if (bytes <= leased) return;
        this.#take(tenant, bytes - leased);
        leased = bytes;
      },
      release: () => {
        this.#give(tenant, leased);
        leased = 0;
      },
    };
  }

  #take(tenant: string, bytes: number): void {
    const ofTenant = (this.#byTenant.get(tenant) ?? 0) + bytes;
    if (this.#held + bytes > this.#maxBytes || ofTenant > this.#maxTenantBytes) {
      throw this.#refusal();
    }
    this.#held += bytes;
    this.#byTenant.set(tenant, ofTenant);
  }

  #give(tenant: string, bytes: number): void {
    if (bytes === 0) return;
    this.#held -= bytes;
    const left = this.#byTenant.get(tenant)! - bytes;
    if (left === 0) this.#byTenant.delete(tenant);
    else this.#byTenant.set(tenant, left);
  }
}

/** What one request holds of the budget. */
export interface BodyLease {
  /** @throws Refusal where the budget hasn't got it */
  growTo(bytes: number): void;
  release(): void;
}
