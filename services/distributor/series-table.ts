/** Words before a table's own: four of key, one of when the entry was last seen. */
export const LAST_SEEN = 4;
export const FIRST_OWN_WORD = 5;

const SEGMENT_BITS = 6;
const SEGMENTS = 1 << SEGMENT_BITS;
const FIRST_CAPACITY = 16;
/** Linear probing stays short up to here. */
const MAX_LOAD = 0.7;

export interface SeriesTableOptions {
  /** Words an entry carries besides its key and when it was last seen. */
  readonly ownWords: number;
  /** Bound on the entries of the whole table. */
  readonly maxEntries: number;
  /** An entry not seen for so long may be dropped. */
  readonly staleAfterMinutes: number;
  /** A random word that scatters keys over slots, so that keys can't be aimed at one. */
  readonly seed: number;
}

/**
 * An open-addressing table from 128-bit keys to a few words, as arrays of 32-bit words: nothing in it is an
 * object, and the garbage collector has nothing to walk.
 *
 * It is cut into 64 segments by the key's topmost bits. Each grows on its own, so that no insertion
 * ever moves more than a 64th of the table, and stale entries are dropped segment by segment.
 * An entry with `LAST_SEEN` 0 is an empty slot; other values are minutes since the epoch.
 */
export class SeriesTable {
  /** Where `find` or `insert` found its entry: the words from the returned index on. Until the next `insert` or `sweep`. */
  words: Int32Array;
  /** Entries, stale ones too until they are swept. */
  size = 0;
  /** Entries dropped to make room though they weren't stale. */
  evicted = 0;

  readonly #stride: number;
  readonly #maxSegmentEntries: number;
  readonly #staleAfterMinutes: number;
  readonly #seed: number;
  readonly #segments: Int32Array[] = [];
  readonly #counts = new Int32Array(SEGMENTS);
  /** Capacity − 1 of each segment. */
  readonly #masks = new Int32Array(SEGMENTS).fill(FIRST_CAPACITY - 1);
  #nextSwept = 0;

  constructor({ ownWords, maxEntries, staleAfterMinutes, seed }: SeriesTableOptions) {
    this.#stride = FIRST_OWN_WORD + ownWords;
    this.#maxSegmentEntries = Math.max(FIRST_CAPACITY, Math.ceil(maxEntries / SEGMENTS));
    this.#staleAfterMinutes = staleAfterMinutes;
    this.#seed = seed | 1;
    for (let i = 0; i < SEGMENTS; i++) this.#segments.push(new Int32Array(FIRST_CAPACITY * this.#stride));
    this.words = this.#segments[0];
  }

  /** Index of the entry in `words`, or -1. */
  find(k0: number, k1: number, k2: number, k3: number): number {
    const segment = k0 >>> (32 - SEGMENT_BITS);
    const words = this.#segments[segment];
    const { length } = words;
    const stride = this.#stride;
    let at = this.#slot(k1, k2, this.#masks[segment]) * stride;
    while (words[at + LAST_SEEN] !== 0) {
      if (words[at] === k0 && words[at + 1] === k1 && words[at + 2] === k2 && words[at + 3] === k3) {
        this.words = words;
        return at;
      }
      at += stride;
      if (at === length) at = 0;
    }
    return -1;
  }

  /** Adds a key that is absent; its own words are 0. `nowMinute` > 0. Index of the entry in `words`. */
  insert(k0: number, k1: number, k2: number, k3: number, nowMinute: number): number {
    const segment = k0 >>> (32 - SEGMENT_BITS);
    const capacity = this.#masks[segment] + 1;
    if (this.#counts[segment] + 1 > capacity * MAX_LOAD) this.#makeRoom(segment, nowMinute);
    const words = this.#segments[segment];
    const at = this.#freeSlot(words, k1, k2, this.#masks[segment]);
    words[at] = k0;
    words[at + 1] = k1;
    words[at + 2] = k2;
    words[at + 3] = k3;
    words[at + LAST_SEEN] = nowMinute;
    this.#counts[segment]++;
    this.size++;
    this.words = words;
    return at;
  }

  /** Drops the stale entries of the next segment: call it now and then. */
  sweep(nowMinute: number): void {
    const segment = this.#nextSwept;
    this.#nextSwept = (segment + 1) % SEGMENTS;
    const oldestMinute = nowMinute - this.#staleAfterMinutes;
    const words = this.#segments[segment];
    for (let at = 0; at < words.length; at += this.#stride) {
      const lastSeenMinute = words[at + LAST_SEEN];
      if (lastSeenMinute !== 0 && lastSeenMinute < oldestMinute) {
        this.#rebuild(segment, oldestMinute);
        return;
      }
    }
  }

  /** Calls `visit(words, at)` for every entry. */
  forEach(visit: (words: Int32Array, at: number) => void): void {
    for (const words of this.#segments) {
      for (let at = 0; at < words.length; at += this.#stride) {
        if (words[at + LAST_SEEN] !== 0) visit(words, at);
      }
    }
  }

  clear(): void {
    for (let i = 0; i < SEGMENTS; i++) {
      this.#segments[i] = new Int32Array(FIRST_CAPACITY * this.#stride);
      this.#masks[i] = FIRST_CAPACITY - 1;
      this.#counts[i] = 0;
    }
    this.size = 0;
    this.words = this.#segments[0];
  }

  #slot(k1: number, k2: number, mask: number): number {
    const mixed = (Math.imul(k1 ^ (k2 >>> 15), this.#seed) + k2) | 0;
    return (mixed ^ (mixed >>> 16)) & mask;
  }

  #freeSlot(words: Int32Array, k1: number, k2: number, mask: number): number {
    let at = this.#slot(k1, k2, mask) * this.#stride;
    while (words[at + LAST_SEEN] !== 0) {
      at += this.#stride;
      if (at === words.length) at = 0;
    }
    return at;
  }

  #makeRoom(segment: number, nowMinute: number): void {
    this.#rebuild(segment, nowMinute - this.#staleAfterMinutes);
    if (this.#counts[segment] < this.#maxSegmentEntries) return;
    // What is dropped here is learnt again from the next request that carries it.
    this.evicted += this.#counts[segment];
    this.#rebuild(segment, Number.POSITIVE_INFINITY);
  }

  /** Keeps the entries seen at `oldestMinute` or later, at a load of a third to two thirds of the maximum. */
  #rebuild(segment: number, oldestMinute: number): void {
    const stride = this.#stride;
    const old = this.#segments[segment];
    let kept = 0;
    for (let at = LAST_SEEN; at < old.length; at += stride) {
      if (old[at] !== 0 && old[at] >= oldestMinute) kept++;
    }
    let capacity = FIRST_CAPACITY;
    while (kept + 1 > capacity * MAX_LOAD * 0.66) capacity *= 2;
    const words = new Int32Array(capacity * stride);
    for (let from = 0; from < old.length; from += stride) {
      if (old[from + LAST_SEEN] === 0 || old[from + LAST_SEEN] < oldestMinute) continue;
      const to = this.#freeSlot(words, old[from + 1], old[from + 2], capacity - 1);
      for (let i = 0; i < stride; i++) words[to + i] = old[from + i];
    }
    this.size -= this.#counts[segment] - kept;
    this.#counts[segment] = kept;
    this.#segments[segment] = words;
    this.#masks[segment] = capacity - 1;
    this.words = words;
  }
}
