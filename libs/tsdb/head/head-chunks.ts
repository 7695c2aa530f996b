import { SampleColumns } from '@xscaler/model';
import type { ChunkView } from '../chunk/chunk.ts';
import { ChunkDecoder } from '../chunk/chunk-decoder.ts';
import type { HistogramBytes } from '../chunk/histogram-bytes.ts';
import {
  STATE_BITS_MASK,
  STATE_COUNT,
  STATE_HIGH,
  STATE_LOW,
  STATE_PACKED,
  STATE_TIME,
  STATE_WORDS,
} from '../chunk/xor-chunk.ts';
import { Arena } from '../memory/arena.ts';
import { APPEND_CONFLICT, APPEND_DUPLICATE, APPEND_STORED, type AppendOutcome } from './append-outcome.ts';
import { ClosedChunks } from './closed-chunks.ts';
import type { HeadMemory } from './head-memory.ts';
import { HeadNotes } from './head-notes.ts';
import { LateCodec } from './late-codec.ts';
import { LateSamples } from './late-samples.ts';
import { OpenChunks, STATE_LINK } from './open-chunks.ts';

/** How much of a slot's chunks there was at a moment. What a mark covers never changes, though it may move. */
export interface ChunkMark {
  link: number;
  openCount: number;
  openBits: number;
  openTime: number;
}

/**
 * The samples of a head's slots. In-order ones go to chunks that lie in arenas: one open chunk a slot, of the append
 * codec. When it is as long as one may be it is closed: written again densely, once and for all. Those behind their slot's
 * last time go to runs that are kept sorted; no time is in both.
 *
 * Times are milliseconds since the window's start. Values are signed words.
 */
export class HeadChunks {
  readonly #windowStartMs: number;
  readonly #open: OpenChunks;
  readonly #arena: Arena;
  readonly #late = new Map<number, LateSamples>();
  #lateCodec: LateCodec | undefined;
  readonly #memory: HeadMemory;
  #notes: HeadNotes | undefined;
  #lateBytes = 0;
  /** The closed chunks of a slot begin at the link in its open chunk's state: the youngest's, or 0. */
  #closed: ClosedChunks;
  readonly #decoder = new ChunkDecoder();
  /** The chunk searched last, since samples that come again come in runs: that of a slot behind a link. */
  readonly #searched = new SampleColumns(4);
  #searchedSlot = -1;
  #searchedBehind = 0;

  constructor(windowStartMs: number, memory: HeadMemory) {
    this.#windowStartMs = windowStartMs;
    this.#memory = memory;
    this.#open = new OpenChunks(windowStartMs, memory.pages);
    this.#arena = new Arena(memory.pages);
    this.#closed = new ClosedChunks(this.#arena, windowStartMs);
  }

  get byteSize(): number {
    const chunks = this.#open.byteSize + this.#arena.byteSize + this.#closed.byteSize;
    return chunks + this.#lateBytes + (this.#notes?.byteSize ?? 0);
  }

  /** In-order chunks of all slots that are closed. */
  get closedCount(): number {
    return this.#closed.size;
  }

  addSlot(slot: number): void {
    this.#open.addSlot(slot);
  }

