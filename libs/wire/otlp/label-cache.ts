/** Four signed words that stand for a label set: a hash, or a series' id. */
export interface LabelKey {
  readonly h0: number;
  readonly h1: number;
  readonly h2: number;
  readonly h3: number;
}

/** Words of a slot: a hash (4), start and length of the labels + 1, 0 in an empty slot. */
const SLOT_WORDS = 6;
const FIRST_SLOTS = 1024;
const FIRST_BYTES = 64 * 1024;
/** Longer label sets are rare and cost more to keep than to make again. */
export const CACHED_MAX_BYTES = 16 * 1024;

/**
 * Label sets by a hash of what they were translated from. Of two generations, each of half the bound, the younger one
 * takes what is new and what was found in the older one; when it is full it becomes the older one, whose label sets
 * are forgotten. So what is asked for stays, without any order being kept.
 */
export class LabelCache {
  /** Where `find` found: until the next `find` or `add`. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  readonly #maxBytes: number;
  #young: Generation;
  #old: Generation;

  /** @param maxBytes bound on the memory for label sets and their index */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes / 2;
    this.#young = new Generation();
    this.#old = new Generation();
  }

  /** Memory in use, in bytes. */
  get memoryBytes(): number {
    return this.#young.memoryBytes + this.#old.memoryBytes;
  }

  find(hash: LabelKey): boolean {
    let at = this.#young.find(hash);
    if (at < 0) {
      const old = this.#old;
      const found = old.find(hash);
      if (found < 0) return false;
      at = this.#add(hash, old.bytes, old.start(found), old.start(found) + old.length(found));
    }
    this.#show(at);
    return true;
  }

  /** Adds a label set that `find` has just missed. */
  add(hash: LabelKey, source: Uint8Array, start: number, end: number): void {
    this.#show(this.#add(hash, source, start, end));
  }

  #add(hash: LabelKey, source: Uint8Array, start: number, end: number): number {
    if (this.#young.bytesWith(end - start) > this.#maxBytes && this.#young.count > 0) {
      this.#old = this.#young;
      this.#young = new Generation();
    }
    return this.#young.add(hash, source, start, end);
  }

  #show(at: number): void {
    this.bytes = this.#young.bytes;
    this.start = this.#young.start(at);
    this.end = this.start + this.#young.length(at);
  }
}

class Generation {
  bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  count = 0;
  #used = 0;
  #slots = new Int32Array(SLOT_WORDS * FIRST_SLOTS);

  get memoryBytes(): number {
    return this.bytes.length + this.#slots.byteLength;
  }

  /** What memory will be in use, about, once this many bytes are added. */
  bytesWith(more: number): number {
    return this.#used + more + this.#slots.byteLength;
  }

  start(at: number): number {
    return this.#slots[at + 4];
  }

  length(at: number): number {
    return this.#slots[at + 5] - 1;
  }

  /** Index of the slot in its words, or −1. */
  find(hash: LabelKey): number {
    const slots = this.#slots;
    for (let at = first(hash.h1, slots.length); slots[at + 5] !== 0; at = after(at, slots.length)) {
      if (
        slots[at] === hash.h0 &&
        slots[at + 1] === hash.h1 &&
        slots[at + 2] === hash.h2 &&
        slots[at + 3] === hash.h3
      )
        return at;
    }
    return -1;
  }

  add(hash: LabelKey, source: Uint8Array, start: number, end: number): number {
    if (2 * (this.count + 1) * SLOT_WORDS > this.#slots.length) this.#growSlots();
    const length = end - start;
    if (this.#used + length > this.bytes.length) this.#growBytes(this.#used + length);
    this.bytes.set(source.subarray(start, end), this.#used);
    const slots = this.#slots;
    let at = first(hash.h1, slots.length);
    while (slots[at + 5] !== 0) at = after(at, slots.length);
    slots[at] = hash.h0;
    slots[at + 1] = hash.h1;
    slots[at + 2] = hash.h2;
    slots[at + 3] = hash.h3;
    slots[at + 4] = this.#used;
    slots[at + 5] = length + 1;
    this.#used += length;
    this.count++;
    return at;
  }

  #growBytes(needed: number): void {
    const bytes = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    bytes.set(this.bytes.subarray(0, this.#used));
    this.bytes = bytes;
  }

  #growSlots(): void {
    const old = this.#slots;
    const slots = new Int32Array(2 * old.length);
    for (let from = 0; from < old.length; from += SLOT_WORDS) {
      if (old[from + 5] === 0) continue;
      let at = first(old[from + 1], slots.length);
      while (slots[at + 5] !== 0) at = after(at, slots.length);
      slots.set(old.subarray(from, from + SLOT_WORDS), at);
    }
    this.#slots = slots;
  }
}

function first(word: number, length: number): number {
  return ((word >>> 0) % (length / SLOT_WORDS)) * SLOT_WORDS;
}

function after(at: number, length: number): number {
  return at + SLOT_WORDS === length ? 0 : at + SLOT_WORDS;
}
