import type { ChunkView } from '../chunk/chunk.ts';
import { type Arena, wordInPage } from '../memory/arena.ts';
import { PAGE_SHIFT } from '../memory/page-pool.ts';
import { Uint32Vector } from '../memory/uint32-vector.ts';

/** Words of a chunk before its bytes: link to the one before it, first time, last time, sizes. */
const HEADER_WORDS = 4;
const BEFORE = 0;
const FIRST_TIME = 1;
const LAST_TIME = 2;
const SIZES = 3;

/** Sizes are count << 16 | encoding << 14 | bytes. */
const COUNT_SHIFT = 16;
const ENCODING_SHIFT = 14;
const ENCODING_MASK = 3;
const LENGTH_MASK = 0x3fff;

/** Chunks looked at one after the other before a slot gets a list that can be searched. */
const STEPS = 8;

/**
 * The closed chunks of a head, each linked to the one before it of its slot. A link is a chunk's address in the
 * arena as a signed word, or 0 for none. Lists are kept only for the slots in whose old chunks something was looked for.
 */
export class ClosedChunks {
  readonly #arena: Arena;
  readonly #windowStartMs: number;
  readonly #lists = new Map<number, Uint32Vector>();
  #listBytes = 0;
  #size = 0;

  constructor(arena: Arena, windowStartMs: number) {
    this.#arena = arena;
    this.#windowStartMs = windowStartMs;
  }

  /** Memory beside the arena's. */
  get byteSize(): number {
    return this.#listBytes;
  }

  /** Chunks, of all slots. */
  get size(): number {
    return this.#size;
  }

  /** Stores a copy of a chunk of up to 16 KB and 65,535 samples; its link. */
  add(before: number, { encoding, bytes, start, end, minTimeMs, maxTimeMs, count }: ChunkView): number {
    const length = end - start;
    const link = this.#arena.place(HEADER_WORDS + ((length + 3) >>> 2)) | 0;
    const page = this.#arena.pages[link >>> PAGE_SHIFT];
    const at = wordInPage(link);
    page[at + BEFORE] = before;
    page[at + FIRST_TIME] = minTimeMs - this.#windowStartMs;
    page[at + LAST_TIME] = maxTimeMs - this.#windowStartMs;
    page[at + SIZES] = (count << COUNT_SHIFT) | (encoding << ENCODING_SHIFT) | length;
    const target = this.#arena.pageBytes[link >>> PAGE_SHIFT];
    const first = (at + HEADER_WORDS) * 4;
    for (let i = 0; i < length; i++) target[first + i] = bytes[start + i];
    this.#size++;
    return link;
  }

  before(link: number): number {
    return this.#word(link, BEFORE);
  }

  firstTime(link: number): number {
    return this.#word(link, FIRST_TIME);
  }

  lastTime(link: number): number {
    return this.#word(link, LAST_TIME);
  }

  count(link: number): number {
    return this.#word(link, SIZES) >>> COUNT_SHIFT;
  }

  /** Valid until the head is released. */
  view(link: number): ChunkView {
    const sizes = this.#word(link, SIZES);
    const start = (wordInPage(link) + HEADER_WORDS) * 4;
    return {
      encoding: (sizes >>> ENCODING_SHIFT) & ENCODING_MASK,
      bytes: this.#arena.pageBytes[link >>> PAGE_SHIFT],
      start,
      end: start + (sizes & LENGTH_MASK),
      minTimeMs: this.#windowStartMs + this.firstTime(link),
      maxTimeMs: this.#windowStartMs + this.lastTime(link),
      count: sizes >>> COUNT_SHIFT,
    };
  }

  /** The oldest chunk of the slot that ends at or after `time`, or 0; `youngest` is the slot's youngest. */
  firstEndingFrom(slot: number, youngest: number, time: number): number {
    let found = 0;
    let link = youngest;
    for (let step = 0; link !== 0 && this.lastTime(link) >= time; step++) {
      if (step === STEPS) return this.#search(this.#list(slot, youngest), time);
      found = link;
      link = this.before(link);
    }
    return found;
  }

  #word(link: number, word: number): number {
    return this.#arena.pages[link >>> PAGE_SHIFT][wordInPage(link) + word];
  }

  #search(list: Uint32Vector, time: number): number {
    let low = 0;
    let high = list.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.lastTime(list.words[middle]) < time) low = middle + 1;
      else high = middle;
    }
    return list.words[low] | 0;
  }

  /** The slot's links from the oldest on. */
  #list(slot: number, youngest: number): Uint32Vector {
    let list = this.#lists.get(slot);
    if (list === undefined) {
      list = new Uint32Vector();
      this.#lists.set(slot, list);
    } else this.#listBytes -= list.byteSize;
    const known = list.length === 0 ? 0 : list.words[list.length - 1] | 0;
    const from = list.length;
    for (let link = youngest; link !== known; link = this.before(link)) list.push(link);
    list.words.subarray(from, list.length).reverse();
    this.#listBytes += list.byteSize;
    return list;
  }
}
