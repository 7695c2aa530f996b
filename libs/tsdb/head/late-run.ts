import type { ChunkView } from '../chunk/chunk.ts';
import type { LateCodec } from './late-codec.ts';
import { type LateNote, LateNotes } from './late-notes.ts';

/** Most samples of a run: what an insertion moves and what a chunk is made of again after one. */
export const LATE_RUN_SAMPLES = 1024;

const SMALLEST_CAPACITY = 8;
/** What a chunk's view and buffer take beside its bytes, roughly. */
const CHUNK_OVERHEAD_BYTES = 250;

const NO_WORDS = new Int32Array(0);

/**
 * Late samples next to each other in time, each time once. Open, they lie in columns, into which more are put;
 * closed, in chunks alone. An open run may have chunks too, as long as nothing is put in; chunks never change.
 */
export class LateRun {
  #times: Int32Array<ArrayBuffer>;
  /** Two words a sample, low first. */
  #words: Int32Array<ArrayBuffer>;
  /** Of samples that have any; kept also while closed. */
  #notes: LateNotes | undefined;
  #chunks: readonly ChunkView[] | undefined;
  #chunkBytes = 0;
  #length = 0;
  #firstTime = 0;
  #lastTime = 0;

  constructor(capacity = SMALLEST_CAPACITY) {
    this.#times = new Int32Array(capacity);
    this.#words = new Int32Array(capacity * 2);
  }

  get length(): number {
    return this.#length;
  }

  get isFull(): boolean {
    return this.#length === LATE_RUN_SAMPLES;
  }

  get firstTime(): number {
    return this.#firstTime;
  }

  get lastTime(): number {
    return this.#lastTime;
  }

  get byteSize(): number {
    const columns = this.#times.byteLength + this.#words.byteLength;
    return columns + this.#chunkBytes + (this.#notes?.byteSize ?? 0);
  }

  /** Makes sure of the columns, which all that follows needs. */
  open(codec: LateCodec): void {
    if (this.#chunks === undefined || this.#times.length > 0) return;
    this.#times = new Int32Array(this.#length);
    this.#words = new Int32Array(this.#length * 2);
    codec.decodeInto(this.#times, this.#words, this.#chunks);
  }

  /** Keeps chunks alone. */
  close(codec: LateCodec): void {
    this.chunks(codec);
    this.#times = NO_WORDS;
    this.#words = NO_WORDS;
  }

  /** Its chunks by time; the same ones until something is put in. */
  chunks(codec: LateCodec): readonly ChunkView[] {
    if (this.#chunks === undefined) {
      this.#chunks = codec.encode(this.#times, this.#words, this.#length, this.#notes);
      for (const { end } of this.#chunks) this.#chunkBytes += end + CHUNK_OVERHEAD_BYTES;
    }
    return this.#chunks;
  }

  /** Where `time` is in an open run, or would be. */
  position(time: number): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#times[middle] < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  hasTimeAt(at: number, time: number): boolean {
    return at < this.#length && this.#times[at] === time;
  }

  /** Whether the sample there is the same float, or the same histogram if `note` tells of one. */
  hasValueAt(at: number, low: number, high: number, note: LateNote | undefined): boolean {
    if (this.#words[2 * at] !== low || this.#words[2 * at + 1] !== high) return false;
    if (this.#notes === undefined) return note?.histogram === undefined;
    return this.#notes.hasHistogramAt(at, note?.histogram);
  }

  /** Puts a sample into an open run that isn't full. */
  insertAt(at: number, time: number, low: number, high: number, note: LateNote | undefined): void {
    const length = this.#length;
    this.#forgetChunks();
    if (note !== undefined) this.#notes ??= new LateNotes(note.notes);
    if (this.#notes !== undefined) this.#notes.insertAt(at, length, time, note);
    if (length === this.#times.length) this.#grow();
    this.#times.copyWithin(at + 1, at, length);
    this.#words.copyWithin(2 * at + 2, 2 * at, 2 * length);
    this.#times[at] = time;
    this.#words[2 * at] = low;
    this.#words[2 * at + 1] = high;
    this.#setLength(length + 1);
  }

  /** Moves the samples from `at` on, at least one, to a run of their own; both are open. */
  splitAt(at: number): LateRun {
    const upper = new LateRun(LATE_RUN_SAMPLES);
    upper.#times.set(this.#times.subarray(at, this.#length));
    upper.#words.set(this.#words.subarray(2 * at, 2 * this.#length));
    upper.#notes = this.#notes?.splitAt(at, this.#length);
    upper.#setLength(this.#length - at);
    this.#forgetChunks();
    this.#setLength(at);
    return upper;
  }

  #setLength(length: number): void {
    this.#length = length;
    this.#firstTime = this.#times[0];
    this.#lastTime = this.#times[length - 1];
  }

  #forgetChunks(): void {
    this.#chunks = undefined;
    this.#chunkBytes = 0;
  }

  #grow(): void {
    const capacity = Math.min(LATE_RUN_SAMPLES, this.#times.length * 2);
    const times = new Int32Array(capacity);
    times.set(this.#times);
    this.#times = times;
    const words = new Int32Array(capacity * 2);
    words.set(this.#words);
    this.#words = words;
  }
}
