import type { HistogramBytes } from '../chunk/histogram-bytes.ts';
import type { HeadNotes } from './head-notes.ts';

/** A late sample's start timestamp (0 is none) or its histogram, and where the head keeps such. */
export interface LateNote {
  readonly slot: number;
  readonly startMs: number;
  readonly histogram: HistogramBytes | undefined;
  readonly notes: HeadNotes;
}

/** Start timestamps and histograms of a late run's samples, in their order. */
export class LateNotes {
  readonly notes: HeadNotes;
  /** 0 for none. */
  starts: Float64Array<ArrayBuffer>;
  /** Addresses of the histograms, 0 for floats. */
  entries: Uint32Array<ArrayBuffer>;

  constructor(notes: HeadNotes, capacity = 8) {
    this.notes = notes;
    this.starts = new Float64Array(capacity);
    this.entries = new Uint32Array(capacity);
  }

  get byteSize(): number {
    return this.starts.byteLength + this.entries.byteLength;
  }

  /** Whether the sample there is this histogram, or a float if there is none. */
  hasHistogramAt(at: number, histogram: HistogramBytes | undefined): boolean {
    const entry = this.entries[at];
    if (histogram === undefined || entry === 0) return histogram === undefined && entry === 0;
    return this.notes.histograms.equals(entry, histogram);
  }

  /** Makes room for a sample among `length` others. */
  insertAt(at: number, length: number, time: number, note: LateNote | undefined): void {
    if (length >= this.starts.length) this.#grow(length + 1);
    this.starts.copyWithin(at + 1, at, length);
    this.entries.copyWithin(at + 1, at, length);
    this.starts[at] = note?.startMs ?? 0;
    this.entries[at] =
      note?.histogram === undefined ? 0 : this.notes.histograms.addLate(note.slot, time, note.histogram);
  }

  /** Those of the samples from `at` to `length`. */
  splitAt(at: number, length: number): LateNotes {
    const upper = new LateNotes(this.notes, length);
    upper.starts.set(this.starts.subarray(at, length));
    upper.entries.set(this.entries.subarray(at, length));
    return upper;
  }

  #grow(needed: number): void {
    const capacity = Math.max(needed, this.starts.length * 2);
    const starts = new Float64Array(capacity);
    starts.set(this.starts);
    this.starts = starts;
    const entries = new Uint32Array(capacity);
    entries.set(this.entries);
    this.entries = entries;
  }
}
