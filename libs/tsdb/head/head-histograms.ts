import type { HistogramBytes } from '../chunk/histogram-bytes.ts';
import { PAGE_SHIFT, type PagePool, pageWords } from '../memory/page-pool.ts';
import { Uint32Vector } from '../memory/uint32-vector.ts';

/** Words of an entry before its counts: entry before it of its slot, time, its layout's address, bytes of counts. */
const ENTRY_WORDS = 4;
const BEFORE = 0;
const TIME = 1;
const LAYOUT = 2;
const LENGTH = 3;
/** A layout is its length in bytes, then the bytes. */
const LAYOUT_WORDS = 1;

const OFFSET_MASK = (1 << PAGE_SHIFT) - 1;
const LARGEST_PAGE_WORDS = 1 << PAGE_SHIFT;

const NO_LINKS = new Int32Array(0);
const compareBytes = Buffer.prototype.compare;

/**
 * The native histograms of a head, as the bytes they came in, one after the other in pages outside the garbage
 * collector's care; nothing of them moves or goes until the head is released. Addresses are as an arena's; 0 is none.
 * A layout that is the one of the slot's histogram before is not stored again.
 */
export class HeadHistograms {
  readonly #pool: PagePool;
  #pages: Int32Array<ArrayBuffer>[] = [];
  #pageBytes: Buffer[] = [];
  /** The youngest in-order entry of each slot. */
  #links: Int32Array<ArrayBuffer> = NO_LINKS;
  /** In-order entries by time, of the slots in whose old ones something was looked for. */
  readonly #lists = new Map<number, Uint32Vector>();
  #next = 0;
  #pageEnd = 0;
  #byteSize = 0;

  constructor(pool: PagePool) {
    this.#pool = pool;
  }

  get byteSize(): number {
    return this.#byteSize + this.#links.byteLength;
  }

  /** Stores the histogram of a slot's youngest sample. */
  add(slot: number, time: number, histogram: HistogramBytes): void {
    if (slot >= this.#links.length) this.#growLinks(slot);
    this.#links[slot] = this.#store(this.#links[slot] >>> 0, this.#links[slot] >>> 0, time, histogram);
  }

  /** Stores the histogram of a late sample, which its run keeps the address of. */
  addLate(slot: number, time: number, histogram: HistogramBytes): number {
    return this.#store(0, this.#youngest(slot), time, histogram);
  }

  /** Whether a slot has in-order histograms. */
  has(slot: number): boolean {
    return this.#youngest(slot) !== 0;
  }

  /** The entry of a slot's in-order sample at `time`, or 0 if that is not a histogram. */
  find(slot: number, time: number): number {
    const youngest = this.#youngest(slot);
    if (youngest === 0 || this.#word(youngest, TIME) <= time)
      return youngest !== 0 && this.#word(youngest, TIME) === time ? youngest : 0;
    const { words, length } = this.#list(slot);
    const at = this.#firstFrom(words, length, time);
    return at < length && this.#word(words[at], TIME) === time ? words[at] : 0;
  }

  /** Entries of a slot's in-order samples from `fromTime` to `toTime`, by time. */
  between(slot: number, fromTime: number, toTime: number): number[] {
    const found: number[] = [];
    for (let entry = this.#youngest(slot); entry !== 0; entry = this.#word(entry, BEFORE) >>> 0) {
      const time = this.#word(entry, TIME);
      if (time < fromTime) break;
      if (time <= toTime) found.push(entry);
    }
    return found.reverse();
  }

  timeOf(entry: number): number {
    return this.#word(entry, TIME);
  }

  /** Fills in where an entry's bytes are; valid until the head is released. */
  read(entry: number, dst: HistogramBytes, layout: HistogramBytes): void {
    const counts = ((entry & OFFSET_MASK) + ENTRY_WORDS) * 4;
    dst.bytes = this.#pageBytes[entry >>> PAGE_SHIFT];
    dst.countsStart = counts;
    dst.countsEnd = counts + this.#word(entry, LENGTH);
    const address = this.#word(entry, LAYOUT) >>> 0;
    layout.bytes = this.#pageBytes[address >>> PAGE_SHIFT];
    layout.layoutStart = ((address & OFFSET_MASK) + LAYOUT_WORDS) * 4;
    layout.layoutEnd = layout.layoutStart + this.#word(address, 0);
  }

  /** Whether two entries have one layout in memory. */
  layoutOf(entry: number): number {
    return this.#word(entry, LAYOUT) >>> 0;
  }

  /** Whether an entry is this histogram, byte for byte. */
  equals(entry: number, histogram: HistogramBytes): boolean {
    return this.#hasLayout(entry, histogram) && this.#hasCounts(entry, histogram);
  }

  release(): void {
    for (const page of this.#pages) this.#pool.give(page);
    this.#pages = [];
    this.#pageBytes = [];
    this.#links = NO_LINKS;
    this.#lists.clear();
    this.#next = 0;
    this.#pageEnd = 0;
    this.#byteSize = 0;
  }

  #youngest(slot: number): number {
    return slot < this.#links.length ? this.#links[slot] >>> 0 : 0;
  }

  #word(address: number, word: number): number {
    return this.#pages[address >>> PAGE_SHIFT][(address & OFFSET_MASK) + word];
  }

  #store(before: number, sibling: number, time: number, histogram: HistogramBytes): number {
    const layout =
      sibling !== 0 && this.#hasLayout(sibling, histogram)
        ? this.layoutOf(sibling)
        : this.#storeLayout(histogram);
    const { bytes, countsStart, countsEnd } = histogram;
    const length = countsEnd - countsStart;
    const address = this.#allocate(ENTRY_WORDS + ((length + 3) >>> 2));
    const page = this.#pages[address >>> PAGE_SHIFT];
    const at = address & OFFSET_MASK;
    page[at + BEFORE] = before;
    page[at + TIME] = time;
    page[at + LAYOUT] = layout;
    page[at + LENGTH] = length;
    this.#copy(address, ENTRY_WORDS, bytes, countsStart, countsEnd);
    return address;
  }

