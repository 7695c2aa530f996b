import { MessageChannel, Worker } from 'node:worker_threads';
import { connect, fromWireError, RpcError, serve, UnavailableError } from '@xscaler/rpc';
import { ApiError } from '../answer/api-error.ts';
import { joined } from '../answer/envelope.ts';
import type { EvaluationJob, EvaluationReply, EvaluatorApi, SelectApi } from './evaluation-api.ts';

/** Three semi-spaces of 16 MB. By V8's default each thread could grow to over 100 MB, and keep them. */
const YOUNG_GENERATION_MB = 48;

/** Time for a thread to stop a cancelled query; one that checks its cancellation stops within milliseconds. */
const MAX_DEAF_MS = 2_000;

/** The answer as sent to the client. */
export type Evaluated = Omit<EvaluationReply, 'body' | 'thrown'> & { readonly body: Uint8Array };

export interface EvaluationWorkerOptions {
  /** The thread's JavaScript heap, MB; columns are outside it. */
  readonly maxHeapMb: number;
  readonly source: SelectApi;
  /** The thread's entry point; `evaluation-thread.ts` by default. */
  readonly entry?: URL;
  /** A thread busy for this long with a cancelled query is ended; 2 s by default. */
  readonly maxDeafMs?: number;
  /** Called for each frame of the source once it is no longer read. */
  readonly giveBack?: (frame: Uint8Array) => void;
}

interface ThreadEvents {
  /** The job has ended, and another may begin. */
  free(): void;
  /** The thread has ended: it failed, or (`isDeaf`) it did not react to a cancellation. */
  lost(error: Error, isDeaf: boolean): void;
}

/** A thread that evaluates one query at a time. */
export class EvaluationWorker {
  readonly #worker: Worker;
  readonly #api: EvaluatorApi;
  readonly #events: ThreadEvents;
  readonly #options: EvaluationWorkerOptions;
  /** The error that ended the thread, if it has ended. */
  readonly #exited: Promise<Error>;
  #jobSignal = new AbortController().signal;
  #isDeaf = false;
  /** The running job's source. */
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
   * The thread is free only when the job has ended there, even if its caller has left. A thread that takes long to stop a
   * cancelled job is ended.
   */
  evaluate(job: EvaluationJob, signal: AbortSignal): Promise<Evaluated> {
    this.#jobSignal = signal;
    let deaf: NodeJS.Timeout | undefined;
    const done = this.#api.evaluate(job, new AbortController().signal);
    done.then(
      () => this.#free(),
      // The port closes before the thread's end is reported.
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

  /** A job that is cancelled while it waits for its series must stop waiting. */
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

/** @throws the evaluation's error if it has no answer */
function whole({ thrown, ...reply }: EvaluationReply): Evaluated {
  if (thrown !== undefined) throw fromWireError(thrown);
  return { ...reply, body: joined(reply.body) };
}

function isClosed(error: unknown): boolean {
  return error instanceof RpcError && error.code === 'closed';
}

/** The error for a query whose thread ended. */
function lossOf(fault: Error, maxHeapMb: number): Error {
  if ((fault as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY')
    return new ApiError(
      'execution',
      `the query exhausted the memory of its evaluation thread: limit evaluation_heap_mb (${maxHeapMb})`,
    );
  return fault;
}
