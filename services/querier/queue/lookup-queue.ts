import { type QueueBounds, requirePlace, TenantQueue } from './tenant-queue.ts';

/** Each may hold what a query may. They wait for ingesters and the database most of their time. */
const MAX_RUNNING = 64;
/** The rest is left to other tenants, whatever one tenant is allowed. */
const MAX_RUNNING_OF_TENANT = 48;

interface Waiting {
  readonly maxRunning: number;
  readonly start: () => void;
}

/**
 * Lookups (series, labels, exemplars, metadata, counts), which need no evaluation thread: as many of a tenant at a time as
 * it may have queries (48 at most), 64 in all, the others waiting, tenants in turn.
 */
export class LookupQueue {
  readonly #maxQueued: number;
  readonly #queue = new TenantQueue<Waiting>();
  #running = 0;

  /** `maxQueued`: of all tenants that wait; one more is refused. */
  constructor(maxQueued: number) {
    this.#maxQueued = maxQueued;
  }

  get running(): number {
    return this.#running;
  }

  get queued(): number {
    return this.#queue.size;
  }

  /** @throws ApiError if it can't even wait */
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

  /** Resolves when it has been started; rejects with the signal's reason. */
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
