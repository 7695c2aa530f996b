import { type MessagePort, type ResourceLimits, Worker } from 'node:worker_threads';
import { fromWireError, toWireError, type WireError } from '@xscaler/rpc/errors';
import type { MetricFamily, MetricsSource } from './metrics.ts';
import type { ThreadCommand, ThreadReport, ThreadSeed } from './thread-messages.ts';

export interface ThreadOptions<Config> {
  /** The thread's entry file: `new URL('./heads-thread.ts', import.meta.url)`. It calls `runThread`. */
  readonly url: URL;
  /** Named in errors, and in the operating system's list of threads. */
  readonly name: string;
  /** Plain values: they are copied. */
  readonly config: Config;
  /** Moved to the thread. */
  readonly ports?: Readonly<Record<string, MessagePort>>;
  readonly resourceLimits?: ResourceLimits;
  /** Called once when the thread dies unasked. By default it is written to standard error and the process exits. */
  readonly onCrash?: (crash: ThreadCrash) => void;
  /** Told what the thread's boot waits for; undefined once it goes on. */
  readonly onWaits?: (reason: string | undefined) => void;
  /** Gives up a thread that hasn't booted yet: it is ended, and the start rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** How long `metrics()` waits for a thread that is busy. Default 1 s. */
  readonly metricsDeadlineMs?: number;
}

/** A thread that booted. */
export interface Thread extends MetricsSource {
  readonly name: string;
  /** What the thread has measured; what it had at the last answer if it is too busy to say. */
  metrics(): Promise<readonly MetricFamily[]>;
  /**
   * Asks for a graceful stop, then ends the thread. Rejects if its stop failed, or took longer than
   * `deadlineMs` (default 10 s); the thread is gone all the same.
   */
  stop(deadlineMs?: number): Promise<void>;
}

/** A thread ended though nobody had asked it to. */
export class ThreadCrash extends Error {
  override readonly name = 'ThreadCrash';
  readonly code = 'thread_crash';

  constructor(thread: string, reason: string, cause?: Error) {
    super(`thread ${thread} ${reason}`, { cause });
  }
}

/**
 * Starts a worker thread; resolves when it has booted, however long that takes, rejects with its error when it fails to.
 *
 * Crash-only: a thread that dies later takes the whole process down. Its state is a function of the log, a restart
 * rebuilds it, and half a process that answers for a whole one is worse than none.
 */
export async function startThread<Config>(options: ThreadOptions<Config>): Promise<Thread> {
  const { signal } = options;
  signal?.throwIfAborted();
  const thread = new WorkerThread(options);
  const giveUp = () => thread.giveUp(signal?.reason);
  signal?.addEventListener('abort', giveUp);
  try {
    await thread.booted;
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
  return thread;
}

class WorkerThread implements Thread {
  readonly name: string;
  readonly booted: Promise<void>;
  readonly #worker: Worker;
  readonly #onCrash: (crash: ThreadCrash) => void;
  readonly #boot = Promise.withResolvers<void>();
  readonly #stopped = Promise.withResolvers<WireError | undefined>();
  readonly #onWaits: (reason: string | undefined) => void;
  readonly #metricsDeadlineMs: number;
  #collection: PromiseWithResolvers<void> | undefined;
  #families: readonly MetricFamily[] = [];
  #phase: 'booting' | 'running' | 'stopping' | 'ended' = 'booting';

  constructor(options: ThreadOptions<unknown>) {
    this.name = options.name;
    this.#onCrash = options.onCrash ?? endProcess;
    this.#onWaits = options.onWaits ?? (() => {});
    this.#metricsDeadlineMs = options.metricsDeadlineMs ?? 1_000;
    this.booted = this.#boot.promise;
    const ports = options.ports ?? {};
    const seed: ThreadSeed<unknown> = { name: options.name, config: options.config, ports };
    this.#worker = new Worker(options.url, {
      name: options.name,
      workerData: seed,
      transferList: Object.values(ports),
      ...(options.resourceLimits && { resourceLimits: options.resourceLimits }),
    });
    this.#worker.on('message', (report: ThreadReport) => this.#receive(report));
    this.#worker.on('error', (error: Error) => this.#end(`failed: ${error.message}`, error));
    this.#worker.on('exit', (code: number) => this.#end(`exited with code ${code}`));
  }

  /** Only while it boots. */
  giveUp(reason: unknown): void {
    this.#phase = 'ended';
    this.#boot.reject(reason);
    void this.#worker.terminate();
  }

  async metrics(): Promise<readonly MetricFamily[]> {
    if (this.#phase === 'ended') return [];
    if (this.#collection === undefined) {
      this.#collection = Promise.withResolvers();
      this.#command({ kind: 'metrics' });
    }
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, this.#metricsDeadlineMs);
    await Promise.race([this.#collection.promise, late.promise]);
    clearTimeout(timer);
    return this.#families;
  }

  async stop(deadlineMs = 10_000): Promise<void> {
    if (this.#phase === 'ended') return;
    if (this.#phase === 'running') {
      this.#phase = 'stopping';
      this.#command({ kind: 'stop' });
    }
    const late = Promise.withResolvers<WireError>();
    const timer = setTimeout(() => {
      const message = `did not stop within ${deadlineMs} ms`;
      late.resolve({ name: 'Error', message, code: undefined, stack: undefined });
    }, deadlineMs);
    const fault = await Promise.race([this.#stopped.promise, late.promise]);
    clearTimeout(timer);
    await this.#worker.terminate();
    if (fault !== undefined)
      throw new Error(`thread ${this.name}: ${fault.message}`, { cause: fromWireError(fault) });
  }

  #command(command: ThreadCommand): void {
    this.#worker.postMessage(command);
  }

  #receive(report: ThreadReport): void {
    switch (report.kind) {
      case 'waits':
        this.#onWaits(report.reason);
        break;
      case 'ready':
        this.#phase = 'running';
        this.#boot.resolve();
        break;
      case 'failed':
        this.#phase = 'ended';
        this.#boot.reject(fromWireError(report.fault));
        void this.#worker.terminate();
        break;
      case 'metrics':
        this.#collected(report.families);
        break;
      case 'stopped':
        this.#stopped.resolve(report.fault);
        break;
    }
  }

  #collected(families: readonly MetricFamily[]): void {
    this.#families = families;
    this.#collection?.resolve();
    this.#collection = undefined;
  }

  /** `error` comes before `exit`: the first one says why. */
  #end(reason: string, cause?: Error): void {
    const phase = this.#phase;
    this.#phase = 'ended';
    this.#collected([]);
    if (phase === 'ended') return;
    const crash = new ThreadCrash(this.name, reason, cause);
    this.#boot.reject(crash);
    this.#stopped.resolve(toWireError(crash));
    if (phase === 'running') this.#onCrash(crash);
  }
}

function endProcess(crash: ThreadCrash): void {
  console.error(crash);
  process.exit(1);
}
