import type { BlockMeta, BlockStore } from '@xscaler/database';
import { BlockIndexCache, BlockReader } from '@xscaler/tsdb';

/** Readers of blocks, which share one cache of their indexes, bounded in bytes. */
export class BlockReaders {
  readonly #blocks: Pick<BlockStore, 'readPart'>;
  readonly #cache: BlockIndexCache;

  constructor(blocks: Pick<BlockStore, 'readPart'>, maxBytes: number) {
    this.#blocks = blocks;
    this.#cache = new BlockIndexCache(maxBytes);
  }

  /** Memory that indexes take, estimated. */
  get byteSize(): number {
    return this.#cache.byteSize;
  }

  reader(meta: BlockMeta): BlockReader {
    const read = this.#blocks.readPart.bind(this.#blocks, meta.blockId);
    return new BlockReader(meta, { read }, this.#cache);
  }
}
