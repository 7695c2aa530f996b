import type { MessagePort } from 'node:worker_threads';
import {
  type CollectedMetrics,
  collectThreads,
  createRegistry,
  type Logger,
  type MetricsRegistry,
  type MetricsSource,
  type Module,
  registrySource,
  startThread,
  type Thread,
} from '@xscaler/runtime';

export type Ports = Readonly<Record<string, MessagePort>>;

/**
 * Bounds on the young generations of threads, three times their semi-spaces. V8's own lets each grow beyond 100 MB, which it keeps;
 * samples are not objects here. What brings them about is less the objects than the memory of buffers that hangs on them: the more
 * often they are collected, the less of that waits. A distributor has requests under way, an ingester records, which should
 * not grow old.
 */
const YOUNG_GENERATION_MB = 3;
const BUSY_YOUNG_GENERATION_MB = 6;
const BUSY = new Set(['distributor', 'ingester']);

/** What every target is put together from: threads as modules, and the metrics of all of them. */
export class ProcessParts {
  readonly logger: Logger;
  readonly registry: MetricsRegistry;
  readonly #threads: Thread[] = [];

  constructor(service: string, logger: Logger) {
    this.logger = logger;
    this.registry = createRegistry(service, { defaultMetrics: true });
  }

  /** The thread whose entry file is `threads/<name>.ts`. */
  thread(name: string, config: unknown, ports: Ports, needs: readonly string[]): Module {
    let running: Thread | undefined;
    let waitsFor: string | undefined;
    const onWaits = (reason: string | undefined) => {
      waitsFor = reason;
    };
    return {
      name,
      needs,
      start: async (signal) => {
        const url = new URL(`../threads/${name}.ts`, import.meta.url);
        const maxYoungGenerationSizeMb = BUSY.has(name) ? BUSY_YOUNG_GENERATION_MB : YOUNG_GENERATION_MB;
        const resourceLimits = { maxYoungGenerationSizeMb };
        running = await startThread({ url, name, config, ports, resourceLimits, onWaits, signal });
        this.#threads.push(running);
      },
      stop: async () => running?.stop(),
      notReady: () => waitsFor,
    };
  }

  /** Metrics of this thread and of those that it started. */
  readonly metrics = (): Promise<CollectedMetrics> => collectThreads(this.#sources());

  /** The same without tenants, for a listener that clients reach: nobody learns there which tenants exist. */
  readonly publicMetrics = (): Promise<CollectedMetrics> =>
    collectThreads(this.#sources(), { isNamed: () => false });

  /** The same for a tenant to read: it is named, and no other. */
  metricsFor(tenant: string): Promise<CollectedMetrics> {
    return collectThreads(this.#sources(), { isNamed: (other) => other === tenant });
  }

  #sources(): MetricsSource[] {
    return [registrySource(this.registry), ...this.#threads];
  }
}
