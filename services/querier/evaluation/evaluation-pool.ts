import { SharedCancellation } from '@xscaler/promql';
import { ApiError } from '../answer/api-error.ts';
import { type QueueBounds, requirePlace, TenantQueue } from '../queue/tenant-queue.ts';
import type { EvaluationJob } from './evaluation-api.ts';
import { type Evaluated, EvaluationWorker, type EvaluationWorkerOptions } from './evaluation-worker.ts';

/** Longer than dashboards wait between two looks: a thread that nobody asks holds 15 MB, a new one takes 0.2 s. */
const MAX_IDLE_MS = 600_000;

export interface EvaluationPoolOptions extends EvaluationWorkerOptions {
  /** At most, and one more if a tenant holds them all while another waits; they start when there is work for them. */
  readonly threads: number;
  /** How long a thread without work is kept, ms; 10 minutes by default. */
  readonly maxIdleMs?: number;
  /** Queries of all tenants that wait for a thread at most; one more is refused. */
  readonly maxQueued: number;
  onThreadLost(error: Error): void;
  /** A thread was ended, since it was still busy with a query of the tenant long after that had been given up. */
  onThreadDeaf(tenant: string): void;
}

type Submission = Omit<EvaluationJob, 'cancellation' | 'queuedMs'>;

interface Waiting {
  readonly maxRunning: number;
  readonly start: (thread: EvaluationWorker) => void;
  readonly fail: (error: Error) => void;
}

/**
 * Threads that evaluate queries, each one at a time, tenants in turn. They start when there are queries and end when there
 * have been none for a while. A query that nobody waits for any more is stopped through a cell of shared memory, since its
 * thread is deaf to messages while it computes. A thread that dies takes its one query with it and is replaced; so is one
 * that goes on computing long after its query was stopped.
 *
 * A tenant alone may use all threads. While it does, one more thread works for the others, so that no tenant can keep
 * the reads of another from being answered, however few threads there are.
 */
export class EvaluationPool {
  readonly #options: EvaluationPoolOptions;
  /** The one used last comes last, and is the next to be used; each with what ends it. */
  readonly #idle = new Map<EvaluationWorker, NodeJS.Timeout>();
  readonly #threads = new Set<EvaluationWorker>();
  /** Whom a thread works for. */
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
      // The system has no thread to give: a query will say so, if it still hasn't by then.
      this.#options.onThreadLost(error as Error);
    }
  }

  /** Threads that run or start. */
  get size(): number {
    return this.#threads.size;
  }

  get busy(): number {
    return this.#threads.size - this.#idle.size;
  }

  /** Threads ended because they did not hear that their query was given up. */
  get deaf(): number {
    return this.#deaf;
  }

  get queued(): number {
    return this.#queue.size;
  }

  /** Aborting the signal stops the evaluation; its reason, a `TimeoutError` or another, says which error it was. */
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

  /** Whether there is a thread for a query of the tenant, or may be one more. */
  #mayRun(tenant: string, maxRunning: number): boolean {
    if (this.#queue.runningOf(tenant) >= maxRunning) return false;
    const { busy } = this;
    const { threads } = this.#options;
    return busy < threads || (busy === threads && this.#queue.isHeldByOneOther(tenant));
  }

  /** A thread that rests, or a new one. */
  #available(): EvaluationWorker {
    const idle = [...this.#idle.keys()].at(-1);
    if (idle === undefined) return this.#spawn();
    this.#unrest(idle);
    return idle;
  }

  /** The thread waits for work, and ends if none comes. */
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

  /** The thread works for its tenant no more. */
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
