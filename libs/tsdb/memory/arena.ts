import { PAGE_SHIFT, type PagePool, pageWords } from './page-pool.ts';

const OFFSET_MASK = (1 << PAGE_SHIFT) - 1;

/** Words at the start of the first page that nothing gets, so that nothing has address 0. */
const SKIPPED_WORDS = 8;

/**
 * Memory in pages outside the garbage collector's care, handed out piece by piece and kept until all of it is released. An
 * address is page << PAGE_SHIFT | word, as an unsigned 32-bit number; 0 is none. A piece never crosses a page.
 */
export class Arena {
  readonly pages: Int32Array<ArrayBuffer>[] = [];
  readonly pageBytes: Uint8Array<ArrayBuffer>[] = [];
  readonly #pool: PagePool;
  #next = 0;
  #pageEnd = 0;
  #byteSize = 0;

  constructor(pool: PagePool) {
    this.#pool = pool;
  }

  get byteSize(): number {
    return this.#byteSize;
  }

  /** The address of any number of words up to a small page's. */
  place(words: number): number {
    if (this.#next + words > this.#pageEnd) this.#addPage();
    const address = this.#next;
    this.#next += words;
    return address;
  }

  release(): void {
    for (const page of this.pages) this.#pool.give(page);
    this.pages.length = 0;
    this.pageBytes.length = 0;
    this.#next = 0;
    this.#pageEnd = 0;
    this.#byteSize = 0;
  }

  #addPage(): void {
    const index = this.pages.length;
    if (index >= 2 ** (32 - PAGE_SHIFT)) throw new RangeError('a head outgrew its arena of 16 GiB');
    const page = this.#pool.take(pageWords(index));
    this.pages.push(page);
    this.pageBytes.push(new Uint8Array(page.buffer));
    this.#byteSize += page.byteLength;
    this.#next = index * 2 ** PAGE_SHIFT;
    this.#pageEnd = this.#next + page.length;
    if (index === 0) this.#next += SKIPPED_WORDS;
  }
}

/** The word within its page that an address means. */
export function wordInPage(address: number): number {
  return address & OFFSET_MASK;
}
