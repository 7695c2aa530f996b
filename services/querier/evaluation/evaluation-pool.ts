import { SharedCancellation } from '@xscaler/promql';
import { ApiError } from '../answer/api-error.ts';
import { type QueueBounds, requirePlace, TenantQueue } from '../queue/tenant-queue.ts';
import type { EvaluationJob } from './evaluation-api.ts';
import { type Evaluated, EvaluationWorker, type EvaluationWorkerOptions } from './evaluation-worker.ts';

/** Longer than the refresh interval of dashboards. An idle thread holds 15 MB; a new one takes 0.2 s to start. */
const MAX_IDLE_MS = 600_000;

export interface EvaluationPoolOptions extends EvaluationWorkerOptions {
  /** Greatest number of threads, plus one if a tenant holds all while another waits. They start on demand. */
  readonly threads: number;
  /** An idle thread ends after this long; 10 minutes by default. */
  readonly maxIdleMs?: number;
  /** Limit on the queries of all tenants that wait for a thread; more are refused. */
  readonly maxQueued: number;
  onThreadLost(error: Error): void;
  /** Called after a thread was ended because it still ran a query of the tenant long after its cancellation. */
  onThreadDeaf(tenant: string): void;
}

type Submission = Omit<EvaluationJob, 'cancellation' | 'queuedMs'>;

interface Waiting {
  readonly maxRunning: number;
  readonly start: (thread: EvaluationWorker) => void;
  readonly fail: (error: Error) => void;
}

/**
 * Threads that evaluate queries, each one at a time. Tenants take turns. Threads start on demand and end when idle for long.
 * A query is cancelled through shared memory, since its thread reads no messages while it computes. A thread that fails
 * loses only its query, and is replaced. So is a thread that still computes long after its query was cancelled.
 *
 * A single tenant may use all threads. While it does, an additional thread serves the others, so that no tenant can block
 * another's reads, however few threads there are.
 */
export class EvaluationPool {
  readonly #options: EvaluationPoolOptions;
  /** Idle threads, the last used one last, which is used next; each with its end timer. */
  readonly #idle = new Map<EvaluationWorker, NodeJS.Timeout>();
  readonly #threads = new Set<EvaluationWorker>();
  /** The tenant that each busy thread works for. */
  readonly #tenants = new Map<EvaluationWorker, string>();
  readonly #queue = new TenantQueue<Waiting>();
  #deaf = 0;
  #closed = false;

  constructor(options: EvaluationPoolOptions) {
    this.#options = options;
  }

  /** Starts loading a thread's code before the first query arrives. */
  warm(): void {
    if (this.#threads.size > 0 || this.#closed) return;
    try {
      this.#rest(this.#spawn());
    } catch (error) {
      // The system has no thread left; a query reports that if it lasts.
      this.#options.onThreadLost(error as Error);
    }
  }

  /** Running and starting threads. */
  get size(): number {
    return this.#threads.size;
  }

  get busy(): number {
    return this.#threads.size - this.#idle.size;
  }

  /** Threads ended because they did not react to a cancellation. */
  get deaf(): number {
    return this.#deaf;
  }

  get queued(): number {
    return this.#queue.size;
  }

  /** Aborting the signal stops the evaluation; the error follows from its reason, a `TimeoutError` or another. */
  async run(submission: Submission, bounds: QueueBounds, signal: AbortSignal): Promise<Evaluated> {
    const arrivedMs = performance.now();
    const thread = await this.#acquire(submission.tenant, bounds, signal);
    const queuedMs = performance.now() - arrivedMs;
    const cancellation = new SharedCancellation();
    const cancel = () => (isTimeout(signal.reason) ? cancellation.timeOut() : cancellation.cancel());
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    try {
      return await thread.evaluate({ ...submission, queuedMs, cancellation: cancellation.buffer }, signal);
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const ending of this.#idle.values()) clearTimeout(ending);
    await Promise.all([...this.#threads].map((thread) => thread.terminate()));
  }

  async #acquire(tenant: string, bounds: QueueBounds, signal: AbortSignal): Promise<EvaluationWorker> {
    signal.throwIfAborted();
    if (this.#closed) throw new ApiError('unavailable', 'the querier is stopping');
    if (this.#mayRun(tenant, bounds.maxRunning)) return this.#grant(this.#available(), tenant);
    requirePlace(this.#queue, tenant, bounds, this.#options.maxQueued);
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#queue.remove(tenant, waiting);
        reject(signal.reason);
      };
      const waiting: Waiting = {
        maxRunning: bounds.maxRunning,
        start: (thread) => {
          signal.removeEventListener('abort', leave);
          resolve(this.#grant(thread, tenant));
        },
        fail: (error) => {
          signal.removeEventListener('abort', leave);
          reject(error);
        },
      };
      this.#queue.add(tenant, waiting);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  /** Whether a query of the tenant may use an idle thread or start one. */
  #mayRun(tenant: string, maxRunning: number): boolean {
    if (this.#queue.runningOf(tenant) >= maxRunning) return false;
    const { busy } = this;
    const { threads } = this.#options;
    return busy < threads || (busy === threads && this.#queue.isHeldByOneOther(tenant));
  }

  /** An idle thread, or a new one. */
  #available(): EvaluationWorker {
    const idle = [...this.#idle.keys()].at(-1);
    if (idle === undefined) return this.#spawn();
    this.#unrest(idle);
    return idle;
  }

  /** Keeps the thread for later work, and ends it if none arrives. */
  #rest(thread: EvaluationWorker): void {
    const end = () => {
      this.#idle.delete(thread);
      this.#threads.delete(thread);
      void thread.terminate();
    };
    this.#idle.set(thread, setTimeout(end, this.#options.maxIdleMs ?? MAX_IDLE_MS).unref());
  }

  #unrest(thread: EvaluationWorker): void {
    clearTimeout(this.#idle.get(thread));
    this.#idle.delete(thread);
  }

  #grant(thread: EvaluationWorker, tenant: string): EvaluationWorker {
    this.#tenants.set(thread, tenant);
    this.#queue.started(tenant);
    return thread;
  }

  /** The thread no longer works for its tenant. */
  #ended(thread: EvaluationWorker): void {
    const tenant = this.#tenants.get(thread);
    if (tenant === undefined) return;
    this.#tenants.delete(thread);
    this.#queue.ended(tenant);
  }

  #dispatch(): void {
    for (;;) {
      const next = this.#queue.take((tenant, { maxRunning }) => this.#mayRun(tenant, maxRunning));
      if (next === undefined) return;
      try {
        next.start(this.#available());
      } catch (error) {
        next.fail(error as Error);
      }
    }
  }

  #spawn(): EvaluationWorker {
    const thread = new EvaluationWorker(this.#options, {
      free: () => {
        this.#ended(thread);
        this.#rest(thread);
        this.#dispatch();
      },
      lost: (error, isDeaf) => {
        const tenant = this.#tenants.get(thread);
        this.#ended(thread);
        this.#unrest(thread);
        // One that rested too long has been taken from them.
        const wasNeeded = this.#threads.delete(thread);
        if (isDeaf) this.#deaf++;
        if (this.#closed || !wasNeeded) return;
        if (isDeaf) this.#options.onThreadDeaf(tenant ?? '');
        else this.#options.onThreadLost(error);
        this.#dispatch();
      },
    });
    this.#threads.add(thread);
    return thread;
  }
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError';
}
