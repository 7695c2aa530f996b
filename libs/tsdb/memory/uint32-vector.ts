/** An array of unsigned 32-bit numbers that grows as it is filled. */
export class Uint32Vector {
  words: Uint32Array<ArrayBuffer>;
  length = 0;

  constructor(capacity = 16) {
    this.words = new Uint32Array(capacity);
  }

  get byteSize(): number {
    return this.words.byteLength;
  }

  push(value: number): void {
    if (this.length === this.words.length) this.#grow(this.length + 1);
    this.words[this.length++] = value;
  }

  /** Adds `count` zeros; the position of the first. */
  extend(count: number): number {
    const at = this.length;
    if (at + count > this.words.length) this.#grow(at + count);
    this.words.fill(0, at, at + count);
    this.length = at + count;
    return at;
  }

  #grow(needed: number): void {
    const grown = new Uint32Array(grownCapacity(this.words.length, needed));
    grown.set(this.words.subarray(0, this.length));
    this.words = grown;
  }
}

/** The next capacity of a column: doubling while small, half as much again from a million on. */
export function grownCapacity(capacity: number, needed: number): number {
  const grown = capacity < 1_000_000 ? capacity * 2 : Math.ceil(capacity * 1.5);
  return Math.max(needed, grown, 16);
}
