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
 * Bound on the young generation of a thread, three times its semi-space. V8's own lets each grow beyond 100 MB, which it keeps;
 * samples are no objects here, and ingesting takes no more CPU time with this one.
 */
const YOUNG_GENERATION_MB = 6;

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
    return {
      name,
      needs,
      start: async () => {
        const url = new URL(`./threads/${name}.ts`, import.meta.url);
        const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB };
        running = await startThread({ url, name, config, ports, resourceLimits });
        this.#threads.push(running);
      },
      stop: async () => running?.stop(),
    };
  }

  /** Metrics of this thread and of those that it started. */
  readonly metrics = (): Promise<CollectedMetrics> => collectThreads(this.#sources());

  /** The same without tenants, for a listener that clients reach: nobody learns there which tenants exist. */
  readonly publicMetrics = (): Promise<CollectedMetrics> =>
    collectThreads(this.#sources(), { sumOver: 'tenant' });

  #sources(): MetricsSource[] {
    return [registrySource(this.registry), ...this.#threads];
  }
}
