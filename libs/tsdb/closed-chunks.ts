import { Uint32Vector } from './uint32-vector.ts';

/** Words of a chunk's columns: link to the one before, address, last time, count << 16 | bits. */
const WORDS = 4;
const LINK = 0;
const ADDRESS = 1;
const TIME = 2;
const SIZES = 3;

/** Chunks looked at one after the other before a slot gets a list that can be searched. */
const STEPS = 8;

/**
 * Where the closed chunks of a head lie, each linked to the one before it of its slot. A link is a chunk's
 * number + 1, or 0 for none. Lists are kept only for the slots in whose old chunks something was looked for.
 */
export class ClosedChunks {
  readonly #columns = new Uint32Vector(16 * WORDS);
  readonly #lists = new Map<number, Uint32Vector>();
  #listBytes = 0;

  get byteSize(): number {
    return this.#columns.byteSize + this.#listBytes;
  }

  /** Chunks, of all slots. */
  get size(): number {
    return this.#columns.length / WORDS;
  }

  /** The new chunk's link. */
  add(before: number, address: number, lastTime: number, sizes: number): number {
    const at = this.#columns.extend(WORDS);
    const { words } = this.#columns;
    words[at + LINK] = before;
    words[at + ADDRESS] = address;
    words[at + TIME] = lastTime;
    words[at + SIZES] = sizes;
    return at / WORDS + 1;
  }

  before(link: number): number {
    return this.#columns.words[(link - 1) * WORDS + LINK];
  }

  address(link: number): number {
    return this.#columns.words[(link - 1) * WORDS + ADDRESS];
  }

  lastTime(link: number): number {
    return this.#columns.words[(link - 1) * WORDS + TIME];
  }

  count(link: number): number {
    return this.#columns.words[(link - 1) * WORDS + SIZES] >>> 16;
  }

  bits(link: number): number {
    return this.#columns.words[(link - 1) * WORDS + SIZES] & 0xffff;
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

  #search(list: Uint32Vector, time: number): number {
    let low = 0;
    let high = list.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.lastTime(list.words[middle]) < time) low = middle + 1;
      else high = middle;
    }
    return list.words[low];
  }

  /** The slot's links from the oldest on. */
  #list(slot: number, youngest: number): Uint32Vector {
    let list = this.#lists.get(slot);
    if (list === undefined) {
      list = new Uint32Vector();
      this.#lists.set(slot, list);
    } else this.#listBytes -= list.byteSize;
    const known = list.length === 0 ? 0 : list.words[list.length - 1];
    const from = list.length;
    for (let link = youngest; link !== known; link = this.before(link)) list.push(link);
    list.words.subarray(from, list.length).reverse();
    this.#listBytes += list.byteSize;
    return list;
  }
}
