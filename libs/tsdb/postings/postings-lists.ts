import { Uint32Vector } from '../memory/uint32-vector.ts';

/** Blocks hold 1, 2, 4, … slots, up to this many: a list of n slots fills its blocks when n + 1 is a power of two. */
const LARGEST_BLOCK_SLOTS = 512;

/** Words of a list's columns. */
const LIST_WORDS = 4;
const COUNT = 0;
/** Address of the first block. */
const FIRST = 1;
/** Where the next slot goes, and how many still fit there. */
const WRITE = 2;
const ROOM = 3;

/**
 * Many ascending lists of slots in one vector, without an object for each: a list is a chain of blocks
 * `next, slot …` that grow in size. Numbered from 0.
 */
export class PostingsLists {
  readonly #lists = new Uint32Vector(64);
  readonly #blocks = new Uint32Vector(256);
  #size = 0;

  constructor() {
    this.#blocks.push(0); // so that no block has address 0
  }

  get size(): number {
    return this.#size;
  }

  get byteSize(): number {
    return this.#lists.byteSize + this.#blocks.byteSize;
  }

  add(): number {
    this.#lists.extend(LIST_WORDS);
    return this.#size++;
  }

  count(list: number): number {
    return this.#lists.words[list * LIST_WORDS + COUNT];
  }

  /** Appends a slot above all that the list has. */
  append(list: number, slot: number): void {
    const lists = this.#lists.words;
    const at = list * LIST_WORDS;
    if (lists[at + ROOM] === 0) this.#addBlock(at);
    this.#blocks.words[lists[at + WRITE]++] = slot;
    lists[at + ROOM]--;
    lists[at + COUNT]++;
  }

  /** The list's slots, ascending. */
  slots(list: number): Uint32Array<ArrayBuffer> {
    const at = list * LIST_WORDS;
    const count = this.#lists.words[at + COUNT];
    const slots = new Uint32Array(count);
    const blocks = this.#blocks.words;
    let block = this.#lists.words[at + FIRST];
    for (let done = 0, size = 1; done < count; size = Math.min(size * 2, LARGEST_BLOCK_SLOTS)) {
      const here = Math.min(size, count - done);
      for (let i = 1; i <= here; i++) slots[done++] = blocks[block + i];
      block = blocks[block];
    }
    return slots;
  }

  #addBlock(at: number): void {
    const lists = this.#lists.words;
    const count = lists[at + COUNT];
    const size = Math.min(count + 1, LARGEST_BLOCK_SLOTS);
    const block = this.#blocks.extend(1 + size);
    const fullSize = Math.min((count + 1) / 2, LARGEST_BLOCK_SLOTS);
    if (count === 0) lists[at + FIRST] = block;
    else this.#blocks.words[lists[at + WRITE] - fullSize - 1] = block;
    lists[at + WRITE] = block + 1;
    lists[at + ROOM] = size;
  }
}
