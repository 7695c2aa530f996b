/** A cache of byte strings. It may forget anything at any time, and a Redis that fails is a miss: no call rejects. */
export interface ByteCache {
  get(key: string): Promise<Uint8Array | undefined>;
  /** The bytes stay the caller's. A value over the cache's bound isn't kept. */
  set(key: string, bytes: Uint8Array, ttlMs: number): Promise<void>;
  readonly stats: ByteCacheStats;
}

/** Counts since the cache was opened. */
export interface ByteCacheStats {
  readonly hits: number;
  readonly misses: number;
  /** Calls that Redis didn't answer. */
  readonly failures: number;
  readonly tooLarge: number;
}

export const DEFAULT_MAX_VALUE_BYTES = 1024 * 1024;
