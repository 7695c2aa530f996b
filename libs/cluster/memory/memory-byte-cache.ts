import { type ByteCache, type ByteCacheStats, DEFAULT_MAX_VALUE_BYTES } from '../byte-cache.ts';

export interface MemoryByteCacheOptions {
  readonly now?: () => number;
  readonly cacheBytes?: number;
  readonly maxValueBytes?: number;
}

interface Entry {
  readonly bytes: Uint8Array;
  readonly expiresMs: number;
}

const DEFAULT_CACHE_BYTES = 64 * 1024 * 1024;
/** What an entry costs besides its bytes and its key, about. */
const ENTRY_BYTES = 200;

/** A `ByteCache` for one process: over its bound the least recently used goes. */
export class MemoryByteCache implements ByteCache {
  readonly #now: () => number;
  readonly #cacheBytes: number;
  readonly #maxValueBytes: number;
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  #hits = 0;
  #misses = 0;
  #tooLarge = 0;

  constructor(options: MemoryByteCacheOptions = {}) {
    this.#now = options.now ?? Date.now;
    this.#cacheBytes = options.cacheBytes ?? DEFAULT_CACHE_BYTES;
    this.#maxValueBytes = options.maxValueBytes ?? DEFAULT_MAX_VALUE_BYTES;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const entry = this.#remove(key);
    if (entry === undefined || entry.expiresMs <= this.#now()) {
      this.#misses++;
      return undefined;
    }
    this.#hits++;
    this.#put(key, entry);
    return entry.bytes.slice();
  }

  async set(key: string, bytes: Uint8Array, ttlMs: number): Promise<void> {
    if (bytes.length > this.#maxValueBytes) {
      this.#tooLarge++;
      return;
    }
    this.#remove(key);
    if (ttlMs > 0) this.#put(key, { bytes: bytes.slice(), expiresMs: this.#now() + ttlMs });
    for (const [oldest] of this.#entries) {
      if (this.#bytes <= this.#cacheBytes) break;
      this.#remove(oldest);
    }
  }

  get stats(): ByteCacheStats {
    return { hits: this.#hits, misses: this.#misses, failures: 0, tooLarge: this.#tooLarge };
  }

  #put(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    this.#bytes += costOf(key, entry);
  }

  #remove(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#bytes -= costOf(key, entry);
    return entry;
  }
}

function costOf(key: string, { bytes }: Entry): number {
  return bytes.length + 2 * key.length + ENTRY_BYTES;
}
