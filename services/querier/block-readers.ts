import type { BlockMeta, BlockStore } from '@xscaler/database';
import { BlockReader } from '@xscaler/tsdb';

/** Readers of blocks, with the index parts that each has loaded: the least recently used go when there are too many. */
export class BlockReaders {
  readonly #blocks: BlockStore;
  readonly #most: number;
  readonly #readers = new Map<string, BlockReader>();

  constructor(blocks: BlockStore, most: number) {
    this.#blocks = blocks;
    this.#most = most;
  }

  reader(meta: BlockMeta): BlockReader {
    const known = this.#readers.get(meta.blockId);
    if (known) {
      this.#readers.delete(meta.blockId);
      this.#readers.set(meta.blockId, known);
      return known;
    }
    const reader = new BlockReader(meta, {
      read: (kind, number, offset, length) =>
        this.#blocks.readPart(meta.blockId, kind, number, offset, length),
    });
    this.#readers.set(meta.blockId, reader);
    if (this.#readers.size > this.#most) this.#readers.delete(this.#readers.keys().next().value as string);
    return reader;
  }
}
