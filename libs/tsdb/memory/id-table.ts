import { ID_WORDS } from '@xscaler/model';
import { grownCapacity } from './uint32-vector.ts';

/**
 * Series ids, numbered from 0 as they come: open addressing over a column of ids. An id is a cut of a
 * SHA-256, so its first word is its hash. Words may be signed or unsigned.
 */
export class IdTable {
  /** Four signed words for each id. */
  ids: Int32Array<ArrayBuffer>;
  size = 0;
  /** Number + 1 of the id in each bucket, 0 if it is empty; at most two thirds full. */
  #buckets: Int32Array<ArrayBuffer>;

  constructor(capacity = 16) {
    this.ids = new Int32Array(capacity * ID_WORDS);
    this.#buckets = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(16, capacity * 1.5))));
  }

  get byteSize(): number {
    return this.ids.byteLength + this.#buckets.byteLength;
  }

  /** The id's number, or -1. */
  find(w0: number, w1: number, w2: number, w3: number): number {
    w0 |= 0;
    w1 |= 0;
    w2 |= 0;
    w3 |= 0;
    const buckets = this.#buckets;
    const ids = this.ids;
    const mask = buckets.length - 1;
    for (let i = w0 & mask; ; i = (i + 1) & mask) {
      const number = buckets[i] - 1;
      if (number < 0) return -1;
      const at = number * ID_WORDS;
      if (ids[at] === w0 && ids[at + 1] === w1 && ids[at + 2] === w2 && ids[at + 3] === w3) return number;
    }
  }

  /** Whether a number, any at all, is the id's. */
  isAt(number: number, w0: number, w1: number, w2: number, w3: number): boolean {
    if (number < 0 || number >= this.size) return false;
    const ids = this.ids;
    const at = number * ID_WORDS;
    return (
      ids[at] === (w0 | 0) && ids[at + 1] === (w1 | 0) && ids[at + 2] === (w2 | 0) && ids[at + 3] === (w3 | 0)
    );
  }

  /** Adds an id that is not there yet; its number. */
  add(w0: number, w1: number, w2: number, w3: number): number {
    const number = this.size++;
    const at = number * ID_WORDS;
    if (at + ID_WORDS > this.ids.length) {
      const grown = new Int32Array(grownCapacity(number, this.size) * ID_WORDS);
      grown.set(this.ids);
      this.ids = grown;
    }
    this.ids[at] = w0;
    this.ids[at + 1] = w1;
    this.ids[at + 2] = w2;
    this.ids[at + 3] = w3;
    if (this.size * 3 > this.#buckets.length * 2) this.#rehash();
    else this.#place(number);
    return number;
  }

  #place(number: number): void {
    const mask = this.#buckets.length - 1;
    let i = this.ids[number * ID_WORDS] & mask;
    while (this.#buckets[i] !== 0) i = (i + 1) & mask;
    this.#buckets[i] = number + 1;
  }

  #rehash(): void {
    this.#buckets = new Int32Array(this.#buckets.length * 2);
    for (let number = 0; number < this.size; number++) this.#place(number);
  }
}
