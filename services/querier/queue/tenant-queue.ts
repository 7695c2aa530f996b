import { ApiError } from '../answer/api-error.ts';

/** Limits on a tenant's requests: running at a time, and waiting. */
export interface QueueBounds {
  readonly maxRunning: number;
  readonly maxWaiting: number;
}

/** @throws ApiError if the limit on waiting requests, of the tenant or of all, is reached */
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
 * Waiting entries by tenant. Tenants take turns, each in the order of arrival, so that one with many queries delays another
 * by at most one query. A tenant that runs as many as it may is skipped.
 */
export class TenantQueue<T> {
  /** Only tenants with waiting entries, in the order of their turns. */
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

  /** Whether everything that runs belongs to one other tenant. */
  isHeldByOneOther(tenant: string): boolean {
    return this.#running.size === 1 && !this.#running.has(tenant);
  }

  add(tenant: string, entry: T): void {
    const entries = this.#waiting.get(tenant);
    if (entries) entries.push(entry);
    else this.#waiting.set(tenant, [entry]);
    this.#size++;
  }

  /** Removes a cancelled entry; harmless if it has left already. */
  remove(tenant: string, entry: T): void {
    const entries = this.#waiting.get(tenant);
    const index = entries?.indexOf(entry) ?? -1;
    if (!entries || index < 0) return;
    entries.splice(index, 1);
    this.#size--;
    if (entries.length === 0) this.#waiting.delete(tenant);
  }

  /** Takes the next entry that may run, if any. Its tenant goes to the end. */
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
