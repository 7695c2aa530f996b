/** When the entry was last seen, in minutes since the epoch: 0 in a free entry only. */
export const LAST_SEEN = 4;

const PAGE_BITS = 8;
const PAGE_ENTRIES = 1 << PAGE_BITS;

/**
 * Entries of a few 32-bit words each, numbered, in pages of 256: one after another in the order they were
 * added, holes filled again. An entry stays where it is until it is removed; a page without any gives
 * its memory back.
 *
 *     entry = key:4 words lastSeen:1 own words      free entry = next:1 word 0 …
 *     next  = index in its page of the next free entry + 1, 0 at the last one
 */
export class EntryPages {
  readonly stride: number;
  readonly #pages: Int32Array[] = [];
  /** Index of each page's first free entry + 1, 0 if it is full. */
  readonly #freeHeads: number[] = [];
  readonly #counts: number[] = [];
  /** The pages with free entries, the one to be filled last. */
  readonly #roomy: number[] = [];
  /** Replaces pages without memory. */
  readonly #none: Int32Array;

  constructor(stride: number) {
    this.stride = stride;
    this.#none = new Int32Array(stride);
  }

  /** Pages, empty ones too; a page number is an entry number without its 8 lowest bits. */
  get pageCount(): number {
    return this.#pages.length;
  }

  /** The words of a page: at least one entry's, free if the page holds none. */
  page(page: number): Int32Array {
    return this.#pages[page] ?? this.#none;
  }

  pageOf(entry: number): number {
    return entry >>> PAGE_BITS;
  }

  /** Index of the entry in its page. */
  indexOf(entry: number): number {
    return (entry & (PAGE_ENTRIES - 1)) * this.stride;
  }

  /** Number of a new entry, all 0: the caller sets `LAST_SEEN`. */
  add(): number {
    if (this.#roomy.length === 0) this.#roomy.push(this.#pages.push(this.#none) - 1);
    const page = this.#roomy[this.#roomy.length - 1];
    if (this.#pages[page] === this.#none) this.#begin(page);
    const words = this.#pages[page];
    const at = this.#freeHeads[page] - 1;
    this.#freeHeads[page] = words[at];
    if (words[at] === 0) this.#roomy.pop();
    words[at] = 0;
    this.#counts[page]++;
    return page * PAGE_ENTRIES + at / this.stride;
  }

  remove(entry: number): void {
    const page = this.pageOf(entry);
    const at = this.indexOf(entry);
    const words = this.#pages[page];
    words.fill(0, at, at + this.stride);
    if (this.#freeHeads[page] === 0) this.#roomy.push(page);
    if (--this.#counts[page] === 0) {
      this.#pages[page] = this.#none;
      return;
    }
    words[at] = this.#freeHeads[page];
    this.#freeHeads[page] = at + 1;
  }

  clear(): void {
    for (const list of [this.#pages, this.#freeHeads, this.#counts, this.#roomy]) list.length = 0;
  }

  #begin(page: number): void {
    const { stride } = this;
    const words = new Int32Array(PAGE_ENTRIES * stride);
    for (let at = 0; at + stride < words.length; at += stride) words[at] = at + stride + 1;
    this.#pages[page] = words;
    this.#freeHeads[page] = 1;
    this.#counts[page] = 0;
  }
}
