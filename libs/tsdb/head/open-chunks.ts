import { type ChunkView, ENCODING_XOR } from '../chunk/chunk.ts';
import {
  STATE_BITS_MASK,
  STATE_COUNT,
  STATE_PACKED,
  STATE_TIME,
  STATE_USER_0,
  STATE_USER_1,
  STATE_USER_SHIFT,
  STATE_WORDS,
  xorAppend,
  xorStart,
} from '../chunk/xor-chunk.ts';
import { Arena, wordInPage } from '../memory/arena.ts';
import { PAGE_SHIFT, type PagePool } from '../memory/page-pool.ts';
import { grownCapacity } from '../memory/uint32-vector.ts';

/** Address of the open chunk's last fragment, or 0 if there is none. How many are before it is in STATE_PACKED. */
const STATE_ADDRESS = STATE_USER_0;
/** For the owner of the open chunks. */
export const STATE_LINK = STATE_USER_1;

/**
 * Words of a fragment: the address of the one before it, then what it holds of the chunk, which is its first time and then
 * words of the append codec. All fragments are alike, so that none lies free while another size is wanted, and small, so
 * that little of a chunk's last one is empty.
 */
const FRAGMENT_WORDS = 8;
const HELD_WORDS = FRAGMENT_WORDS - 1;
/** Most fragments of a chunk. */
const MAX_FRAGMENTS = 9;
const MAX_CHUNK_WORDS = MAX_FRAGMENTS * HELD_WORDS - 1;
/** Words that a sample's bits are in, at the most: 36 for the time, 77 for the value, from any bit on. */
const SAMPLE_WORDS = 5;

/**
 * The open chunk of each slot of a head, of the append codec: a chain of fragments, to which one is added if a sample does not
 * fit. Times are milliseconds since the window's start.
 */
export class OpenChunks {
  /** STATE_WORDS for each slot: interleaved, since an append touches all of it. To be read only, but for STATE_LINK. */
  state = new Int32Array(16 * STATE_WORDS);
  readonly #windowStartMs: number;
  readonly #arena: Arena;
  /** The free fragment that was used last; the first word of each is the address of the next. */
  #free = 0;
  readonly #straddling = new Int32Array(SAMPLE_WORDS + 1);
  readonly #gathered = new Int32Array(MAX_CHUNK_WORDS);
  readonly #gatheredBytes = new Uint8Array(this.#gathered.buffer);

  constructor(windowStartMs: number, pool: PagePool) {
    this.#windowStartMs = windowStartMs;
    this.#arena = new Arena(pool);
  }

  get byteSize(): number {
    return this.#arena.byteSize + this.state.byteLength;
  }

  /** A slot without samples: its last time is -1. */
  addSlot(slot: number): void {
    const at = slot * STATE_WORDS;
    if (at === this.state.length) {
      const grown = new Int32Array(grownCapacity(slot, slot + 1) * STATE_WORDS);
      grown.set(this.state);
      this.state = grown;
    }
    this.state[at + STATE_TIME] = -1;
  }

  /** Appends to the slot's chunk, or opens it; false, with nothing changed, if it is full. */
  append(slot: number, time: number, low: number, high: number): boolean {
    const state = this.state;
    const at = slot * STATE_WORDS;
    const address = state[at + STATE_ADDRESS] >>> 0;
    if (address === 0) {
      this.#open(at, time, low, high);
      return true;
    }
    const page = this.#arena.pages[address >>> PAGE_SHIFT];
    const held = (state[at + STATE_PACKED] >>> STATE_USER_SHIFT) * HELD_WORDS;
    const base = wordInPage(address) + 2 - held;
    if (xorAppend(state, at, page, base, held + HELD_WORDS - 1, time, low, high)) return true;
    return this.#appendStraddling(at, time, low, high);
  }

  /** The slot's open chunk, which it must have, valid until the next call. */
  view(slot: number): ChunkView {
    const at = slot * STATE_WORDS;
    const state = this.state;
    const bits = state[at + STATE_PACKED] & STATE_BITS_MASK;
    return this.prefix(slot, bits, state[at + STATE_TIME], state[at + STATE_COUNT]);
  }

  /** The open chunk as it was when it had this many bits and samples, valid until the next call. */
  prefix(slot: number, bits: number, lastTime: number, count: number): ChunkView {
    const firstTime = this.#gather(slot, (bits + 31) >>> 5);
    return {
      encoding: ENCODING_XOR,
      bytes: this.#gatheredBytes,
      start: 0,
      end: (bits + 7) >>> 3,
      minTimeMs: this.#windowStartMs + firstTime,
      maxTimeMs: this.#windowStartMs + lastTime,
      count,
    };
  }

