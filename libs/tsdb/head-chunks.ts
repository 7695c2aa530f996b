import { SampleColumns } from '@xscaler/model';
import { APPEND_CONFLICT, APPEND_DUPLICATE, APPEND_STORED, type AppendOutcome } from './append-outcome.ts';
import { Arena, fragmentWords, SIZE_CLASSES, wordInPage } from './arena.ts';
import { type ChunkView, ENCODING_XOR } from './chunk.ts';
import { ChunkDecoder } from './chunk-decoder.ts';
import { LateSamples } from './late-samples.ts';
import { PAGE_SHIFT, type PagePool } from './page-pool.ts';
import { grownCapacity, Uint32Vector } from './uint32-vector.ts';
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
} from './xor-chunk.ts';

/** Address of the open chunk's fragment, whose first word is the chunk's first time, or 0. Its size class is in STATE_PACKED. */
const STATE_ADDRESS = STATE_USER_0;
/** Number + 1 of the youngest closed chunk, or 0. */
const STATE_LINK = STATE_USER_1;

/** Words of a closed chunk's columns: link to the one before, address, last time, count << 16 | bits. */
const CLOSED_WORDS = 4;
const CLOSED_LINK = 0;
const CLOSED_ADDRESS = 1;
const CLOSED_TIME = 2;
const CLOSED_SIZES = 3;

/** How much of a slot's chunks there was at a moment. What a mark covers never changes, though it may move. */
export interface ChunkMark {
  link: number;
  openCount: number;
  openBits: number;
  openTime: number;
}

/**
 * The samples of a head's slots. In-order ones go to chunks whose bits lie in the arena: one open chunk a slot,
 * which moves to a larger fragment as it grows and is closed when it fills the largest. Those behind their
 * slot's last time, which are rare, go to sorted buffers; no time is in both.
 *
 * Times are milliseconds since the window's start. Values are signed words.
 */
export class HeadChunks {
  readonly #windowStartMs: number;
  readonly #arena: Arena;
  readonly #late = new Map<number, LateSamples>();
  #lateBytes = 0;
  /** An open chunk's state for each slot: interleaved, since an append touches all of it. */
  #state = new Int32Array(16 * STATE_WORDS);
  #closed = new Uint32Vector(16 * CLOSED_WORDS);
  readonly #decoder = new ChunkDecoder();
  readonly #found = new SampleColumns(4);

  constructor(windowStartMs: number, pool: PagePool) {
    this.#windowStartMs = windowStartMs;
    this.#arena = new Arena(pool);
  }

  get byteSize(): number {
    return this.#arena.byteSize + this.#state.byteLength + this.#closed.byteSize + this.#lateBytes;
  }

