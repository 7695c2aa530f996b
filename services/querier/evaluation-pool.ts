import { MessageChannel, Worker } from 'node:worker_threads';
import { SharedCancellation } from '@xscaler/promql';
import { connect, RpcError, serve } from '@xscaler/rpc';
import { ApiError } from './api-error.ts';
import { joined } from './envelope.ts';
import type { EvaluationJob, EvaluationReply, EvaluatorApi, SelectApi } from './evaluation-api.ts';
import { type QueueBounds, requirePlace, TenantQueue } from './tenant-queue.ts';

/** Three semi-spaces of 16 MB. V8's own bound lets each thread grow to more than 100 MB, and keep them. */
const YOUNG_GENERATION_MB = 48;

/** Longer than dashboards wait between two looks: a thread that nobody asks holds 15 MB, a new one takes 0.2 s. */
const MAX_IDLE_MS = 600_000;

export interface EvaluationPoolOptions {
  /** At most; they start when there is work for them. */
  readonly threads: number;
  /** How long a thread without work is kept, ms; 10 minutes by default. */
  readonly maxIdleMs?: number;
  /** Queries of all tenants that wait for a thread at most; one more is refused. */
  readonly maxQueued: number;
  /** JavaScript heap of each thread, MB; the columns live outside it. */
  readonly maxHeapMb: number;
  readonly source: SelectApi;
  /** What a thread runs, where it isn't `evaluation-thread.ts`. */
  readonly entry?: URL;
  /** Told of each frame of the source once nobody reads it any more. */
  readonly giveBack?: (frame: Uint8Array) => void;
  onThreadLost(error: Error): void;
}

/** The answer as it goes to the client. */
export type Evaluated = Omit<EvaluationReply, 'body'> & { readonly body: Uint8Array };

type Submission = Omit<EvaluationJob, 'cancellation' | 'queuedMs'>;

interface Waiting {
  readonly maxRunning: number;
  readonly start: (thread: EvaluationThread) => void;
  readonly fail: (error: Error) => void;
}

/**
 * Threads that evaluate queries, each one at a time, tenants in turn. They start when there are queries and end when there
 * have been none for a while. A query that nobody waits for any more is stopped through a cell of shared memory, since its
 * thread is deaf to messages while it computes. A thread that dies takes its one query with it and is replaced.
 */
export class EvaluationPool {
  readonly #options: EvaluationPoolOptions;
  /** The one used last comes last, and is the next to be used; each with what ends it. */
  readonly #idle = new Map<EvaluationThread, NodeJS.Timeout>();
  readonly #threads = new Set<EvaluationThread>();
  /** Whom a thread works for. */
  readonly #tenants = new Map<EvaluationThread, string>();
  readonly #queue = new TenantQueue<Waiting>();
  #closed = false;

  constructor(options: EvaluationPoolOptions) {
    this.#options = options;
  }

  /** Whoever expects queries has a thread loading its code by the time they come. */
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

  async #acquire(tenant: string, bounds: QueueBounds, signal: AbortSignal): Promise<EvaluationThread> {
    signal.throwIfAborted();
    if (this.#closed) throw new ApiError('unavailable', 'the querier is stopping');
    if (this.#queue.runningOf(tenant) < bounds.maxRunning) {
      const thread = this.#available();
      if (thread) return this.#grant(thread, tenant);
    }
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

  #available(): EvaluationThread | undefined {
    const idle = [...this.#idle.keys()].at(-1);
    if (idle !== undefined) {
      this.#unrest(idle);
      return idle;
    }
    return this.#threads.size < this.#options.threads ? this.#spawn() : undefined;
  }

  /** The thread waits for work, and ends where none comes. */
  #rest(thread: EvaluationThread): void {
    const end = () => {
      this.#idle.delete(thread);
      this.#threads.delete(thread);
      void thread.terminate();
    };
    this.#idle.set(thread, setTimeout(end, this.#options.maxIdleMs ?? MAX_IDLE_MS).unref());
  }

  #unrest(thread: EvaluationThread): void {
    clearTimeout(this.#idle.get(thread));
    this.#idle.delete(thread);
  }

