/** Sizes in words that an arena's first pages have, so that a small head stays small; every later page has the last. */
const PAGE_WORDS = [4_096, 16_384, 65_536, 262_144] as const;

/** Words of a full page: 1 MiB. Addresses leave as many to every page, also to a smaller one. */
export const PAGE_SHIFT = 18;

export function pageWords(index: number): number {
  return PAGE_WORDS[Math.min(index, PAGE_WORDS.length - 1)];
}

/** Free arena pages that heads share, `maxFreeBytes` at most. Pages keep the words that they were given back with. */
export class PagePool {
  readonly #maxFreeBytes: number;
  readonly #free = new Map<number, Int32Array<ArrayBuffer>[]>(PAGE_WORDS.map((words) => [words, []]));
  #freeBytes = 0;

  constructor(maxFreeBytes: number) {
    this.#maxFreeBytes = maxFreeBytes;
  }

  get freeBytes(): number {
    return this.#freeBytes;
  }

  take(words: number): Int32Array<ArrayBuffer> {
    const page = this.#free.get(words)?.pop();
    if (page === undefined) return new Int32Array(words);
    this.#freeBytes -= page.byteLength;
    return page;
  }

  give(page: Int32Array<ArrayBuffer>): void {
    const free = this.#free.get(page.length);
    if (free === undefined || this.#freeBytes + page.byteLength > this.#maxFreeBytes) return;
    this.#freeBytes += page.byteLength;
    free.push(page);
  }
}
