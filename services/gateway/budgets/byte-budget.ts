import type { Refusal } from '../refusals/refusal.ts';
import { FairShares } from './fair-shares.ts';

export interface ByteBudgetOptions {
  readonly maxBytes: number;
  /** A lease that has waited this long for room is refused. */
  readonly maxWaitMs: number;
  /** Limit on waiting bytes, which may be in memory already, in addition to the budget. A single lease may exceed it. */
  readonly maxWaitingBytes: number;
  /**
   * Whether one lease at a time may grow past the budget until it is released. Leases that grow in steps need this: without
   * it, leases that hold everything between them would all wait for each other.
   */
  readonly lendsToOne: boolean;
  /** The error for a tenant whose lease cannot grow by this many bytes. */
  readonly refusal: (tenant: string, bytes: number) => Refusal;
}

/**
 * Limits the bytes held for clients: arriving bodies, or unread answers. Tenants share them by `FairShares`. A lease that
 * finds no room waits for a bounded time and is then refused.
 */
export class ByteBudget {
  readonly #options: ByteBudgetOptions;
  readonly #shares: FairShares;
  /** Oldest first. */
  readonly #waiting = new Set<Waiter>();
  #waitingBytes = 0;
  #borrower: Lease | undefined;

  constructor(options: ByteBudgetOptions) {
    this.#options = options;
    this.#shares = new FairShares(options.maxBytes);
  }

  get heldBytes(): number {
    return this.#shares.held;
  }

  heldBy(tenant: string): number {
    return this.#shares.heldBy(tenant);
  }

  lease(tenant: string): ByteLease {
    return new Lease(tenant, this);
  }

  /** For leases. */
  tryTake(lease: Lease, bytes: number): boolean {
    const fits = this.#shares.fits(lease.tenant, bytes, lease.bytes);
    if (!fits && !this.#borrows(lease)) return false;
    this.#shares.add(lease.tenant, bytes);
    lease.bytes += bytes;
    return true;
  }

  /** For leases: resolves when the bytes are counted. */
  take(lease: Lease, bytes: number, signal: AbortSignal | undefined): Promise<void> {
    const { maxBytes, maxWaitMs, maxWaitingBytes, refusal } = this.#options;
    signal?.throwIfAborted();
    const isCrowded = this.#waitingBytes > 0 && this.#waitingBytes + bytes > maxWaitingBytes;
    if (isCrowded || lease.bytes + bytes > maxBytes) throw refusal(lease.tenant, bytes);
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        this.#waiting.delete(waiter);
        this.#waitingBytes -= bytes;
        outcome();
      };
      const onAbort = () => settle(() => reject(signal?.reason));
      const timer = setTimeout(() => settle(() => reject(refusal(lease.tenant, bytes))), maxWaitMs);
      signal?.addEventListener('abort', onAbort);
      const waiter: Waiter = {
        lease,
        bytes,
        grant: () => settle(resolve),
        withdraw: () => settle(() => reject(new Error('the lease was released'))),
      };
      this.#waiting.add(waiter);
      this.#waitingBytes += bytes;
    });
  }

  /** For leases. */
  give(lease: Lease, bytes: number): void {
    this.#shares.add(lease.tenant, -bytes);
    lease.bytes -= bytes;
    if (lease.bytes === 0 && this.#borrower === lease) this.#borrower = undefined;
    for (const waiter of this.#waiting) {
      if (this.tryTake(waiter.lease, waiter.bytes)) waiter.grant();
    }
  }

  /** For leases: also wakes waiters. */
  withdraw(lease: Lease): void {
    for (const waiter of this.#waiting) if (waiter.lease === lease) waiter.withdraw();
  }

  #borrows(lease: Lease): boolean {
    if (!this.#options.lendsToOne) return false;
    this.#borrower ??= lease;
    return this.#borrower === lease;
  }
}

interface Waiter {
  readonly lease: Lease;
  readonly bytes: number;
  /** Called after the bytes are counted. */
  grant(): void;
  withdraw(): void;
}

/** One request's part of a budget. */
export interface ByteLease {
  readonly bytes: number;
  /** Whether it has grown; if not, `growTo` waits for room. */
  tryGrowTo(bytes: number): boolean;
  /**
   * Resolves once it has grown. One call at a time.
   * @throws Refusal if there is no room in time
   * @throws the reason of `signal` if it is aborted
   */
  growTo(bytes: number, signal?: AbortSignal): Promise<void>;
  shrinkTo(bytes: number): void;
  /** Returns all bytes. A released lease cannot grow. */
  release(): void;
}

class Lease implements ByteLease {
  readonly tenant: string;
  readonly #budget: ByteBudget;
  /** The budget counts them. */
  bytes = 0;
  #isReleased = false;

  constructor(tenant: string, budget: ByteBudget) {
    this.tenant = tenant;
    this.#budget = budget;
  }

  tryGrowTo(bytes: number): boolean {
    if (this.#isReleased) return false;
    return bytes <= this.bytes || this.#budget.tryTake(this, bytes - this.bytes);
  }

  async growTo(bytes: number, signal?: AbortSignal): Promise<void> {
    if (this.#isReleased) throw new Error('the lease was released');
    if (!this.tryGrowTo(bytes)) await this.#budget.take(this, bytes - this.bytes, signal);
  }

  shrinkTo(bytes: number): void {
    if (bytes < this.bytes) this.#budget.give(this, this.bytes - bytes);
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#budget.withdraw(this);
    this.shrinkTo(0);
  }
}
