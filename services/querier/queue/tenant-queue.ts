import { ApiError } from '../answer/api-error.ts';

/** How many requests of a tenant may be worked on at a time, and how many further ones may wait. */
export interface QueueBounds {
  readonly maxRunning: number;
  readonly maxWaiting: number;
}

/** @throws ApiError if as many wait already as may, of the tenant or of all */
export function requirePlace(
  queue: TenantQueue<unknown>,
  tenant: string,
  { maxWaiting }: QueueBounds,
  maxQueued: number,
): void {
  if (queue.waitingOf(tenant) >= maxWaiting) {
    throw new ApiError(
      'too_many_requests',
      `too many outstanding requests: limit max_outstanding_requests_per_tenant (${maxWaiting})`,
    );
  }
  if (queue.size >= maxQueued) throw new ApiError('unavailable', 'too many queries are waiting');
}

/**
 * What waits for a thread, by tenant. Tenants take turns, each in the order of its own arrivals, so that one with
 * many queries delays another by one query at most; a tenant that has as many running as it may is passed over.
 */
export class TenantQueue<T> {
  /** Only tenants with something waiting; the one whose turn it is comes first. */
  readonly #waiting = new Map<string, T[]>();
  readonly #running = new Map<string, number>();
  #size = 0;

  /** Entries of all tenants. */
  get size(): number {
    return this.#size;
  }

  waitingOf(tenant: string): number {
    return this.#waiting.get(tenant)?.length ?? 0;
  }

  runningOf(tenant: string): number {
    return this.#running.get(tenant) ?? 0;
  }

  /** Whether all that runs is of one tenant, and that is another. */
  isHeldByOneOther(tenant: string): boolean {
    return this.#running.size === 1 && !this.#running.has(tenant);
  }

  add(tenant: string, entry: T): void {
    const entries = this.#waiting.get(tenant);
    if (entries) entries.push(entry);
    else this.#waiting.set(tenant, [entry]);
    this.#size++;
  }

  /** Takes an entry out that is given up; no harm if it has left already. */
  remove(tenant: string, entry: T): void {
    const entries = this.#waiting.get(tenant);
    const index = entries?.indexOf(entry) ?? -1;
    if (!entries || index < 0) return;
    entries.splice(index, 1);
    this.#size--;
    if (entries.length === 0) this.#waiting.delete(tenant);
  }

  /** The entry whose turn it is, if any may run. Its tenant's next turn comes after everybody else's. */
  take(mayRun: (tenant: string, entry: T) => boolean): T | undefined {
    for (const [tenant, entries] of this.#waiting) {
      const [entry] = entries;
      if (!mayRun(tenant, entry)) continue;
      entries.shift();
      this.#size--;
      this.#waiting.delete(tenant);
      if (entries.length > 0) this.#waiting.set(tenant, entries);
      return entry;
    }
    return undefined;
  }

  started(tenant: string): void {
    this.#running.set(tenant, this.runningOf(tenant) + 1);
  }

  ended(tenant: string): void {
    const left = this.runningOf(tenant) - 1;
    if (left > 0) this.#running.set(tenant, left);
    else this.#running.delete(tenant);
  }
}
