import { ChunkCloser } from '../chunk/chunk-closer.ts';
import { PagePool } from '../memory/page-pool.ts';

/** Memory that the heads of a thread share: free pages, and the buffers that chunks are closed with. Made once a thread. */
export class HeadMemory {
  readonly pages: PagePool;
  #closer: ChunkCloser | undefined;

  /** @param maxFreeBytes bound on the free pages that are kept */
  constructor(maxFreeBytes: number) {
    this.pages = new PagePool(maxFreeBytes);
  }

  /** Made when the first chunk is closed. */
  get closer(): ChunkCloser {
    this.#closer ??= new ChunkCloser();
    return this.#closer;
  }
}
