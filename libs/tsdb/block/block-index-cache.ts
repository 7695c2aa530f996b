/** What an entry takes beside its value: key, map entry, array and buffer. Roughly. */
const ENTRY_OVERHEAD_BYTES = 400;

interface Entry {
  readonly value: object;
  readonly bytes: number;
}

/**
 * What was read of the indexes of all blocks: directories, pages of symbols and postings, groups of series. Bounded
 * in bytes; the least recently used go first. Values are immutable: who holds one that went may go on using it.
 */
export class BlockIndexCache {
  readonly #maxBytes: number;
  /** In the order of use. */
  readonly #entries = new Map<string, Entry>();
  readonly #loading = new Map<string, Promise<object>>();
  #byteSize = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Memory held, estimated; at most `maxBytes`. */
  get byteSize(): number {
    return this.#byteSize;
  }

  get(key: string): object | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** Keeps a value of about this many bytes, unless it is more than all may have. */
  set(key: string, value: object, valueBytes: number): void {
    this.#remove(key);
    const bytes = valueBytes + ENTRY_OVERHEAD_BYTES;
    if (bytes > this.#maxBytes) return;
    this.#entries.set(key, { value, bytes });
    this.#byteSize += bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#byteSize <= this.#maxBytes) break;
      this.#remove(oldest);
    }
  }

  /** What is kept under the key, or what `load` brings; those who ask meanwhile share one load. Rejects as `load`. */
  async getOrLoad(key: string, load: () => Promise<{ value: object; bytes: number }>): Promise<object> {
    const found = this.get(key) ?? this.#loading.get(key);
    if (found !== undefined) return found;
    const loading = load().then(({ value, bytes }) => {
      this.set(key, value, bytes);
      return value;
    });
    this.#loading.set(key, loading);
    try {
      return await loading;
    } finally {
      this.#loading.delete(key);
    }
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#byteSize -= entry.bytes;
  }
}
