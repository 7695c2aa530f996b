import { randomBytes } from 'node:crypto';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { TestAuthority } from '@xscaler/testkit';
import { Redis } from 'ioredis';
import { freePort, RunningProgram, sleep } from '../harness/index.ts';

const READY_WITHIN_MS = 30_000;
const COMMAND = 'redis-server';

/** What this machine lacks to run a Redis, and the line that would bring it. */
export function missingRedis(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  if (folders.some((folder) => isExecutable(join(folder, COMMAND)))) return undefined;
  return 'no Redis server: apt-get install redis-server';
}

/**
 * The `skip` of tests that need Redis.
 * @throws Error if it is missing and XSCALER_REQUIRE_CLUSTER=1 forbids skipping
 */
export function skipWithoutRedis(): string | false {
  const missing = missingRedis();
  if (missing !== undefined && process.env.XSCALER_REQUIRE_CLUSTER === '1') throw new Error(missing);
  return missing ?? false;
}

/** How a client that may do everything gets in. */
interface Admin {
  readonly username?: string;
  readonly password?: string;
  readonly tls?: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer };
}

/** A real Redis that keeps nothing on disk, on a loopback port that stays the same over restarts. */
export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  readonly #settings: readonly string[];
  readonly #admin: Admin;
  #program: RunningProgram | undefined;

  private constructor(port: number, settings: readonly string[], admin: Admin) {
    this.port = port;
    this.#folder = mkdtempSync(join(tmpdir(), 'xscaler-redis-'));
    this.#settings = settings;
    this.#admin = admin;
  }

  /** Started and ready; `settings` are further words of its command line. */
  static async start(...settings: readonly string[]): Promise<RedisServer> {
    const port = await freePort();
    const server = new RedisServer(port, ['--port', String(port), ...settings], {});
    await server.start();
    return server;
  }

  /**
   * A Redis that nobody reaches but by TLS, with a certificate of `authority` and as one of `users`: by name, the rules of
   * each as ACL SETUSER takes them.
   */
  static async startSecured(
    authority: TestAuthority,
    users: Readonly<Record<string, string>>,
  ): Promise<RedisServer> {
    const port = await freePort();
    const { certFile, keyFile } = authority.issue({ commonName: 'redis', altNames: ['IP:127.0.0.1'] });
    const client = authority.issue({ commonName: 'admin' });
    const password = randomBytes(12).toString('hex');
    const all = { default: 'off', admin: `on >${password} ~* +@all`, ...users };
    const settings = [
      ...['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'yes'],
      ...['--tls-cert-file', certFile, '--tls-key-file', keyFile, '--tls-ca-cert-file', authority.caFile],
      ...Object.entries(all).flatMap(([name, rules]) => ['--user', name, ...rules.split(' ')]),
    ];
    const tls = {
      ca: readFileSync(authority.caFile),
      cert: readFileSync(client.certFile),
      key: readFileSync(client.keyFile),
    };
    const server = new RedisServer(port, settings, { username: 'admin', password, tls });
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get program(): RunningProgram {
    if (!this.#program) throw new Error('not started');
    return this.#program;
  }

  async start(): Promise<void> {
    const settings = ['--bind', '127.0.0.1', '--dir', this.#folder];
    const nothingOnDisk = ['--save', '', '--appendonly', 'no'];
    // It goes when this process goes.
    const args = ['--pdeathsig=KILL', '--', COMMAND, ...settings, ...nothingOnDisk, ...this.#settings];
    const program = new RunningProgram('setpriv', args);
    this.#program = program;
    const deadline = Date.now() + READY_WITHIN_MS;
    while (!program.stdout.includes('Ready to accept connections')) {
      if (!program.isRunning || Date.now() > deadline) {
        throw new Error(`Redis isn't ready:\n${program.output}`);
      }
      await sleep(20);
    }
  }

  /** The orderly stop. */
  async stop(): Promise<void> {
    await this.program.end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.program.end('SIGKILL');
  }

  /** It stands still: connections stay open and nothing answers. */
  pause(): void {
    process.kill(this.program.pid, 'SIGSTOP');
  }

  resume(): void {
    process.kill(this.program.pid, 'SIGCONT');
  }

  /** Comes back empty. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Does something with a client of its own, which may do everything. */
  async withClient<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis({ ...this.#admin, port: this.port, host: '127.0.0.1' });
    try {
      return await work(redis);
    } finally {
      redis.disconnect();
    }
  }

  /** Empties it. */
  async flush(): Promise<void> {
    await this.withClient((redis) => redis.flushall());
  }

  /** Ends it and takes its folder away. */
  async dispose(): Promise<void> {
    if (this.#program?.isRunning) await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
