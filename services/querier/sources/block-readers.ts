import { type BlockMeta, type BlockStore, hidesOf, type PartitionTombstone } from '@xscaler/database';
import { BlockIndexCache, BlockReader, type BlockSource, FrameMemory } from '@xscaler/tsdb';
import { ChunkParts } from './chunk-parts.ts';

/** Readers of blocks, which share one cache of their indexes and one of their chunks, each bounded in bytes. */
export class BlockReaders {
  readonly #blocks: Pick<BlockStore, 'readPart'>;
  readonly #cache: BlockIndexCache;
  readonly #chunks: ChunkParts;
  readonly #frames = new FrameMemory();

  constructor(blocks: Pick<BlockStore, 'readPart'>, maxIndexBytes: number, maxChunkBytes: number) {
    this.#blocks = blocks;
    this.#cache = new BlockIndexCache(maxIndexBytes);
    this.#chunks = new ChunkParts(blocks, maxChunkBytes);
  }

  /** Memory that indexes take, estimated. */
  get byteSize(): number {
    return this.#cache.byteSize;
  }

  /** Memory that chunks take. */
  get chunkByteSize(): number {
    return this.#chunks.byteSize;
  }

  /** A reader that shows nothing of what any of the tombstones that reach the block hides. */
  reader(meta: BlockMeta, tombstones: readonly PartitionTombstone[] = []): BlockReader {
    const read: BlockSource['read'] = (kind, number, offset, length) =>
      kind === 'chunks' && offset !== undefined && length !== undefined
        ? this.#chunks.read(meta.blockId, number, offset, length)
        : this.#blocks.readPart(meta.blockId, kind, number, offset, length);
    const hiding = tombstones.filter((tombstone) => hidesOf(tombstone, meta));
    return new BlockReader(meta, { read }, this.#cache, hiding, this.#frames);
  }

  /** Nobody reads the frame any more. */
  giveBack(frame: Uint8Array): void {
    this.#frames.giveBack(frame);
  }
}
