import { EntryPages, LAST_SEEN } from './entry-pages.ts';
import type { Undoable } from './undo-log.ts';

export { LAST_SEEN };
/** Words before a table's own: four of key, one of when the entry was last seen. */
export const FIRST_OWN_WORD = 5;

const SEGMENT_BITS = 6;
const SEGMENTS = 1 << SEGMENT_BITS;
const FIRST_CAPACITY = 16;
/** Linear probing stays short up to here. */
const MAX_LOAD = 0.7;

export interface SeriesTableOptions {
  /** Words of an entry after its key and the minute it was last seen. */
  readonly ownWords: number;
  /** Bound on the entries of the whole table. */
  readonly maxEntries: number;
  /** An entry not seen for this long may be dropped. */
  readonly staleAfterMinutes: number;
  /** A random word that scatters keys over slots, so that keys can't be aimed at one. */
  readonly seed: number;
}

/**
 * A table from 128-bit keys to a few words, in arrays of 32-bit words, so that the garbage collector has no objects to walk.
 *
 * Entries are in order of insertion, and a sender sends its series in the same order every time. So `find` first looks at the entry
 * after the one found last, which is next in memory and nearly always the right one. Otherwise it uses the index, by open addressing,
 * which costs two cache misses in a large table.
 *
 *     slot = tag:word entry:word      tag = the key's last word, entry = number + 1, 0 in an empty slot
 *
 * The index is cut into 64 segments by the key's topmost bits. Each grows on its own, so that no insertion
 * ever moves more than a 64th of it, and stale entries are dropped segment by segment.
 */
export class SeriesTable implements Undoable {
  /** The words that the index returned by `find` or `insert` refers to, until the next `sweep` or `insert`. */
  words: Int32Array;
  /** Entries, including stale ones that are not swept yet. */
  size = 0;
  /** Entries dropped to make room though they weren't stale. */
  evicted = 0;

  readonly #entries: EntryPages;
  readonly #maxSegmentEntries: number;
  readonly #staleAfterMinutes: number;
  readonly #seed: number;
  readonly #segments: Int32Array[] = [];
  readonly #counts = new Int32Array(SEGMENTS);
  #nextSwept = 0;
  /** The entry after the one found last. */
  #nextPage = 0;
  #nextWords: Int32Array;
  #nextAt = 0;

  constructor({ ownWords, maxEntries, staleAfterMinutes, seed }: SeriesTableOptions) {
    this.#entries = new EntryPages(FIRST_OWN_WORD + ownWords);
    this.#maxSegmentEntries = Math.max(FIRST_CAPACITY, Math.ceil(maxEntries / SEGMENTS));
    this.#staleAfterMinutes = staleAfterMinutes;
    this.#seed = seed | 1;
    for (let i = 0; i < SEGMENTS; i++) this.#segments.push(new Int32Array(2 * FIRST_CAPACITY));
    this.words = this.#entries.page(0);
    this.#nextWords = this.words;
  }

  /** Index of the entry in `words`, or -1. */
  find(k0: number, k1: number, k2: number, k3: number): number {
    const words = this.#nextWords;
    const at = this.#nextAt;
    if (isEntry(words, at, k0, k1, k2, k3)) {
      this.words = words;
      this.#expectAfter(words, at);
      return at;
    }
    return this.#lookUp(k0, k1, k2, k3);
  }

