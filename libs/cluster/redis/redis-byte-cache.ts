import type { ByteCache, ByteCacheStats } from '../byte-cache.ts';
import { ClusterError } from '../cluster-error.ts';
import { joinKey } from '../keys.ts';
import type { RedisClient } from './redis-client.ts';

/** A `ByteCache` in Redis. */
export class RedisByteCache implements ByteCache {
  readonly #client: RedisClient;
  readonly #prefix: string;
  readonly #maxValueBytes: number;
  #hits = 0;
  #misses = 0;
  #failures = 0;
  #tooLarge = 0;

  constructor(client: RedisClient, prefix: string, maxValueBytes: number) {
    this.#client = client;
    this.#prefix = prefix;
    this.#maxValueBytes = maxValueBytes;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const bytes = await this.#tried(this.#client.getBytes(this.#nameOf(key)));
    if (bytes === undefined || bytes === null) {
      this.#misses++;
      return undefined;
    }
    this.#hits++;
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  async set(key: string, bytes: Uint8Array, ttlMs: number): Promise<void> {
    if (bytes.length > this.#maxValueBytes) this.#tooLarge++;
    else if (ttlMs > 0) await this.#tried(this.#client.setBytes(this.#nameOf(key), bytes, Math.ceil(ttlMs)));
  }

  get stats(): ByteCacheStats {
    return {
      hits: this.#hits,
      misses: this.#misses,
      failures: this.#failures,
      tooLarge: this.#tooLarge,
    };
  }

  async #tried<T>(call: Promise<T>): Promise<T | undefined> {
    try {
      return await call;
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      this.#failures++;
      return undefined;
    }
  }

  #nameOf(key: string): string {
    return `${this.#prefix}:${joinKey([key])}`;
  }
}
