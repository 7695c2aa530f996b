import type { BlockPartKind, Slice } from '../block/block-format.ts';
import type { SliceReader } from '../block/block-slices.ts';
import { type ChunkPage, unpackPage } from '../block/chunk-pages.ts';

/**
 * The slices of one kind of part, asked for in the order in which they were written: each part is read once and whole, and
 * only the last one is held. What was given out stays valid.
 */
export class PartStream {
  readonly #slices: SliceReader;
  readonly #kind: BlockPartKind;
  #number = -1;
  #bytes: Uint8Array = new Uint8Array(0);
  #page: ChunkPage | undefined;
  #chunks: Uint8Array = new Uint8Array(0);

  constructor(slices: SliceReader, kind: BlockPartKind) {
    this.#slices = slices;
    this.#kind = kind;
  }

  /** Rejects with `DamagedBlockError` or as the source does. */
  async slice({ number, offset, length }: Omit<Slice, 'checksum'>): Promise<Uint8Array> {
    if (number !== this.#number) {
      this.#bytes = await this.#slices.part(this.#kind, number);
      this.#number = number;
    }
    if (offset + length > this.#bytes.length)
      throw this.#slices.damaged(this.#kind, number, 'it is too short');
    return this.#bytes.subarray(offset, offset + length);
  }

  /** The chunks of a page, expanded; the last page is held as well. Rejects as `slice` does. */
  async chunkPage(page: ChunkPage): Promise<Uint8Array> {
    if (page !== this.#page) {
      const stored = await this.slice(page.slice);
      this.#chunks = this.#slices.decoded(this.#kind, page.slice.number, () => unpackPage(stored, page));
      this.#page = page;
    }
    return this.#chunks;
  }
}