  /** The first time of the slot's open chunk, which it must have. */
  firstTime(slot: number): number {
    const address = this.#firstFragment(this.state[slot * STATE_WORDS + STATE_ADDRESS] >>> 0);
    return this.#word(address, 1);
  }

  /** Takes the slot's open chunk away; the last time and value stay. */
  drop(slot: number): void {
    const at = slot * STATE_WORDS;
    const last = this.state[at + STATE_ADDRESS] >>> 0;
    const first = this.#firstFragment(last);
    this.#arena.pages[first >>> PAGE_SHIFT][wordInPage(first)] = this.#free;
    this.#free = last;
    this.state[at + STATE_ADDRESS] = 0;
    this.state[at + STATE_COUNT] = 0;
  }

  release(): void {
    this.#arena.release();
    this.#free = 0;
    this.state = new Int32Array(0);
  }

  #open(at: number, time: number, low: number, high: number): void {
    const address = this.#takeFragment(0);
    const page = this.#arena.pages[address >>> PAGE_SHIFT];
    const base = wordInPage(address);
    page[base + 1] = time;
    this.state[at + STATE_ADDRESS] = address;
    this.state[at + STATE_PACKED] = 0;
    xorStart(this.state, at, page, base + 2, time, low, high);
  }

  /** Appends a sample that begins in the last fragment, or right behind it, and ends in a new one; false if no more may be. */
  #appendStraddling(at: number, time: number, low: number, high: number): boolean {
    const state = this.state;
    const last = state[at + STATE_PACKED] >>> STATE_USER_SHIFT;
    if (last === MAX_FRAGMENTS - 1) return false;
    const full = state[at + STATE_ADDRESS] >>> 0;
    const address = this.#takeFragment(full);
    const words = this.#straddling;
    const from = (state[at + STATE_PACKED] & STATE_BITS_MASK) >>> 5;
    // Where the words that the sample is in begin, and how many of them the full fragment has.
    const old = this.#arena.pages[full >>> PAGE_SHIFT];
    const begin = wordInPage(full) + 2 - last * HELD_WORDS + from;
    const room = (last + 1) * HELD_WORDS - 1 - from;
    if (room > 0) words[0] = old[begin];
    xorAppend(state, at, words, -from, from + SAMPLE_WORDS, time, low, high);
    for (let i = 0; i < room; i++) old[begin + i] = words[i];
    const page = this.#arena.pages[address >>> PAGE_SHIFT];
    const first = wordInPage(address) + 1;
    for (let i = room; i < SAMPLE_WORDS; i++) page[first + i - room] = words[i];
    state[at + STATE_ADDRESS] = address;
    state[at + STATE_PACKED] += 1 << STATE_USER_SHIFT;
    return true;
  }

  #takeFragment(before: number): number {
    let address = this.#free;
    if (address === 0) address = this.#arena.place(FRAGMENT_WORDS);
    const page = this.#arena.pages[address >>> PAGE_SHIFT];
    const word = wordInPage(address);
    if (this.#free !== 0) this.#free = page[word] >>> 0;
    page[word] = before;
    return address;
  }

  #firstFragment(address: number): number {
    for (;;) {
      const before = this.#word(address, 0) >>> 0;
      if (before === 0) return address;
      address = before;
    }
  }

  /** Copies the first `count` words of the slot's open chunk; its first time. */
  #gather(slot: number, count: number): number {
    const at = slot * STATE_WORDS;
    let address = this.state[at + STATE_ADDRESS] >>> 0;
    let from = (this.state[at + STATE_PACKED] >>> STATE_USER_SHIFT) * HELD_WORDS - 1;
    for (;;) {
      const page = this.#arena.pages[address >>> PAGE_SHIFT];
      const word = wordInPage(address) + 1;
      const to = Math.min(count, from + HELD_WORDS);
      for (let i = Math.max(0, from); i < to; i++) this.#gathered[i] = page[word + i - from];
      if (from < 0) return page[word];
      address = page[word - 1] >>> 0;
      from -= HELD_WORDS;
    }
  }

  #word(address: number, word: number): number {
    return this.#arena.pages[address >>> PAGE_SHIFT][wordInPage(address) + word];
  }
}
