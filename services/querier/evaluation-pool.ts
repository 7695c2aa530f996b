import { MessageChannel, Worker } from 'node:worker_threads';
import { SharedCancellation } from '@xscaler/promql';
import { connect, serve } from '@xscaler/rpc';
import { ApiError } from './api-error.ts';
import type { EvaluationJob, EvaluationReply, EvaluatorApi, SelectApi } from './evaluation-api.ts';

export interface EvaluationPoolOptions {
  readonly threads: number;
  /** Queries that wait for a thread at most; one more is refused. */
  readonly maxQueued: number;
  /** JavaScript heap of each thread, MB; the columns live outside it. */
  readonly maxHeapMb: number;
  readonly source: SelectApi;
  onThreadLost(error: Error): void;
}

type Submission = Omit<EvaluationJob, 'cancellation' | 'queuedMs'>;

interface Waiting {
  readonly start: (thread: EvaluationThread) => void;
}

/**
 * Threads that evaluate queries, each one at a time. A query that nobody waits for any more is stopped through a cell
 * of shared memory, since its thread is deaf to messages while it computes. A thread that dies takes its one
 * query with it and is replaced.
 */
export class EvaluationPool {
  readonly #options: EvaluationPoolOptions;
  readonly #idle: EvaluationThread[] = [];
  readonly #threads = new Set<EvaluationThread>();
  readonly #waiting: Waiting[] = [];
  #closed = false;

  constructor(options: EvaluationPoolOptions) {
    this.#options = options;
    this.#idle.push(this.#spawn());
  }

  /** Resolves once the first thread has loaded its code; the others start when there is work for them. */
  async ready(): Promise<void> {
    await Promise.all([...this.#threads].map((thread) => thread.online));
  }

  get busy(): number {
    return this.#threads.size - this.#idle.length;
  }

  get queued(): number {
    return this.#waiting.length;
  }

  /** Aborting the signal stops the evaluation; its reason, a `TimeoutError` or another, says which error it was. */
  async run(submission: Submission, signal: AbortSignal): Promise<EvaluationReply> {
    const arrivedMs = performance.now();
    const thread = await this.#acquire(signal);
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
    await Promise.all([...this.#threads].map((thread) => thread.terminate()));
  }

  async #acquire(signal: AbortSignal): Promise<EvaluationThread> {
    signal.throwIfAborted();
    const idle = this.#idle.pop();
    if (idle) return idle;
    if (this.#threads.size < this.#options.threads) return this.#spawn();
    if (this.#waiting.length >= this.#options.maxQueued) {
      throw new ApiError('unavailable', 'too many queries are waiting for evaluation');
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(signal.reason);
      };
      const waiting: Waiting = {
        start: (thread) => {
          signal.removeEventListener('abort', leave);
          resolve(thread);
        },
      };
      this.#waiting.push(waiting);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  #release(thread: EvaluationThread): void {
    const next = this.#waiting.shift();
    if (next) next.start(thread);
    else this.#idle.push(thread);
  }

  #spawn(): EvaluationThread {
    const thread = new EvaluationThread(this.#options, {
      free: () => this.#release(thread),
      lost: (error) => {
        this.#threads.delete(thread);
        const index = this.#idle.indexOf(thread);
        if (index >= 0) this.#idle.splice(index, 1);
        if (this.#closed) return;
        this.#options.onThreadLost(error);
        if (this.#waiting.length > 0) this.#release(this.#spawn());
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
  readonly online: Promise<void>;
  readonly #worker: Worker;
  readonly #api: EvaluatorApi;
  readonly #events: ThreadEvents;
  #alive = true;
  #jobSignal = new AbortController().signal;

  constructor(options: EvaluationPoolOptions, events: ThreadEvents) {
    this.#events = events;
    const evaluator = new MessageChannel();
    const source = new MessageChannel();
    this.#worker = new Worker(new URL('./evaluation-thread.ts', import.meta.url), {
      name: 'evaluation',
      workerData: { evaluator: evaluator.port2, source: source.port2 },
      transferList: [evaluator.port2, source.port2],
      resourceLimits: { maxOldGenerationSizeMb: options.maxHeapMb },
    });
    this.online = new Promise((resolve) => this.#worker.once('message', () => resolve()));
    this.#api = connect<EvaluatorApi>(evaluator.port1);
    serve<SelectApi>(source.port1, {
      select: (request, signal) => this.#select(options.source, request, signal),
    });
    let fault = new Error('an evaluation thread ended');
    this.#worker.on('error', (error) => {
      fault = error as Error;
    });
    this.#worker.on('exit', () => {
      this.#alive = false;
      evaluator.port1.close();
      source.port1.close();
      events.lost(fault);
    });
  }

  /** The thread is free again only when the job has really ended there, whatever became of its caller. */
  evaluate(job: EvaluationJob, signal: AbortSignal): Promise<EvaluationReply> {
    this.#jobSignal = signal;
    const done = this.#api.evaluate(job, new AbortController().signal);
    const free = () => {
      if (this.#alive) this.#events.free();
    };
    done.then(free, free);
    return new Promise((resolve, reject) => {
      const abandon = () => reject(signal.reason);
      signal.addEventListener('abort', abandon, { once: true });
      done
        .then(resolve, (error: Error) => {
          reject(
            this.#alive
              ? error
              : new ApiError('execution', 'the query exhausted the memory of its evaluation thread'),
          );
        })
        .finally(() => signal.removeEventListener('abort', abandon));
    });
  }

  /** A job that is given up while it waits for its series must not wait on. */
  async *#select(source: SelectApi, request: Parameters<SelectApi['select']>[0], asked: AbortSignal) {
    const signal = AbortSignal.any([asked, this.#jobSignal]);
    signal.throwIfAborted();
    yield* source.select(request, signal);
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError';
}
