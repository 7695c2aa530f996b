import { joinKey } from '../keys.ts';
import { checkLease, type LeaseOutcome, type Leases } from '../leases.ts';

/** Leases looked at for every one that is set, so that those nobody asks for any more go gradually. */
const SWEEP = 2;

/** `Leases` for one process. */
export class MemoryLeases implements Leases {
  readonly #now: () => number;
  /** In the order they were set. */
  readonly #leases = new Map<string, { readonly value: string; readonly expiresMs: number }>();

  /** `now` is a clock in ms. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  async get(key: readonly string[]): Promise<string | undefined> {
    return this.#valueOf(joinKey(key));
  }

  async compareAndSet(
    key: readonly string[],
    expected: string | undefined,
    value: string,
    ttlMs: number,
  ): Promise<LeaseOutcome> {
    checkLease(value, ttlMs);
    const name = joinKey(key);
    const current = this.#valueOf(name);
    if (current !== expected) return { isSet: false, current };
    this.#leases.delete(name);
    this.#leases.set(name, { value, expiresMs: this.#now() + ttlMs });
    this.#sweep();
    return { isSet: true };
  }

  #valueOf(name: string): string | undefined {
    const lease = this.#leases.get(name);
    return lease !== undefined && lease.expiresMs > this.#now() ? lease.value : undefined;
  }

  #sweep(): void {
    const nowMs = this.#now();
    let left = SWEEP;
    for (const [name, { expiresMs }] of this.#leases) {
      if (left-- === 0) return;
      if (expiresMs <= nowMs) this.#leases.delete(name);
    }
  }
}
