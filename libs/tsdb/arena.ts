import { PAGE_SHIFT, type PagePool, pageWords } from './page-pool.ts';

/** A fragment of size class c has SMALLEST_FRAGMENT_WORDS << c words: 32, 64, 128 or 256 bytes. */
const SMALLEST_FRAGMENT_WORDS = 8;
export const SIZE_CLASSES = 4;

export function fragmentWords(sizeClass: number): number {
  return SMALLEST_FRAGMENT_WORDS << sizeClass;
}

const OFFSET_MASK = (1 << PAGE_SHIFT) - 1;

/**
 * Fragments of memory for chunk bits, in pages outside the garbage collector's care. An address is
 * page << PAGE_SHIFT | word, as an unsigned 32-bit number; 0 is none. A fragment never crosses a page.
 * Free fragments of a class form a list: the first word of each is the address of the next.
 */
export class Arena {
  pages: Int32Array<ArrayBuffer>[] = [];
  pageBytes: Uint8Array<ArrayBuffer>[] = [];
  readonly #pool: PagePool;
  readonly #freeLists = new Uint32Array(SIZE_CLASSES);
  #next = 0;
  #pageEnd = 0;
  #byteSize = 0;

  constructor(pool: PagePool) {
    this.#pool = pool;
  }

  get byteSize(): number {
    return this.#byteSize;
  }

  allocate(sizeClass: number): number {
    const free = this.#freeLists[sizeClass];
    if (free !== 0) {
      this.#freeLists[sizeClass] = this.pages[free >>> PAGE_SHIFT][free & OFFSET_MASK];
      return free;
    }
    return this.place(fragmentWords(sizeClass));
  }

  /** Memory that is kept until the arena is released: any number of words up to a small page's. */
  place(words: number): number {
    if (this.#next + words > this.#pageEnd) this.#addPage();
    const address = this.#next;
    this.#next += words;
    return address;
  }

  free(address: number, sizeClass: number): void {
    this.pages[address >>> PAGE_SHIFT][address & OFFSET_MASK] = this.#freeLists[sizeClass];
    this.#freeLists[sizeClass] = address;
  }

  /** Copies `words` words from the start of one fragment to the start of another. */
  copy(from: number, to: number, words: number): void {
    const source = this.pages[from >>> PAGE_SHIFT];
    const target = this.pages[to >>> PAGE_SHIFT];
    const fromWord = from & OFFSET_MASK;
    const toWord = to & OFFSET_MASK;
    for (let i = 0; i < words; i++) target[toWord + i] = source[fromWord + i];
  }

  release(): void {
    for (const page of this.pages) this.#pool.give(page);
    this.pages = [];
    this.pageBytes = [];
    this.#freeLists.fill(0);
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
    if (index === 0) this.#next += SMALLEST_FRAGMENT_WORDS; // so that no fragment has address 0
  }
}

/** The word within its page that an address means. */
export function wordInPage(address: number): number {
  return address & OFFSET_MASK;
}
