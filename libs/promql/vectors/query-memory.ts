/** What is smaller is allocated and left to the garbage collector: that much doesn't come fresh from the system each time. */
const LEAST_BYTES = 64 * 1024;

type Block = ArrayBuffer | SharedArrayBuffer;

/**
 * Memory for what queries hold that are evaluated one after the other: large columns, pieces of answers. An allocation of some
 * 100 KB is mapped anew each time, and touching a page for the first time costs a hundred times what it costs to
 * clear it.
 *
 * What a query was lent comes back when it is over, all at once; beyond `maxBytes` each of columns and pieces nothing is kept,
 * so that a large query's garbage can go while it runs.
 */
export class QueryMemory {
  readonly #columns: Lender<ArrayBuffer>;
  readonly #pieces: Lender<SharedArrayBuffer>;

  constructor(maxBytes: number) {
    this.#columns = new Lender(maxBytes, (size) => new ArrayBuffer(size));
    this.#pieces = new Lender(maxBytes, (size) => new SharedArrayBuffer(size));
  }

  /** Bytes kept, lent or free. */
  get byteSize(): number {
    return this.#columns.byteSize + this.#pieces.byteSize;
  }

  /** A column of zeros. */
  floats(length: number): Float64Array {
    const buffer = this.#columns.take(length * Float64Array.BYTES_PER_ELEMENT);
    return buffer ? new Float64Array(buffer, 0, length).fill(0) : new Float64Array(length);
  }

  /** As `floats`. */
  bytes(length: number): Uint8Array {
    const buffer = this.#columns.take(length);
    return buffer ? new Uint8Array(buffer, 0, length).fill(0) : new Uint8Array(length);
  }

  /** This many bytes of any content, if kept in shared memory: who is posted them reads them in their place, before the next query. */
  piece(length: number): Buffer {
    const buffer = this.#pieces.take(length);
    return buffer ? Buffer.from(buffer, 0, length) : Buffer.allocUnsafeSlow(length);
  }

  /** Takes back all that was lent: nobody may use it any more. */
  reclaim(): void {
    this.#columns.reclaim();
    this.#pieces.reclaim();
  }

  /** Lets go of all that is free. */
  drop(): void {
    this.#columns.drop();
    this.#pieces.drop();
  }
}

class Lender<T extends Block> {
  readonly #maxBytes: number;
  readonly #allocate: (size: number) => T;
  readonly #free = new Map<number, T[]>();
  #freeBytes = 0;
  #lent: T[] = [];
  #lentBytes = 0;

  constructor(maxBytes: number, allocate: (size: number) => T) {
    this.#maxBytes = maxBytes;
    this.#allocate = allocate;
  }

  get byteSize(): number {
    return this.#freeBytes + this.#lentBytes;
  }

  /** At least this many bytes; undefined if they are to be allocated by the asker. */
  take(bytes: number): T | undefined {
    if (bytes < LEAST_BYTES) return undefined;
    const size = sizeFor(bytes);
    const known = this.#free.get(size)?.pop();
    if (known) this.#freeBytes -= size;
    else {
      if (this.byteSize + size > this.#maxBytes) this.drop();
      if (this.byteSize + size > this.#maxBytes) return undefined;
    }
    const block = known ?? this.#allocate(size);
    this.#lent.push(block);
    this.#lentBytes += size;
    return block;
  }

  reclaim(): void {
    for (const block of this.#lent) {
      const free = this.#free.get(block.byteLength);
      if (free) free.push(block);
      else this.#free.set(block.byteLength, [block]);
    }
    this.#freeBytes += this.#lentBytes;
    this.#lent = [];
    this.#lentBytes = 0;
  }

  drop(): void {
    this.#free.clear();
    this.#freeBytes = 0;
  }
}

/** One of four sizes for each power of two, so that a block serves many lengths and wastes a fifth at most. */
function sizeFor(bytes: number): number {
  const quarter = 2 ** Math.floor(Math.log2(bytes)) / 4;
  return Math.ceil(bytes / quarter) * quarter;
}
