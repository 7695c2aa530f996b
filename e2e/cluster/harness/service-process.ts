import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, freePort, RunningProgram, sleep } from '../../harness/index.ts';

const MAIN = join(import.meta.dirname, '../../../services/all/main.ts');
const READY_WITHIN_MS = 180_000;
const STOP_WITHIN_MS = 20_000;

export type Role = 'gateway' | 'distributor' | 'ingester' | 'querier' | 'compactor';

export interface ServiceOptions {
  readonly name: string;
  readonly role: Role;
  /** `XSCALER_*` settings, without the two addresses. */
  readonly env: Readonly<Record<string, string>>;
  /** A free one by default. */
  readonly port?: number;
}

export interface ReadyPage {
  readonly status: number;
  readonly text: string;
}

/** One service of a cluster as a process, on loopback ports that stay the same over restarts. */
export class ServiceProcess {
  readonly name: string;
  readonly role: Role;
  readonly port: number;
  readonly opsPort: number;
  readonly #env: Readonly<Record<string, string>>;
  readonly #endedLogs: string[] = [];
  #program: RunningProgram | undefined;

  private constructor(options: ServiceOptions, port: number, opsPort: number) {
    this.name = options.name;
    this.role = options.role;
    this.port = port;
    this.opsPort = opsPort;
    this.#env = {
      ...options.env,
      XSCALER_LISTEN: `127.0.0.1:${port}`,
      XSCALER_OPS_LISTEN: `127.0.0.1:${opsPort}`,
    };
  }

  /** Not started. */
  static async create(options: ServiceOptions): Promise<ServiceProcess> {
    return new ServiceProcess(options, options.port ?? (await freePort()), await freePort());
  }

  /** `host:port` of what it serves. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get opsUrl(): string {
    return `http://127.0.0.1:${this.opsPort}`;
  }

  get program(): RunningProgram {
    if (!this.#program) throw new Error(`${this.name} was not started`);
    return this.#program;
  }

  get isRunning(): boolean {
    return this.#program?.isRunning ?? false;
  }

  /** What all its processes have logged so far. */
  get logs(): string {
    return [...this.#endedLogs, this.#program?.output ?? ''].join('');
  }

  /** Starts the process; `untilReady` waits for it. `env` goes before the settings it was made with. */
  spawn(env: Readonly<Record<string, string>> = {}): void {
    if (this.isRunning) throw new Error(`${this.name} is running`);
    this.#endedLogs.push(this.#program?.output ?? '');
    const node = [process.execPath, '--disable-warning=ExperimentalWarning', MAIN, this.role];
    // It goes when this process goes, however it goes.
    this.#program = new RunningProgram('setpriv', ['--pdeathsig=KILL', '--', ...node], {
      ...this.#env,
      ...env,
    });
  }

  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    this.spawn(env);
    await this.untilReady();
  }

  untilReady(withinMs = READY_WITHIN_MS): Promise<void> {
    return this.program.untilReady(`${this.opsUrl}/-/ready`, withinMs);
  }

  /** Undefined if it is ready, else what it says, or that it says nothing. */
  async notReady(): Promise<string | undefined> {
    const { status, text } = await this.readyPage();
    return status === 200 ? undefined : text;
  }

  /** What `/-/ready` says, also beside `ready`; status 0 if nothing answers. */
  async readyPage(): Promise<ReadyPage> {
    try {
      const response = await fetch(`${this.opsUrl}/-/ready`, { signal: AbortSignal.timeout(2_000) });
      return { status: response.status, text: (await response.text()).trim() };
    } catch (error) {
      return { status: 0, text: `no answer: ${(error as Error).message}` };
    }
  }

  /** Waits until `/-/ready` says so, beside `ready` or in its place; returns what it answers then. */
  untilSays(what: RegExp, withinMs: number): Promise<ReadyPage> {
    return this.#untilPage(({ text }) => what.test(text), `says ${what}`, withinMs);
  }

  /** Waits until it says that it is not ready, for this reason. */
  async untilNotReady(reason: RegExp, withinMs: number): Promise<void> {
    const isIt = ({ status, text }: ReadyPage) => status === 503 && reason.test(text);
    await this.#untilPage(isIt, `is not ready: ${reason}`, withinMs);
  }

  async #untilPage(isIt: (page: ReadyPage) => boolean, what: string, withinMs: number): Promise<ReadyPage> {
    let page: ReadyPage = { status: 0, text: '' };
    return eventually(`${this.name} ${what}`, withinMs, async () => {
      page = await this.readyPage();
      return isIt(page) ? page : undefined;
    }).catch((error: Error) => assert.fail(`${error.message}: it says ${page.status} ${page.text}`));
  }

  /** The same service on other ports, not started: a second process with the same settings. */
  another(name: string): Promise<ServiceProcess> {
    return ServiceProcess.create({ name, role: this.role, env: this.#env });
  }

  /** `/debug` of the service. */
  async debug<T>(): Promise<T> {
    const response = await fetch(`${this.opsUrl}/debug`);
    return (await response.json()) as T;
  }

  /** One of its metrics: the sum over its labels, 0 if it isn't there. */
  async metric(name: string): Promise<number> {
    const response = await fetch(`${this.opsUrl}/metrics`);
    let total = 0;
    for (const line of (await response.text()).split('\n')) {
      const found = /^([^#\s{]+)(?:\{.*\})? (\S+)$/.exec(line);
      if (found?.[1] === name) total += Number(found[2]);
    }
    return total;
  }

  /** SIGKILL: nothing is flushed, nobody is told. */
  async kill(): Promise<void> {
    await this.#program?.end('SIGKILL');
  }

  /** The orderly stop. @throws Error if it takes too long or ends with an error */
  async stop(): Promise<void> {
    const ended = this.program.end('SIGTERM');
    const late = sleep(STOP_WITHIN_MS).then(() => undefined);
    const exit = await Promise.race([ended, late]);
    if (exit?.code === 0) return;
    const how = exit === undefined ? 'is not stopped in time' : `ended with ${JSON.stringify(exit)}`;
    throw new Error(`${this.name} ${how}:\n${this.program.output.slice(-4_000)}`);
  }

  /** It stands still: connections stay open and nothing answers. */
  pause(): void {
    process.kill(this.program.pid, 'SIGSTOP');
  }

  resume(): void {
    process.kill(this.program.pid, 'SIGCONT');
  }

  writeLogs(folder: string): void {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${this.name}.log`), this.logs);
  }
}
