import { createHash } from 'node:crypto';
import type { ClientTls } from '@xscaler/tls';
import { Redis } from 'ioredis';
import { ClusterError } from '../cluster-error.ts';
import { driverOptionsOf, passwordOf, type RedisOptions, tlsOf } from './redis-options.ts';

/** A Lua script, which Redis runs as one step. */
export class Script {
  readonly text: string;
  readonly sha: string;

  constructor(text: string) {
    this.text = text;
    this.sha = createHash('sha1').update(text).digest('hex');
  }
}

const DEFAULT_TIMEOUT_MS = 250;
/** After a call that took too long the next ones fail at once for this long: a stalled Redis costs one caller a second its time. */
const PAUSE_MS = 1_000;
/** Calls under way at most. */
const MAX_CALLS = 1_000;

/** One connection to Redis, which nobody waits for longer than `timeoutMs`. Every call rejects with `ClusterError` alone. */
export class RedisClient {
  readonly #options: RedisOptions;
  readonly #tls: ClientTls | undefined;
  readonly #redis: Redis;
  readonly #timeoutMs: number;
  readonly #onAway: (reason: string | undefined) => void;
  /** Resolves when the first try to connect has come to an end. */
  readonly #firstTry: Promise<unknown>;
  #calls = 0;
  #pausedUntilMs = 0;
  /** Why there is no connection; calls know no more than that there is none. */
  #connectFault: string | undefined;
  #awayBecause: string | undefined;
  #wasReady = false;
  #isClosed = false;

  constructor(options: RedisOptions) {
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#onAway = options.onAway ?? (() => {});
    this.#options = options;
    this.#tls = tlsOf(options);
    this.#redis = new Redis(driverOptionsOf(options, this.#tls));
    this.#redis.on('error', (error: Error) => {
      this.#connectFault = this.#explain(error);
      this.#note(this.#connectFault);
    });
    this.#redis.on('reconnecting', () => this.#renewPassword());
    this.#redis.on('ready', () => {
      this.#pausedUntilMs = 0;
      this.#connectFault = undefined;
      this.#wasReady = true;
      this.#note(undefined);
    });
    this.#firstTry = this.#redis.connect().catch(() => undefined);
  }

  /** Whether the connection is lost, or the last call was too late. */
  get isAway(): boolean {
    return this.#awayBecause !== undefined;
  }

  /** Runs a script. Answers are as Redis gives them: texts, numbers, null, lists of them. */
  run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const rest = [...keys, ...args];
    return this.#bounded(async () => {
      try {
        return await this.#redis.evalsha(script.sha, keys.length, ...rest);
      } catch (error) {
        if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
        return this.#redis.eval(script.text, keys.length, ...rest);
      }
    });
  }

  /** The server's wall clock, ms. */
  async timeMs(): Promise<number> {
    const [seconds, microseconds] = await this.#bounded(() => this.#redis.time());
    return Number(seconds) * 1_000 + Number(microseconds) / 1_000;
  }

  get(key: string): Promise<string | null> {
    return this.#bounded(() => this.#redis.get(key));
  }

  getBytes(key: string): Promise<Uint8Array | null> {
    return this.#bounded(() => this.#redis.getBuffer(key));
  }

  async setBytes(key: string, bytes: Uint8Array, ttlMs: number): Promise<void> {
    const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    await this.#bounded(() => this.#redis.set(key, value, 'PX', ttlMs));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#redis.disconnect();
  }

  async #bounded<T>(call: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new ClusterError('unavailable', 'the cluster is closed');
    if (this.#calls >= MAX_CALLS) throw new ClusterError('unavailable', `${MAX_CALLS} calls are under way`);
    if (performance.now() < this.#pausedUntilMs) throw new ClusterError('unavailable', 'Redis is too slow');
    this.#calls++;
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#pausedUntilMs = performance.now() + PAUSE_MS;
        reject(new ClusterError('unavailable', `no answer from Redis within ${this.#timeoutMs} ms`));
      }, this.#timeoutMs);
    });
    try {
      const answer = await Promise.race([this.#firstTry.then(call), tooLate]);
      this.#note(undefined);
      return answer;
    } catch (error) {
      const message = this.#connectFault ?? (error as Error).message;
      // Only a first reason: what the next calls run into follows from it.
      if (!this.isAway) this.#note(message);
      // Without its cause: the driver's errors carry the command, and that may be the one with the password.
      throw error instanceof ClusterError ? error : new ClusterError('unavailable', message);
    } finally {
      clearTimeout(timer);
      this.#calls--;
    }
  }

  #note(reason: string | undefined): void {
    if (reason === this.#awayBecause || this.#isClosed) return;
    this.#awayBecause = reason;
    this.#onAway(reason);
  }

  /** For the connection that is opened next; the one read before counts while the file cannot be read. */
  #renewPassword(): void {
    try {
      const password = passwordOf(this.#options);
      if (password !== undefined) this.#redis.options.password = password;
    } catch (error) {
      this.#note((error as Error).message);
    }
  }

  #explain(error: Error): string {
    const { host, port, username = 'default' } = this.#redis.options;
    const fault = this.#tls?.explain(error);
    if (fault !== undefined) return `${host}:${port}: ${fault}`;
    const text = error.message || String(error);
    if (this.#tls === undefined && !this.#wasReady && 'code' in error && error.code === 'ECONNRESET')
      return `${host}:${port} ended the connection: it may ask for TLS: cluster.redis_url does not begin with rediss:`;
    if (!/^(WRONGPASS|NOAUTH|NOPERM)/.test(text)) return text;
    const settings = 'cluster.redis_url, cluster.redis_password_file';
    return `${host}:${port} refuses user ${JSON.stringify(username)} (${settings}): ${text}`;
  }
}
