import type { Logger } from './logging.ts';

/** One row of a service's table of modules. */
export interface Module {
  readonly name: string;
  /** Started before this one, stopped after it. */
  readonly needs?: readonly string[];
  /** May wait for what it needs elsewhere, as long as `signal` isn't aborted: a stop is then asked for. */
  start(signal: AbortSignal): Promise<void>;
  /** Called only if `start` had resolved. */
  stop?(): Promise<void>;
  /** Why it can't do its work at the moment; undefined if it can. Asked while it starts, too. */
  notReady?(): string | undefined;
  /** What an operator should know of it although it does its work; undefined if there is nothing. Asked while it starts, too. */
  warning?(): string | undefined;
}

/** What `/-/ready` says of a process. */
export interface Readiness {
  /** Why it can't do its work at the moment; undefined if it can. */
  notReady(): string | undefined;
  /** What an operator should know although it does its work. */
  warnings(): readonly string[];
}

/** The answer to `/-/ready`: 200 or 503, and a text that says why, a line for each warning. */
export function readinessAnswer(readiness: Readiness): { readonly status: number; readonly text: string } {
  const reason = readiness.notReady();
  const warnings = readiness.warnings().map((warning) => `warning: ${warning}\n`);
  return { status: reason === undefined ? 200 : 503, text: `${reason ?? 'ready'}\n${warnings.join('')}` };
}

export type LifecycleState = 'idle' | 'starting' | 'running' | 'stopping' | 'stopped' | 'failed';

export interface LifecycleOptions {
  readonly modules: readonly Module[];
  readonly logger: Logger;
  /** For the whole stop, all modules together. Default 30 s. */
  readonly stopDeadlineMs?: number;
}

/** What `runUntilSignal` needs of the process. */
export interface SignalSource {
  on(signal: 'SIGTERM' | 'SIGINT', listener: (signal: string) => void): unknown;
  off(signal: 'SIGTERM' | 'SIGINT', listener: (signal: string) => void): unknown;
}

/**
 * Starts modules one after the other in the order of their needs and stops them in reverse.
 * Among modules that are free to start, the table's order holds.
 */
export class Lifecycle implements Readiness {
  readonly #order: readonly Module[];
  readonly #logger: Logger;
  readonly #stopDeadlineMs: number;
  readonly #started: Module[] = [];
  readonly #stopAsked = new AbortController();
  /** The module that is being started. */
  #current: Module | undefined;
  #state: LifecycleState = 'idle';
  #starting: Promise<void> | undefined;
  #stop: Promise<void> | undefined;

  /** @throws Error if a need is unknown, a name is given twice or needs go in a circle */
  constructor(options: LifecycleOptions) {
    this.#order = startOrder(options.modules);
    this.#logger = options.logger;
    this.#stopDeadlineMs = options.stopDeadlineMs ?? 30_000;
  }

  get state(): LifecycleState {
    return this.#state;
  }

  /** For `/-/ready`: why the process isn't ready, or undefined. */
  notReady(): string | undefined {
    if (this.#state === 'starting') return `starting ${current(this.#current)}`;
    if (this.#state !== 'running') return this.#state;
    for (const module of this.#started) {
      const reason = module.notReady?.();
      if (reason !== undefined) return `${module.name}: ${reason}`;
    }
    return undefined;
  }

  warnings(): readonly string[] {
    return this.#started.flatMap((module) => {
      const text = module.warning?.();
      return text === undefined ? [] : [`${module.name}: ${text}`];
    });
  }