  #expectAfter(words: Int32Array, at: number): void {
    const next = at + this.#entries.stride;
    this.#nextAt = next;
    if (next < words.length) return;
    this.#nextAt = 0;
    this.#nextPage = this.#nextPage + 1 < this.#entries.pageCount ? this.#nextPage + 1 : 0;
    this.#nextWords = this.#entries.page(this.#nextPage);
  }

  #lookUp(k0: number, k1: number, k2: number, k3: number): number {
    const slots = this.#segments[k0 >>> (32 - SEGMENT_BITS)];
    let slot = this.#slot(k1, k2, slots.length);
    for (; slots[slot + 1] !== 0; slot = (slot + 2) & (slots.length - 1)) {
      if (slots[slot] !== k3) continue;
      const entry = slots[slot + 1] - 1;
      const page = this.#entries.pageOf(entry);
      const words = this.#entries.page(page);
      const at = this.#entries.indexOf(entry);
      if (!isEntry(words, at, k0, k1, k2, k3)) continue;
      this.words = words;
      this.#nextPage = page;
      this.#nextWords = words;
      this.#expectAfter(words, at);
      return at;
    }
    return -1;
  }

  /** Adds a key that is absent; its own words are 0. `nowMinute` > 0. Index of the entry in `words`. */
  insert(k0: number, k1: number, k2: number, k3: number, nowMinute: number): number {
    const segment = k0 >>> (32 - SEGMENT_BITS);
    const capacity = this.#segments[segment].length / 2;
    if (this.#counts[segment] + 1 > capacity * MAX_LOAD) this.#makeRoom(segment, nowMinute);
    const entry = this.#entries.add();
    const words = this.#entries.page(this.#entries.pageOf(entry));
    const at = this.#entries.indexOf(entry);
    words[at] = k0;
    words[at + 1] = k1;
    words[at + 2] = k2;
    words[at + 3] = k3;
    words[at + LAST_SEEN] = nowMinute;
    this.#index(this.#segments[segment], words, at, entry);
    this.#counts[segment]++;
    this.size++;
    this.words = words;
    return at;
  }

  /** Removes the entry with this key, if there is one: undoes its insertion. */
  undo(k0: number, k1: number, k2: number, k3: number): void {
    const segment = k0 >>> (32 - SEGMENT_BITS);
    const slots = this.#segments[segment];
    let slot = this.#slot(k1, k2, slots.length);
    for (; slots[slot + 1] !== 0; slot = (slot + 2) & (slots.length - 1)) {
      const entry = slots[slot + 1] - 1;
      const words = this.#entries.page(this.#entries.pageOf(entry));
      if (!isEntry(words, this.#entries.indexOf(entry), k0, k1, k2, k3)) continue;
      this.#entries.remove(entry);
      this.#counts[segment]--;
      this.size--;
      this.#close(slots, slot);
      return;
    }
  }

  /** Drops the stale entries of the next segment: call it now and then. */
  sweep(nowMinute: number): void {
    const segment = this.#nextSwept;
    this.#nextSwept = (segment + 1) % SEGMENTS;
    const oldestMinute = nowMinute - this.#staleAfterMinutes;
    const slots = this.#segments[segment];
    for (let slot = 0; slot < slots.length; slot += 2) {
      if (slots[slot + 1] !== 0 && this.#lastSeen(slots[slot + 1] - 1) < oldestMinute) {
        this.#rebuild(segment, oldestMinute);
        return;
      }
    }
  }

  /** Calls `visit(words, at)` for every entry. */
  forEach(visit: (words: Int32Array, at: number) => void): void {
    for (let page = 0; page < this.#entries.pageCount; page++) {
      const words = this.#entries.page(page);
      for (let at = 0; at < words.length; at += this.#entries.stride) {
        if (words[at + LAST_SEEN] !== 0) visit(words, at);
      }
    }
  }

  clear(): void {
    for (let i = 0; i < SEGMENTS; i++) this.#segments[i] = new Int32Array(2 * FIRST_CAPACITY);
    this.#counts.fill(0);
    this.#entries.clear();
    this.size = 0;
    this.words = this.#entries.page(0);
    this.#nextPage = 0;
    this.#nextWords = this.words;
    this.#nextAt = 0;
  }

  /** Index in a segment's `length` words of the slot to look at first. */
  #slot(k1: number, k2: number, length: number): number {
    const mixed = (Math.imul(k1 ^ (k2 >>> 15), this.#seed) + k2) | 0;
    return (2 * (mixed ^ (mixed >>> 16))) & (length - 1);
  }

  #index(slots: Int32Array, words: Int32Array, at: number, entry: number): void {
    let slot = this.#slot(words[at + 1], words[at + 2], slots.length);
    while (slots[slot + 1] !== 0) slot = (slot + 2) & (slots.length - 1);
    slots[slot] = words[at + 3];
    slots[slot + 1] = entry + 1;
  }

  /** Empties a slot: whatever was put behind it for lack of it moves up (Knuth, 6.4, algorithm R). */
  #close(slots: Int32Array, emptied: number): void {
    const mask = slots.length - 1;
    let hole = emptied;
    for (let slot = (hole + 2) & mask; slots[slot + 1] !== 0; slot = (slot + 2) & mask) {
      const entry = slots[slot + 1] - 1;
      const words = this.#entries.page(this.#entries.pageOf(entry));
      const at = this.#entries.indexOf(entry);
      const home = this.#slot(words[at + 1], words[at + 2], slots.length);
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      slots[hole] = slots[slot];
      slots[hole + 1] = slots[slot + 1];
      hole = slot;
    }
    slots[hole] = 0;
    slots[hole + 1] = 0;
  }

  #lastSeen(entry: number): number {
    return this.#entries.page(this.#entries.pageOf(entry))[this.#entries.indexOf(entry) + LAST_SEEN];
  }

  #makeRoom(segment: number, nowMinute: number): void {
    this.#rebuild(segment, nowMinute - this.#staleAfterMinutes);
    if (this.#counts[segment] < this.#maxSegmentEntries) return;
    // A dropped entry is added again by the next request that has it.
    this.evicted += this.#counts[segment];
    this.#rebuild(segment, Number.POSITIVE_INFINITY);
  }

  /** Keeps the entries seen at `oldestMinute` or later, at a load of a third to two thirds of the maximum. */
  #rebuild(segment: number, oldestMinute: number): void {
    const old = this.#segments[segment];
    let kept = 0;
    for (let slot = 0; slot < old.length; slot += 2) {
      if (old[slot + 1] === 0) continue;
      if (this.#lastSeen(old[slot + 1] - 1) >= oldestMinute) {
        kept++;
        continue;
      }
      this.#entries.remove(old[slot + 1] - 1);
      old[slot + 1] = 0;
    }
    let capacity = FIRST_CAPACITY;
    while (kept + 1 > capacity * MAX_LOAD * 0.66) capacity *= 2;
    const slots = new Int32Array(2 * capacity);
    for (let slot = 0; slot < old.length; slot += 2) {
      const entry = old[slot + 1] - 1;
      if (entry < 0) continue;
      this.#index(
        slots,
        this.#entries.page(this.#entries.pageOf(entry)),
        this.#entries.indexOf(entry),
        entry,
      );
    }
    this.size -= this.#counts[segment] - kept;
    this.#counts[segment] = kept;
    this.#segments[segment] = slots;
  }
}

function isEntry(words: Int32Array, at: number, k0: number, k1: number, k2: number, k3: number): boolean {
  return (
    words[at] === k0 &&
    words[at + 1] === k1 &&
    words[at + 2] === k2 &&
    words[at + 3] === k3 &&
    words[at + LAST_SEEN] !== 0
  );
}
