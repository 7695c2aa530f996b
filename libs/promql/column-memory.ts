/** What is smaller is allocated and left to the garbage collector: that much doesn't come fresh from the system each time. */
const LEAST_BYTES = 64 * 1024;

/**
 * Memory for the large columns of queries that are evaluated one after the other. An allocation of some 100 KB is mapped anew each
 * time, and touching a page for the first time costs a hundred times what it costs to clear it.
 *
 * What a query was lent comes back when it is over, all at once; beyond `maxBytes` nothing is kept, so that a large
 * query's garbage can go while it runs.
 */
export class ColumnMemory {
  readonly #maxBytes: number;
  /** By size, a power of two. */
  readonly #free = new Map<number, ArrayBuffer[]>();
  #freeBytes = 0;
  #lent: ArrayBuffer[] = [];
  #lentBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes kept, lent or free. */
  get byteSize(): number {
    return this.#freeBytes + this.#lentBytes;
  }

  /** A column of zeros. */
  floats(length: number): Float64Array {
    const buffer = this.#take(length * Float64Array.BYTES_PER_ELEMENT);
    return buffer ? new Float64Array(buffer, 0, length) : new Float64Array(length);
  }

  /** As `floats`. */
  bytes(length: number): Uint8Array {
    const buffer = this.#take(length);
    return buffer ? new Uint8Array(buffer, 0, length) : new Uint8Array(length);
  }

  /** Takes back all that was lent: nobody may use it any more. */
  reclaim(): void {
    for (const buffer of this.#lent) {
      const free = this.#free.get(buffer.byteLength);
      if (free) free.push(buffer);
      else this.#free.set(buffer.byteLength, [buffer]);
    }
    this.#freeBytes += this.#lentBytes;
    this.#lent = [];
    this.#lentBytes = 0;
  }

  /** Lets go of all that is free. */
  drop(): void {
    this.#free.clear();
    this.#freeBytes = 0;
  }

  /** Zeros, or undefined where it is nothing for us. */
  #take(bytes: number): ArrayBuffer | undefined {
    if (bytes < LEAST_BYTES) return undefined;
    const size = 2 ** Math.ceil(Math.log2(bytes));
    const known = this.#free.get(size)?.pop();
    if (known) {
      this.#freeBytes -= size;
      new Uint8Array(known, 0, bytes).fill(0);
    } else {
      if (this.byteSize + size > this.#maxBytes) this.drop();
      if (this.byteSize + size > this.#maxBytes) return undefined;
    }
    const buffer = known ?? new ArrayBuffer(size);
    this.#lent.push(buffer);
    this.#lentBytes += size;
    return buffer;
  }
}