  #grant(thread: EvaluationThread, tenant: string): EvaluationThread {
    this.#tenants.set(thread, tenant);
    this.#queue.started(tenant);
    return thread;
  }

  /** The thread works for its tenant no more. */
  #ended(thread: EvaluationThread): void {
    const tenant = this.#tenants.get(thread);
    if (tenant === undefined) return;
    this.#tenants.delete(thread);
    this.#queue.ended(tenant);
  }

  #dispatch(): void {
    while (this.#idle.size > 0 || this.#threads.size < this.#options.threads) {
      const next = this.#queue.take((tenant, { maxRunning }) => this.#queue.runningOf(tenant) < maxRunning);
      if (next === undefined) return;
      try {
        next.start(this.#available() as EvaluationThread);
      } catch (error) {
        next.fail(error as Error);
      }
    }
  }

  #spawn(): EvaluationThread {
    const thread = new EvaluationThread(this.#options, {
      free: () => {
        this.#ended(thread);
        this.#rest(thread);
        this.#dispatch();
      },
      lost: (error) => {
        this.#ended(thread);
        this.#unrest(thread);
        // One that rested too long has been taken from them.
        const wasNeeded = this.#threads.delete(thread);
        if (this.#closed || !wasNeeded) return;
        this.#options.onThreadLost(error);
        this.#dispatch();
      },
    });
    this.#threads.add(thread);
    return thread;
  }
}

interface ThreadEvents {
  free(): void;
  lost(error: Error): void;
}

class EvaluationThread {
  readonly #worker: Worker;
  readonly #api: EvaluatorApi;
  readonly #events: ThreadEvents;
  readonly #options: EvaluationPoolOptions;
  /** What ended the thread, once something has. */
  readonly #exited: Promise<Error>;
  #jobSignal = new AbortController().signal;
  /** What the job that runs was given to read. */
  #frames: Uint8Array[] = [];

  constructor(options: EvaluationPoolOptions, events: ThreadEvents) {
    this.#events = events;
    this.#options = options;
    const evaluator = new MessageChannel();
    const source = new MessageChannel();
    this.#worker = new Worker(options.entry ?? new URL('./evaluation-thread.ts', import.meta.url), {
      name: 'evaluation',
      workerData: { evaluator: evaluator.port2, source: source.port2 },
      transferList: [evaluator.port2, source.port2],
      resourceLimits: {
        maxOldGenerationSizeMb: options.maxHeapMb,
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
      },
    });
    this.#api = connect<EvaluatorApi>(evaluator.port1);
    serve<SelectApi>(source.port1, {
      select: (request, signal) => this.#select(options.source, request, signal),
    });
    let fault = new Error('an evaluation thread ended');
    this.#worker.on('error', (error) => {
      fault = error as Error;
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        evaluator.port1.close();
        source.port1.close();
        resolve(fault);
        events.lost(fault);
      });
    });
  }

  /** The thread is free again only when the job has really ended there, whatever became of its caller. */
  evaluate(job: EvaluationJob, signal: AbortSignal): Promise<Evaluated> {
    this.#jobSignal = signal;
    const done = this.#api.evaluate(job, new AbortController().signal).then(whole);
    done.then(
      () => this.#free(),
      // Its port closes before the thread's end is told.
      (error: unknown) => {
        if (!isClosed(error)) this.#free();
      },
    );
    return new Promise((resolve, reject) => {
      const abandon = () => reject(signal.reason);
      signal.addEventListener('abort', abandon, { once: true });
      done
        .then(resolve, async (error: unknown) => {
          reject(isClosed(error) ? lossOf(await this.#exited, this.#options.maxHeapMb) : error);
        })
        .finally(() => signal.removeEventListener('abort', abandon));
    });
  }

  /** A job that is given up while it waits for its series must not wait on. */
  async *#select(source: SelectApi, request: Parameters<SelectApi['select']>[0], asked: AbortSignal) {
    const signal = AbortSignal.any([asked, this.#jobSignal]);
    signal.throwIfAborted();
    for await (const frame of source.select(request, signal)) {
      if (frame.buffer instanceof SharedArrayBuffer) this.#frames.push(frame);
      yield frame;
    }
  }

  #free(): void {
    const { giveBack } = this.#options;
    if (giveBack) for (const frame of this.#frames) giveBack(frame);
    this.#frames = [];
    this.#events.free();
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}

function whole(reply: EvaluationReply): Evaluated {
  return { ...reply, body: joined(reply.body) };
}

function isClosed(error: unknown): boolean {
  return error instanceof RpcError && error.code === 'closed';
}

/** What a query is told whose thread ended under it. */
function lossOf(fault: Error, maxHeapMb: number): ApiError {
  if ((fault as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY')
    return new ApiError(
      'execution',
      `the query exhausted the memory of its evaluation thread: limit evaluation_heap_mb (${maxHeapMb})`,
    );
  return new ApiError('unavailable', fault.message);
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError';
}
