import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';

/** How a process ended: `code` is null if a signal ended it. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program started by a test, its output collected. */
export class RunningProgram {
  readonly exited: Promise<Exit>;
  readonly pid: number;
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';
  #exit: Exit | undefined;

  /** @throws (by `exited`) if the program can't be started */
  constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(command, args, {
      env: { ...inheritedEnv(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.pid = this.#child.pid ?? 0;
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      // `close`, not `exit`: all output is in by then.
      this.#child.once('close', (code, signal) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
      });
    });
    this.exited.catch(() => {});
  }

  /** What it has printed so far. */
  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get output(): string {
    return this.#stdout + this.#stderr;
  }

  get isRunning(): boolean {
    return this.#exit === undefined;
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<Exit> {
    if (this.isRunning) this.#child.kill(signal);
    return this.exited;
  }

  /**
   * Waits until `url` answers 2xx.
   * @throws Error with the program's output if it ends first or `withinMs` pass
   */
  async untilReady(url: string, withinMs: number): Promise<void> {
    const deadline = Date.now() + withinMs;
    while (Date.now() < deadline) {
      if (!this.isRunning) throw new Error(`ended before it was ready:\n${this.output}`);
      if (await answersOk(url)) return;
      await sleep(50);
    }
    throw new Error(`${url} isn't ready after ${withinMs} ms:\n${this.output}`);
  }
}

/** Without settings of ours, which are the tests' own and which the program would take for its. */
function inheritedEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('XSCALER_')));
}

async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Asks until `probe` gives something other than undefined.
 * @throws Error that says `what` was awaited, if `withinMs` pass
 */
export async function eventually<T>(
  what: string,
  withinMs: number,
  probe: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  while (Date.now() < deadline) {
    const found = await probe();
    if (found !== undefined) return found;
    await sleep(100);
  }
  throw new Error(`${what}: not within ${withinMs} ms`);
}

/** Below the range from which systems give ports to outgoing connections. */
const FIRST_PORT = 10_000;
const PORT_COUNT = 10_000;

const taken = new Set<number>();

/**
 * A loopback port that was free a moment ago, each once. It stays free while its server is down: a client that
 * tries to reach one of the ports for outgoing connections may be given that very port, and reach itself.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORT_COUNT);
    if (taken.has(port) || !(await isFree(port))) continue;
    taken.add(port);
    return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
