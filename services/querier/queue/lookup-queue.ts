import { type QueueBounds, requirePlace, TenantQueue } from './tenant-queue.ts';

/** Each may hold as much memory as a query. They mostly wait for ingesters and the database. */
const MAX_RUNNING = 64;
/** The rest is reserved for other tenants, whatever a tenant's limit. */
const MAX_RUNNING_OF_TENANT = 48;

interface Waiting {
  readonly maxRunning: number;
  readonly start: () => void;
}

/**
 * Lookups (series, labels, exemplars, metadata, counts), which need no evaluation thread. At most 64 run at a time, and of
 * a tenant as many as its queries may, up to 48. Others wait, and tenants take turns.
 */
export class LookupQueue {
  readonly #maxQueued: number;
  readonly #queue = new TenantQueue<Waiting>();
  #running = 0;

  /** `maxQueued`: limit on the waiting lookups of all tenants; more are refused. */
  constructor(maxQueued: number) {
    this.#maxQueued = maxQueued;
  }

  get running(): number {
    return this.#running;
  }

  get queued(): number {
    return this.#queue.size;
  }

  /** @throws ApiError if the queue is full */
  async run<T>(tenant: string, bounds: QueueBounds, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    if (this.#mayRun(tenant, bounds.maxRunning)) this.#started(tenant);
    else await this.#turn(tenant, bounds, signal);
    try {
      return await work();
    } finally {
      this.#running--;
      this.#queue.ended(tenant);
      this.#dispatch();
    }
  }

  /** Resolves when the lookup may start; rejects with the signal's reason. */
  #turn(tenant: string, bounds: QueueBounds, signal: AbortSignal): Promise<void> {
    requirePlace(this.#queue, tenant, bounds, this.#maxQueued);
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#queue.remove(tenant, waiting);
        reject(signal.reason);
      };
      const waiting: Waiting = {
        maxRunning: bounds.maxRunning,
        start: () => {
          signal.removeEventListener('abort', leave);
          this.#started(tenant);
          resolve();
        },
      };
      this.#queue.add(tenant, waiting);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  #mayRun(tenant: string, maxRunning: number): boolean {
    const most = Math.min(maxRunning, MAX_RUNNING_OF_TENANT);
    return this.#running < MAX_RUNNING && this.#queue.runningOf(tenant) < most;
  }

  #started(tenant: string): void {
    this.#running++;
    this.#queue.started(tenant);
  }

  #dispatch(): void {
    for (;;) {
      const next = this.#queue.take((tenant, { maxRunning }) => this.#mayRun(tenant, maxRunning));
      if (next === undefined) return;
      next.start();
    }
  }
}
