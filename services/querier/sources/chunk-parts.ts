import type { BlockStore } from '@xscaler/database';
import { BlockIndexCache } from '@xscaler/tsdb';

type PartSource = Pick<BlockStore, 'readPart'>;

/** A read of this much of a part fetches the whole part, which costs a database hardly more. */
const LARGE_READ_BYTES = 16 * 1024;
/** Parts that were read from a little and may be again, at most. */
const MAX_TOUCHED = 4_096;

/**
 * Keeps chunk parts in memory that queries read repeatedly, or much of. A single small read keeps no part, since otherwise
 * one series of a large block would fetch 256 KB a part. Limited in bytes; the least recently used parts are dropped first.
 */
export class ChunkParts {
  readonly #blocks: PartSource;
  readonly #cache: BlockIndexCache;
  /** Parts that were read once, the oldest first. */
  readonly #touched = new Set<string>();

  constructor(blocks: PartSource, maxBytes: number) {
    this.#blocks = blocks;
    this.#cache = new BlockIndexCache(maxBytes);
  }

  /** Memory held. */
  get byteSize(): number {
    return this.#cache.byteSize;
  }

  /** A slice of a part, maybe a view of what is kept; shorter if the part ends before. Rejects as the store. */
  async read(blockId: string, number: number, offset: number, length: number): Promise<Uint8Array> {
    const key = `${blockId}/${number}`;
    const kept = this.#cache.get(key);
    if (kept instanceof Uint8Array) return kept.subarray(offset, offset + length);
    if (!this.#isWorthKeeping(key, length)) {
      return this.#blocks.readPart(blockId, 'chunks', number, offset, length);
    }
    const part = (await this.#cache.getOrLoad(key, () => this.#load(blockId, number))) as Uint8Array;
    return part.subarray(offset, offset + length);
  }

  #isWorthKeeping(key: string, length: number): boolean {
    if (length >= LARGE_READ_BYTES || this.#touched.delete(key)) return true;
    this.#touched.add(key);
    if (this.#touched.size > MAX_TOUCHED) {
      const [oldest] = this.#touched;
      this.#touched.delete(oldest);
    }
    return false;
  }

  async #load(blockId: string, number: number): Promise<{ value: Uint8Array; bytes: number }> {
    const value = await this.#blocks.readPart(blockId, 'chunks', number);
    return { value, bytes: value.length };
  }
}