  addSlot(slot: number): void {
    const at = slot * STATE_WORDS;
    if (at === this.#state.length) {
      const grown = new Int32Array(grownCapacity(slot, slot + 1) * STATE_WORDS);
      grown.set(this.#state);
      this.#state = grown;
    }
    this.#state[at + STATE_TIME] = -1;
  }

  append(slot: number, time: number, low: number, high: number): AppendOutcome {
    const state = this.#state;
    const at = slot * STATE_WORDS;
    if (time <= state[at + STATE_TIME]) return this.#appendLate(slot, time, low, high);
    const address = state[at + STATE_ADDRESS] >>> 0;
    if (address === 0) this.#open(at, time, low, high);
    else {
      const page = this.#arena.pages[address >>> PAGE_SHIFT];
      const words = fragmentWords(state[at + STATE_PACKED] >>> STATE_USER_SHIFT) - 1;
      if (!xorAppend(state, at, page, wordInPage(address) + 1, words, time, low, high))
        this.#appendToFull(at, time, low, high);
    }
    return APPEND_STORED;
  }

  mark(slot: number, dst: ChunkMark): void {
    const at = slot * STATE_WORDS;
    dst.link = this.#state[at + STATE_LINK];
    dst.openCount = this.#state[at + STATE_COUNT];
    dst.openBits = this.#state[at + STATE_PACKED] & STATE_BITS_MASK;
    dst.openTime = this.#state[at + STATE_TIME];
  }

  /** In-order samples that a mark covers. */
  markedSamples(mark: ChunkMark): number {
    let count = mark.openCount;
    for (let link = mark.link; link !== 0; ) {
      const at = (link - 1) * CLOSED_WORDS;
      count += this.#closed.words[at + CLOSED_SIZES] >>> 16;
      link = this.#closed.words[at + CLOSED_LINK];
    }
    return count;
  }

  /** The chunks that a mark covers, by time; valid until the next append to the slot. */
  chunks(slot: number, mark: ChunkMark): ChunkView[] {
    const views: ChunkView[] = [];
    if (mark.openCount > 0) {
      const address = this.#markedAddress(slot, mark.link);
      views.push(this.#view(address, mark.openBits, mark.openTime, mark.openCount));
    }
    for (let link = mark.link; link !== 0; ) {
      const at = (link - 1) * CLOSED_WORDS;
      views.push(this.#closedView(at));
      link = this.#closed.words[at + CLOSED_LINK];
    }
    return views.reverse();
  }

  /** All in-order chunks of a slot, by time; valid until the next append to it. */
  allChunks(slot: number): ChunkView[] {
    const mark: ChunkMark = { link: 0, openCount: 0, openBits: 0, openTime: 0 };
    this.mark(slot, mark);
    return this.chunks(slot, mark);
  }

  /** The late samples of a slot, if any; they belong to this. */
  lateSamples(slot: number): LateSamples | undefined {
    return this.#late.get(slot);
  }

  release(): void {
    this.#arena.release();
    this.#late.clear();
    this.#lateBytes = 0;
    this.#state = new Int32Array(0);
    this.#closed = new Uint32Vector(0);
  }

  #open(at: number, time: number, low: number, high: number): void {
    const address = this.#arena.allocate(0);
    const page = this.#arena.pages[address >>> PAGE_SHIFT];
    const base = wordInPage(address);
    page[base] = time;
    this.#state[at + STATE_ADDRESS] = address;
    this.#state[at + STATE_PACKED] = 0;
    xorStart(this.#state, at, page, base + 1, time, low, high);
  }

  /** Moves the open chunk to a larger fragment, or closes it where there is none. */
  #appendToFull(at: number, time: number, low: number, high: number): void {
    const state = this.#state;
    const sizeClass = state[at + STATE_PACKED] >>> STATE_USER_SHIFT;
    if (sizeClass === SIZE_CLASSES - 1) {
      this.#close(at);
      this.#open(at, time, low, high);
      return;
    }
    const old = state[at + STATE_ADDRESS] >>> 0;
    const address = this.#arena.allocate(sizeClass + 1);
    this.#arena.copy(old, address, fragmentWords(sizeClass));
    this.#arena.free(old, sizeClass);
    state[at + STATE_ADDRESS] = address;
    state[at + STATE_PACKED] += 1 << STATE_USER_SHIFT;
    const page = this.#arena.pages[address >>> PAGE_SHIFT];
    xorAppend(state, at, page, wordInPage(address) + 1, fragmentWords(sizeClass + 1) - 1, time, low, high);
  }

  #close(at: number): void {
    const state = this.#state;
    const closed = this.#closed.extend(CLOSED_WORDS);
    const words = this.#closed.words;
    words[closed + CLOSED_LINK] = state[at + STATE_LINK];
    words[closed + CLOSED_ADDRESS] = state[at + STATE_ADDRESS];
    words[closed + CLOSED_TIME] = state[at + STATE_TIME];
    words[closed + CLOSED_SIZES] =
      (state[at + STATE_COUNT] << 16) | (state[at + STATE_PACKED] & STATE_BITS_MASK);
    state[at + STATE_LINK] = closed / CLOSED_WORDS + 1;
  }

  #appendLate(slot: number, time: number, low: number, high: number): AppendOutcome {
    if (this.#findInOrder(slot, time)) {
      const words = this.#found.valueWords;
      return (words[0] | 0) === low && (words[1] | 0) === high ? APPEND_DUPLICATE : APPEND_CONFLICT;
    }
    let late = this.#late.get(slot);
    if (late === undefined) {
      late = new LateSamples();
      this.#late.set(slot, late);
    } else this.#lateBytes -= late.byteSize;
    const outcome = late.insert(time, low, high);
    this.#lateBytes += late.byteSize;
    return outcome;
  }

  /** Leaves the in-order sample at `time` in `#found`, if there is one. */
  #findInOrder(slot: number, time: number): boolean {
    const at = slot * STATE_WORDS;
    const state = this.#state;
    const bits = state[at + STATE_PACKED] & STATE_BITS_MASK;
    const timeMs = this.#windowStartMs + time;
    let view = this.#view(
      state[at + STATE_ADDRESS] >>> 0,
      bits,
      state[at + STATE_TIME],
      state[at + STATE_COUNT],
    );
    for (let link = state[at + STATE_LINK]; timeMs < view.minTimeMs && link !== 0; ) {
      const closed = (link - 1) * CLOSED_WORDS;
      view = this.#closedView(closed);
      link = this.#closed.words[closed + CLOSED_LINK];
    }
    if (timeMs < view.minTimeMs || timeMs > view.maxTimeMs) return false;
    this.#found.reset();
    this.#decoder.decodeInto(this.#found, view, timeMs, timeMs);
    return this.#found.length > 0;
  }

  /** Where the chunk is now that was open when `link` was the youngest closed one. */
  #markedAddress(slot: number, link: number): number {
    const at = slot * STATE_WORDS;
    let address = this.#state[at + STATE_ADDRESS] >>> 0;
    for (let next = this.#state[at + STATE_LINK]; next !== link; ) {
      const closed = (next - 1) * CLOSED_WORDS;
      address = this.#closed.words[closed + CLOSED_ADDRESS];
      next = this.#closed.words[closed + CLOSED_LINK];
    }
    return address;
  }

  #closedView(at: number): ChunkView {
    const words = this.#closed.words;
    const sizes = words[at + CLOSED_SIZES];
    return this.#view(words[at + CLOSED_ADDRESS], sizes & 0xffff, words[at + CLOSED_TIME], sizes >>> 16);
  }

  #view(address: number, bits: number, lastTime: number, count: number): ChunkView {
    const page = address >>> PAGE_SHIFT;
    const word = wordInPage(address);
    const start = (word + 1) * 4;
    return {
      encoding: ENCODING_XOR,
      bytes: this.#arena.pageBytes[page],
      start,
      end: start + ((bits + 7) >>> 3),
      minTimeMs: this.#windowStartMs + this.#arena.pages[page][word],
      maxTimeMs: this.#windowStartMs + lastTime,
      count,
    };
  }
}
