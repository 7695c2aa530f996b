import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
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
 * @throws Error where it is missing and XSCALER_REQUIRE_CLUSTER=1 forbids skipping
 */
export function skipWithoutRedis(): string | false {
  const missing = missingRedis();
  if (missing !== undefined && process.env.XSCALER_REQUIRE_CLUSTER === '1') throw new Error(missing);
  return missing ?? false;
}

/** A real Redis that keeps nothing on disk, on a loopback port that stays the same over restarts. */
export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  readonly #settings: readonly string[];
  #program: RunningProgram | undefined;

  private constructor(port: number, settings: readonly string[]) {
    this.port = port;
    this.#folder = mkdtempSync(join(tmpdir(), 'xscaler-redis-'));
    this.#settings = settings;
  }

  /** Started and ready; `settings` are further words of its command line. */
  static async start(...settings: readonly string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), settings);
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
    const settings = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#folder];
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

  /** Does something with a plain client of its own. */
  async withClient<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(this.port, '127.0.0.1');
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
