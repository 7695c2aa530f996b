import { MessageChannel, Worker } from 'node:worker_threads';
import { connect, fromWireError, RpcError, serve, UnavailableError } from '@xscaler/rpc';
import { ApiError } from '../answer/api-error.ts';
import { joined } from '../answer/envelope.ts';
import type { EvaluationJob, EvaluationReply, EvaluatorApi, SelectApi } from './evaluation-api.ts';

/** Three semi-spaces of 16 MB. V8's own bound lets each thread grow to more than 100 MB, and keep them. */
const YOUNG_GENERATION_MB = 48;

/** How long a thread may go on with a query that was given up: what looks at its cancellation ends within milliseconds. */
const MAX_DEAF_MS = 2_000;

/** The answer as it goes to the client. */
export type Evaluated = Omit<EvaluationReply, 'body' | 'thrown'> & { readonly body: Uint8Array };

export interface EvaluationWorkerOptions {
  /** JavaScript heap of the thread, MB; the columns live outside it. */
  readonly maxHeapMb: number;
  readonly source: SelectApi;
  /** What the thread runs, if it isn't `evaluation-thread.ts`. */
  readonly entry?: URL;
  /** How long the thread may stay busy with a query that was given up before it is ended, ms; 2 s by default. */
  readonly maxDeafMs?: number;
  /** Told of each frame of the source once nobody reads it any more. */
  readonly giveBack?: (frame: Uint8Array) => void;
}

interface ThreadEvents {
  /** The job has ended, and another may begin. */
  free(): void;
  /** The thread is no more: it failed, or (`isDeaf`) it was ended since it did not hear that its query was given up. */
  lost(error: Error, isDeaf: boolean): void;
}

/** A thread that evaluates one query at a time. */
export class EvaluationWorker {
  readonly #worker: Worker;
  readonly #api: EvaluatorApi;
  readonly #events: ThreadEvents;
  readonly #options: EvaluationWorkerOptions;
  /** What ended the thread, once something has. */
  readonly #exited: Promise<Error>;
  #jobSignal = new AbortController().signal;
  #isDeaf = false;
  /** What the job that runs was given to read. */
  #frames: Uint8Array[] = [];

  constructor(options: EvaluationWorkerOptions, events: ThreadEvents) {
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
    let fault: Error = new UnavailableError('the thread of the query has ended');
    this.#worker.on('error', (error) => {
      fault = error as Error;
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        evaluator.port1.close();
        source.port1.close();
        this.#giveBackFrames();
        resolve(fault);
        events.lost(fault, this.#isDeaf);
      });
    });
  }

  /**
   * The thread is free again only when the job has really ended there, whatever became of its caller. One that goes on for
   * long with a job that was given up is ended.
   */
  evaluate(job: EvaluationJob, signal: AbortSignal): Promise<Evaluated> {
    this.#jobSignal = signal;
    let deaf: NodeJS.Timeout | undefined;
    const done = this.#api.evaluate(job, new AbortController().signal);
    done.then(
      () => this.#free(),
      // Its port closes before the thread's end is told.
      (error: unknown) => {
        if (!isClosed(error)) this.#free();
      },
    );
    return new Promise((resolve, reject) => {
      const abandon = () => {
        reject(signal.reason);
        deaf = setTimeout(() => this.#endDeaf(), this.#options.maxDeafMs ?? MAX_DEAF_MS).unref();
      };
      signal.addEventListener('abort', abandon, { once: true });
      if (signal.aborted) abandon();
      done
        .then(
          // What the evaluation failed by may be a closed connection of its own: only the call's is the thread's end.
          (reply) => resolve(whole(reply)),
          async (error: unknown) => {
            throw isClosed(error) ? lossOf(await this.#exited, this.#options.maxHeapMb) : error;
          },
        )
        .catch(reject)
        .finally(() => {
          clearTimeout(deaf);
          signal.removeEventListener('abort', abandon);
        });
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
    // Too late: its end is on the way, and no other job may begin.
    if (this.#isDeaf) return;
    this.#giveBackFrames();
    this.#events.free();
  }

  #giveBackFrames(): void {
    const { giveBack } = this.#options;
    if (giveBack) for (const frame of this.#frames) giveBack(frame);
    this.#frames = [];
  }

  #endDeaf(): void {
    this.#isDeaf = true;
    void this.terminate();
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** @throws the error of an evaluation that has no answer */
function whole({ thrown, ...reply }: EvaluationReply): Evaluated {
  if (thrown !== undefined) throw fromWireError(thrown);
  return { ...reply, body: joined(reply.body) };
}

function isClosed(error: unknown): boolean {
  return error instanceof RpcError && error.code === 'closed';
}

/** What a query is told whose thread ended under it. */
function lossOf(fault: Error, maxHeapMb: number): Error {
  if ((fault as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY')
    return new ApiError(
      'execution',
      `the query exhausted the memory of its evaluation thread: limit evaluation_heap_mb (${maxHeapMb})`,
    );
  return fault;
}