  /** A float without start timestamp. */
  append(slot: number, time: number, low: number, high: number): AppendOutcome {
    if (time <= this.#open.state[slot * STATE_WORDS + STATE_TIME])
      return this.#appendLate(slot, time, low, high, 0, undefined);
    this.#appendInOrder(slot, time, low, high);
    if (this.#notes !== undefined) this.#notes.set(slot, time, 0, undefined);
    return APPEND_STORED;
  }

  /** A sample with a start timestamp (0 is none), or a native histogram whose sum is the value. */
  appendNoted(
    slot: number,
    time: number,
    low: number,
    high: number,
    startMs: number,
    histogram: HistogramBytes | undefined,
  ): AppendOutcome {
    if (time <= this.#open.state[slot * STATE_WORDS + STATE_TIME])
      return this.#appendLate(slot, time, low, high, startMs, histogram);
    this.#appendInOrder(slot, time, low, high);
    this.#mustNotes().set(slot, time, startMs, histogram);
    return APPEND_STORED;
  }

  #mustNotes(): HeadNotes {
    this.#notes ??= new HeadNotes(this.#windowStartMs, this.#memory.pages);
    return this.#notes;
  }

  #appendInOrder(slot: number, time: number, low: number, high: number): void {
    if (this.#open.append(slot, time, low, high)) return;
    this.#close(slot);
    this.#open.append(slot, time, low, high);
  }

  mark(slot: number, dst: ChunkMark): void {
    const { state } = this.#open;
    const at = slot * STATE_WORDS;
    dst.link = state[at + STATE_LINK];
    dst.openCount = state[at + STATE_COUNT];
    dst.openBits = state[at + STATE_PACKED] & STATE_BITS_MASK;
    dst.openTime = state[at + STATE_TIME];
  }

  /** In-order samples that a mark covers. */
  markedSamples(mark: ChunkMark): number {
    let count = mark.openCount;
    for (let link = mark.link; link !== 0; link = this.#closed.before(link))
      count += this.#closed.count(link);
    return count;
  }

  /** The chunks that a mark covers, by time; valid until the next append or call. */
  chunks(slot: number, mark: ChunkMark): ChunkView[] {
    const views: ChunkView[] = [];
    if (mark.openCount > 0) views.push(this.#markedOpen(slot, mark));
    for (let link = mark.link; link !== 0; link = this.#closed.before(link))
      views.push(this.#closed.view(link));
    views.reverse();
    return this.#notes === undefined ? views : this.#notes.withNotes(slot, views);
  }

  /** All in-order chunks of a slot, by time; valid until the next append or call. */
  allChunks(slot: number): ChunkView[] {
    const mark: ChunkMark = { link: 0, openCount: 0, openBits: 0, openTime: 0 };
    this.mark(slot, mark);
    return this.chunks(slot, mark);
  }

  lateCount(slot: number): number {
    return this.#late.get(slot)?.length ?? 0;
  }

  /** Chunks of a slot's late samples, by time, some with samples within the bounds; they never change. */
  lateChunks(slot: number, startMs: number, endMs: number): ChunkView[] {
    const late = this.#late.get(slot);
    if (late === undefined) return [];
    const before = late.byteSize;
    const chunks = late.chunks(startMs - this.#windowStartMs, endMs - this.#windowStartMs);
    this.#lateBytes += late.byteSize - before;
    return chunks;
  }

  release(): void {
    this.#open.release();
    this.#arena.release();
    this.#notes?.release();
    this.#notes = undefined;
    this.#late.clear();
    this.#lateBytes = 0;
    this.#closed = new ClosedChunks(this.#arena, this.#windowStartMs);
  }

  /** Stores the open chunk densely. */
  #close(slot: number): void {
    const { state } = this.#open;
    const at = slot * STATE_WORDS + STATE_LINK;
    state[at] = this.#closed.add(state[at], this.#memory.closer.closed(this.#open.view(slot)));
    this.#open.drop(slot);
  }

  #appendLate(
    slot: number,
    time: number,
    low: number,
    high: number,
    startMs: number,
    histogram: HistogramBytes | undefined,
  ): AppendOutcome {
    const { state } = this.#open;
    const at = slot * STATE_WORDS;
    if (time === state[at + STATE_TIME]) {
      const isSame = state[at + STATE_LOW] === low && state[at + STATE_HIGH] === high;
      return repeated(isSame && this.#isSameHistogram(slot, time, histogram));
    }
    const found = this.#findInOrder(slot, time);
    if (found >= 0) {
      const words = this.#searched.valueWords;
      const isSame = (words[2 * found] | 0) === low && (words[2 * found + 1] | 0) === high;
      return repeated(isSame && this.#isSameHistogram(slot, time, histogram));
    }
    let late = this.#late.get(slot);
    if (late === undefined) {
      this.#lateCodec ??= new LateCodec(this.#windowStartMs);
      late = new LateSamples(this.#lateCodec);
      this.#late.set(slot, late);
    } else this.#lateBytes -= late.byteSize;
    const isPlain = startMs === 0 && histogram === undefined;
    const note = isPlain ? undefined : { slot, startMs, histogram, notes: this.#mustNotes() };
    const outcome = late.insert(time, low, high, note);
    this.#lateBytes += late.byteSize;
    return outcome;
  }

  /** Whether a slot's in-order sample at `time` is this histogram, or none as this. */
  #isSameHistogram(slot: number, time: number, histogram: HistogramBytes | undefined): boolean {
    const entry = this.#notes === undefined ? 0 : this.#notes.histograms.find(slot, time);
    if (histogram === undefined || entry === 0) return histogram === undefined && entry === 0;
    return (this.#notes as HeadNotes).histograms.equals(entry, histogram);
  }

  /** Place in `#searched` of the in-order sample at `time`, or -1. */
  #findInOrder(slot: number, time: number): number {
    const { state } = this.#open;
    const closed = this.#closed;
    const at = slot * STATE_WORDS;
    const link = closed.firstEndingFrom(slot, state[at + STATE_LINK], time);
    if (time < (link === 0 ? this.#open.firstTime(slot) : closed.firstTime(link))) return -1;
    const behind = link === 0 ? state[at + STATE_LINK] : closed.before(link);
    const count = link === 0 ? state[at + STATE_COUNT] : closed.count(link);
    const searched = this.#searched;
    if (slot !== this.#searchedSlot || behind !== this.#searchedBehind || count !== searched.length) {
      const view = link === 0 ? this.#open.view(slot) : closed.view(link);
      searched.reset();
      this.#decoder.decodeInto(searched, view, -Infinity, Infinity);
      this.#searchedSlot = slot;
      this.#searchedBehind = behind;
    }
    return placeOf(searched, this.#windowStartMs + time);
  }

  /** What a mark covers of the chunk that was open: it may have grown, moved or been closed. */
  #markedOpen(slot: number, { link, openBits, openTime, openCount }: ChunkMark): ChunkView {
    const youngest = this.#open.state[slot * STATE_WORDS + STATE_LINK];
    let closed = 0;
    for (let next = youngest; next !== link; next = this.#closed.before(next)) closed = next;
    if (closed !== 0) return this.#memory.closer.prefix(this.#closed.view(closed), openCount);
    return this.#open.prefix(slot, openBits, openTime, openCount);
  }
}

function repeated(isSame: boolean): AppendOutcome {
  return isSame ? APPEND_DUPLICATE : APPEND_CONFLICT;
}

/** The place of a time among columns, or -1. */
function placeOf({ timestamps, length }: SampleColumns, timestampMs: number): number {
  let low = 0;
  let high = length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (timestamps[middle] < timestampMs) low = middle + 1;
    else high = middle;
  }
  return timestamps[low] === timestampMs ? low : -1;
}