  /** Rejects with the error of the module that failed, once those started before it have been stopped again. */
  start(): Promise<void> {
    if (this.#state !== 'idle') return Promise.reject(new Error(`cannot start: ${this.#state}`));
    this.#state = 'starting';
    this.#starting = this.#startInOrder();
    return this.#starting;
  }

  /**
   * Stops everything once, however often it is called. A module whose stop fails doesn't keep the others from theirs;
   * the promise then rejects with an `AggregateError`, as it does past the deadline.
   */
  stop(): Promise<void> {
    this.#stopAsked.abort(new Error('stopping'));
    this.#stop ??= this.#stopInTime();
    return this.#stop;
  }

  /**
   * Starts, waits for SIGTERM or SIGINT, stops. Resolves with the exit code of the process. A second signal doesn't
   * wait for the stop: the promise resolves at once.
   */
  async runUntilSignal(signals: SignalSource = process): Promise<number> {
    const first = Promise.withResolvers<string>();
    const second = Promise.withResolvers<number>();
    let seen = 0;
    const listener = (signal: string) => {
      if (++seen === 1) first.resolve(signal);
      else second.resolve(130);
    };
    signals.on('SIGTERM', listener);
    signals.on('SIGINT', listener);
    const orderly = async () => {
      const started = this.start();
      started.catch(() => {});
      await Promise.race([started, first.promise]);
      this.#logger.info({ signal: await first.promise }, 'stopping');
      await this.stop();
      return 0;
    };
    try {
      return await Promise.race([orderly(), second.promise]);
    } catch (error) {
      this.#logger.fatal({ err: error }, 'ended by an error');
      return 1;
    } finally {
      signals.off('SIGTERM', listener);
      signals.off('SIGINT', listener);
    }
  }

  async #startInOrder(): Promise<void> {
    for (const module of this.#order) {
      if (this.#stop !== undefined) return;
      this.#current = module;
      try {
        await module.start(this.#stopAsked.signal);
      } catch (error) {
        if (this.#stop !== undefined) return;
        this.#logger.error({ module: module.name, err: error }, 'module failed to start');
        await this.#stopStarted().catch(() => {});
        this.#state = 'failed';
        throw error;
      }
      this.#started.push(module);
      this.#logger.debug({ module: module.name }, 'module started');
    }
    if (this.#stop === undefined) this.#state = 'running';
  }

  async #stopInTime(): Promise<void> {
    this.#state = 'stopping';
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(new Error(`not stopped within ${this.#stopDeadlineMs} ms`));
    }, this.#stopDeadlineMs);
    try {
      await Promise.race([this.#afterStarting(), late.promise]);
      this.#state = 'stopped';
    } catch (error) {
      this.#state = 'failed';
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** A module that is just starting is let through, and then stopped with the others. */
  async #afterStarting(): Promise<void> {
    await this.#starting?.catch(() => {});
    await this.#stopStarted();
  }

  async #stopStarted(): Promise<void> {
    const errors: unknown[] = [];
    for (let module = this.#started.pop(); module !== undefined; module = this.#started.pop()) {
      try {
        await module.stop?.();
        this.#logger.debug({ module: module.name }, 'module stopped');
      } catch (error) {
        this.#logger.error({ module: module.name, err: error }, 'module failed to stop');
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'some modules failed to stop');
  }
}

function current(module: Module | undefined): string {
  const reason = module?.notReady?.() ?? module?.warning?.();
  return reason === undefined ? `${module?.name}` : `${module?.name}: ${reason}`;
}

function startOrder(modules: readonly Module[]): Module[] {
  const byName = new Map<string, Module>();
  for (const module of modules) {
    if (byName.has(module.name)) throw new Error(`two modules are named ${module.name}`);
    byName.set(module.name, module);
  }
  const order = new Set<Module>();
  const path: string[] = [];
  const visit = (module: Module) => {
    if (order.has(module)) return;
    if (path.includes(module.name))
      throw new Error(`modules need each other: ${[...path, module.name].join(' → ')}`);
    path.push(module.name);
    for (const need of module.needs ?? []) {
      const needed = byName.get(need);
      if (needed === undefined) throw new Error(`module ${module.name} needs ${need}, which is not there`);
      visit(needed);
    }
    path.pop();
    order.add(module);
  };
  modules.forEach(visit);
  return [...order];
}