  #storeLayout({ bytes, layoutStart, layoutEnd }: HistogramBytes): number {
    const length = layoutEnd - layoutStart;
    const address = this.#allocate(LAYOUT_WORDS + ((length + 3) >>> 2));
    this.#pages[address >>> PAGE_SHIFT][address & OFFSET_MASK] = length;
    this.#copy(address, LAYOUT_WORDS, bytes, layoutStart, layoutEnd);
    return address;
  }

  #copy(address: number, word: number, bytes: Uint8Array, start: number, end: number): void {
    let at = ((address & OFFSET_MASK) + word) * 4;
    const page = this.#pageBytes[address >>> PAGE_SHIFT];
    for (let i = start; i < end; i++) page[at++] = bytes[i];
  }

  #hasLayout(entry: number, { bytes, layoutStart, layoutEnd }: HistogramBytes): boolean {
    const address = this.layoutOf(entry);
    const length = this.#word(address, 0);
    if (length !== layoutEnd - layoutStart) return false;
    return this.#isSame(address, LAYOUT_WORDS, bytes, layoutStart, layoutEnd);
  }

  #hasCounts(entry: number, { bytes, countsStart, countsEnd }: HistogramBytes): boolean {
    if (this.#word(entry, LENGTH) !== countsEnd - countsStart) return false;
    return this.#isSame(entry, ENTRY_WORDS, bytes, countsStart, countsEnd);
  }

  #isSame(address: number, word: number, bytes: Uint8Array, start: number, end: number): boolean {
    const at = ((address & OFFSET_MASK) + word) * 4;
    const page = this.#pageBytes[address >>> PAGE_SHIFT];
    return compareBytes.call(page, bytes, start, end, at, at + end - start) === 0;
  }

  /** Slots come as their numbers do, so this doubles seldom. */
  #growLinks(slot: number): void {
    const links = new Int32Array(Math.max(64, slot + 1, this.#links.length * 2));
    links.set(this.#links);
    this.#links = links;
  }

  /** A slot's in-order entries by time. */
  #list(slot: number): Uint32Vector {
    let list = this.#lists.get(slot);
    if (list === undefined) {
      list = new Uint32Vector();
      this.#lists.set(slot, list);
    } else this.#byteSize -= list.byteSize;
    const known = list.length === 0 ? 0 : list.words[list.length - 1];
    const from = list.length;
    for (let entry = this.#youngest(slot); entry !== known; entry = this.#word(entry, BEFORE) >>> 0)
      list.push(entry);
    list.words.subarray(from, list.length).reverse();
    this.#byteSize += list.byteSize;
    return list;
  }

  #firstFrom(entries: Uint32Array, length: number, time: number): number {
    let low = 0;
    let high = length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#word(entries[middle], TIME) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #allocate(words: number): number {
    if (this.#next + words > this.#pageEnd) this.#addPage(words);
    const address = this.#next;
    this.#next += words;
    return address;
  }

  #addPage(words: number): void {
    const index = this.#pages.length;
    if (index >= 2 ** (32 - PAGE_SHIFT)) throw new RangeError('histograms of a head outgrew 16 GiB');
    const usual = pageWords(index);
    const page = this.#pool.take(words < usual ? usual : LARGEST_PAGE_WORDS);
    this.#pages.push(page);
    this.#pageBytes.push(Buffer.from(page.buffer));
    this.#byteSize += page.byteLength;
    this.#next = index * 2 ** PAGE_SHIFT;
    this.#pageEnd = this.#next + page.length;
    if (index === 0) this.#next++; // so that nothing has address 0
  }
}
