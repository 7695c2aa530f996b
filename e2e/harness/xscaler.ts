import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Exit, freePort, RunningProgram } from './child-process.ts';
import { Client } from './client.ts';
import { createTenant } from './tenants.ts';

const MAIN = join(import.meta.dirname, '../../services/all/main.ts');
const READY_WITHIN_MS = 60_000;

export interface XscalerOptions {
  /** Further `XSCALER_*` settings. */
  readonly env?: Readonly<Record<string, string>>;
  readonly tenant?: string;
  readonly token?: string;
  /** Settings are left to the program: a first start makes a tenant `demo` with a random token. */
  readonly withoutBootstrap?: boolean;
  /** No file may grow beyond this many bytes: what is written then fails as on a full disk. */
  readonly maxFileBytes?: number;
}

/** `xscaler all` as a process of its own on a data directory that outlives it. */
export class Xscaler {
  readonly dataDir: string;
  readonly port: number;
  readonly tenant: string;
  readonly token: string;
  readonly #env: Record<string, string>;
  readonly #maxFileBytes: number | undefined;
  #program: RunningProgram | undefined;

  private constructor(port: number, options: XscalerOptions) {
    this.dataDir = mkdtempSync(join(tmpdir(), 'xscaler-e2e-'));
    this.port = port;
    this.tenant = options.tenant ?? 'e2e';
    this.#maxFileBytes = options.maxFileBytes;
    this.token = options.token ?? 'xag_e2eE2Ee2eE2Ee2eE2Ee2eE2Ee2eE2E00';
    this.#env = { XSCALER_DATA_DIR: this.dataDir, XSCALER_LISTEN: `127.0.0.1:${port}`, ...options.env };
    if (options.withoutBootstrap) return;
    this.#env.XSCALER_BOOTSTRAP_TENANT = this.tenant;
    this.#env.XSCALER_BOOTSTRAP_TOKEN = this.token;
  }

  static async create(options: XscalerOptions = {}): Promise<Xscaler> {
    return new Xscaler(await freePort(), options);
  }

  /** Created, started and ready. */
  static async start(options: XscalerOptions = {}): Promise<Xscaler> {
    const xscaler = await Xscaler.create(options);
    await xscaler.start();
    return xscaler;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get program(): RunningProgram {
    if (!this.#program) throw new Error('not started');
    return this.#program;
  }

  /** A client with the bootstrap tenant's token, or another's. */
  client(tenant = this.tenant, token = this.token): Client {
    return new Client(this.url, tenant, token);
  }

  /** A process on this data directory, not waited for. */
  spawn(env: Readonly<Record<string, string>> = {}): RunningProgram {
    const command = [process.execPath, '--disable-warning=ExperimentalWarning', MAIN];
    const limit = this.#maxFileBytes === undefined ? [] : ['prlimit', `--fsize=${this.#maxFileBytes}`, '--'];
    const [first, ...args] = [...limit, ...command];
    return new RunningProgram(first, args, { ...this.#env, ...env });
  }

  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#program = this.spawn(env);
    await this.#program.untilReady(`${this.url}/-/ready`, READY_WITHIN_MS);
  }

  /** Makes further tenants, for which it is stopped and started again; a client of each, which reads and writes. */
  async addTenants(...ids: readonly string[]): Promise<Client[]> {
    await this.stop();
    const clients: Client[] = [];
    for (const id of ids) {
      const [token] = await createTenant(this.dataDir, id, ['read+write']);
      clients.push(this.client(id, token));
    }
    await this.start();
    return clients;
  }

  /** SIGTERM: the orderly stop. */
  stop(): Promise<Exit> {
    return this.program.end('SIGTERM');
  }

  /** SIGKILL: nothing is flushed, nobody is told. */
  kill(): Promise<Exit> {
    return this.program.end('SIGKILL');
  }

  /** Ends it and takes its data away. */
  async dispose(): Promise<void> {
    await this.#program?.end('SIGKILL');
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
