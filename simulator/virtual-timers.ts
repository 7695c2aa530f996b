import { createRequire, syncBuiltinESMExports } from 'node:module';
import { currentActor, type VirtualTime } from './virtual-time.ts';

const require = createRequire(import.meta.url);

/** The time that the runtime's timers and clocks follow. */
let time: VirtualTime | undefined;
let random: () => number = Math.random;

/** Makes the runtime's timers, clocks and randomness those of one simulation. */
export function follow(virtualTime: VirtualTime, seededRandom: () => number): void {
  time = virtualTime;
  random = seededRandom;
}

function now(): VirtualTime {
  if (time === undefined) throw new Error('no simulation has begun');
  return time;
}

/** What `setTimeout` returns. */
class VirtualTimer {
  #event: { isCancelled: boolean } | undefined;

  constructor(start: (timer: VirtualTimer) => { isCancelled: boolean }) {
    this.#event = start(this);
  }

  restart(event: { isCancelled: boolean }): void {
    this.#event = event;
  }

  close(): void {
    if (this.#event !== undefined) this.#event.isCancelled = true;
    this.#event = undefined;
  }

  get isClosed(): boolean {
    return this.#event === undefined;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }
}

type Callback = (...args: unknown[]) => void;

function virtualTimeout(callback: Callback, delayMs = 0, ...args: unknown[]): VirtualTimer {
  return new VirtualTimer(() => now().schedule(delayMs, () => callback(...args)));
}

function virtualInterval(callback: Callback, everyMs = 1, ...args: unknown[]): VirtualTimer {
  const actor = currentActor();
  const tick = (timer: VirtualTimer) => {
    callback(...args);
    if (!timer.isClosed) timer.restart(now().schedule(everyMs, () => tick(timer), actor));
  };
  return new VirtualTimer((timer) => now().schedule(everyMs, () => tick(timer), actor));
}

function clear(timer: VirtualTimer | undefined): void {
  timer?.close();
}

function sleep(delayMs = 0, value?: unknown, options?: { signal?: AbortSignal }): Promise<unknown> {
  const signal = options?.signal;
  return new Promise((resolve, reject) => {
    const abort = () => {
      timer.close();
      const error = new Error('The operation was aborted', { cause: signal?.reason });
      reject(Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' }));
    };
    const timer = virtualTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve(value);
    }, delayMs);
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}

/**
 * Puts virtual timers, clocks and randomness in the place of the runtime's, in every module, loaded before or after.
 * For a process that does nothing else: real timers are gone.
 */
export function installVirtualTimers(): void {
  const timers = {
    setTimeout: virtualTimeout,
    setInterval: virtualInterval,
    setImmediate: (callback: Callback, ...args: unknown[]) => virtualTimeout(callback, 0, ...args),
    clearTimeout: clear,
    clearInterval: clear,
    clearImmediate: clear,
  };
  Object.assign(globalThis, timers);
  Object.assign(require('node:timers'), timers);
  const turn = (value?: unknown, options?: { signal?: AbortSignal }) => sleep(0, value, options);
  Object.assign(require('node:timers/promises'), { setTimeout: sleep, setImmediate: turn });
  Date.now = () => Math.round(now().nowMs + (currentActor()?.skewMs ?? 0));
  performance.now = () => now().nowMs;
  Math.random = () => random();
  const randomBytes = (size: number) =>
    Buffer.from(Array.from({ length: size }, () => Math.floor(random() * 256)));
  Object.assign(require('node:crypto'), {
    randomBytes,
    randomUUID: () => randomBytes(16).toString('hex'),
  });
  syncBuiltinESMExports();
}
