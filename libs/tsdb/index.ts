import type { Exemplar, Labels, Matcher, SampleColumns } from '@xscaler/model';

/** What `Head.append` did with a sample. */
export declare const APPEND_STORED: 0;
/** The series has the timestamp already, with the same 64 value bits. */
export declare const APPEND_DUPLICATE: 1;
/** The series has the timestamp already, with another value; the first one stands. */
export declare const APPEND_CONFLICT: 2;
export type AppendOutcome = 0 | 1 | 2;

/** Free arena pages, shared by the heads of a thread; `maxFreeBytes` bounds what it keeps. */
export declare class PagePool {
  constructor(maxFreeBytes: number);
  readonly freeBytes: number;
}

export interface HeadOptions {
  readonly tenant: string;
  readonly partition: number;
  /** Samples with windowStartMs ≤ t < windowStartMs + windowMs belong here; anything else is a RangeError. */
  readonly windowStartMs: number;
  readonly windowMs: number;
  readonly seq: number;
  /** Offset of the log record that opened the head. */
  readonly fromOffset: number;
  readonly pool?: PagePool;
}

export interface SeriesExemplars {
  readonly labels: Labels;
  /** By time. */
  readonly exemplars: readonly Exemplar[];
}

/**
 * The open data of one (tenant, partition, window, seq). Ids are four 32-bit words, signed or unsigned alike
 * (signed ones, out of an `Int32Array`, travel unboxed). Matcher sets: a series that satisfies all matchers of
 * any one set; no set means every series.
 */
export declare class Head {
  constructor(options: HeadOptions);
  readonly tenant: string;
  readonly partition: number;
  readonly windowStartMs: number;
  readonly windowMs: number;
  readonly seq: number;
  readonly fromOffset: number;

  readonly seriesCount: number;
  readonly sampleCount: number;
  /** Samples seen again with the same value, and with another one. */
  readonly duplicateCount: number;
  readonly conflictCount: number;
  readonly exemplarCount: number;
  /** Bounds of the samples held; +Infinity and -Infinity while there are none. */
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** Memory held, estimated. */
  readonly byteSize: number;

  /** The slot of a series, or -1. */
  find(w0: number, w1: number, w2: number, w3: number): number;
  /** Adds a series that `find` did not have; the new slot (consecutive from 0). */
  create(w0: number, w1: number, w2: number, w3: number, labels: Labels): number;
  labelsOf(slot: number): Labels;
  matchesLabels(slot: number, labels: Labels): boolean;

  /** `low` and `high` are the value's 32-bit words, signed or unsigned alike. */
  append(slot: number, timestampMs: number, low: number, high: number): AppendOutcome;
  /** Keeps the youngest few of a series; false where it was there already or is too old to be kept. */
  appendExemplar(slot: number, exemplar: Exemplar): boolean;

  /** Notes, synchronously, what matches now; close the selection when done (it pins the head). */
  select(matcherSets: readonly (readonly Matcher[])[], startMs: number, endMs: number): HeadSelection;
  labelNames(matcherSets: readonly (readonly Matcher[])[]): string[];
  labelValues(name: string, matcherSets: readonly (readonly Matcher[])[]): string[];
  seriesLabels(matcherSets: readonly (readonly Matcher[])[]): Labels[];
  exemplars(matcherSets: readonly (readonly Matcher[])[], startMs: number, endMs: number): SeriesExemplars[];

  /** Keeps the memory readable until the same number of `unpin`. */
  pin(): void;
  unpin(): void;
  /** Gives the memory back once nobody pins it. Appending or selecting afterwards throws. */
  release(): void;
  readonly released: boolean;
}

/** A head's series as they were when it was made, whatever is appended later. */
export declare class HeadSelection implements Disposable {
  readonly seriesCount: number;
  readonly sampleCount: number;
  /** Series frames of about `maxBytes` (1 MiB by default), each alone in its ArrayBuffer; none where nothing matches. */
  frames(maxBytes?: number): Generator<Uint8Array<ArrayBuffer>, void, void>;
  /** Unpins the head; idempotent. */
  close(): void;
  [Symbol.dispose](): void;
}

/** Gathers frames of heads and blocks and merges them by series id. */
export declare class SeriesMerger {
  /** @throws DecodeError */
  addFrame(bytes: Uint8Array): void;
  /** Distinct series so far. */
  readonly seriesCount: number;
  /** Samples in all chunks so far, doubles included. */
  readonly sampleCount: number;
  /** Bytes of the frames held. */
  readonly byteSize: number;
  /** The series that have samples in [startMs, endMs] by their chunks' bounds, sorted by labels. */
  finish(startMs: number, endMs: number): MergedSeries[];
}

/** Satisfies storage's `Series`. */
export declare class MergedSeries {
  readonly labels: Labels;
  /** Appends the samples within `finish`'s bounds, increasing in time, each timestamp once. @throws DecodeError */
  read(dst: SampleColumns): void;
}

export type BlockPartKind = 'index' | 'symbols' | 'postings' | 'series' | 'chunks' | 'exemplars';

export interface BlockPartOut {
  readonly kind: BlockPartKind;
  readonly number: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface BlockSummary {
  readonly seriesCount: number;
  readonly sampleCount: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** SHA-256, hex, over ids, samples and exemplars in canonical order: independent of encodings. */
  readonly digest: string;
}

/** Yields a head's block part by part (each 256 KB–1 MB or less), and returns its summary (`next().value` when `done`). */
export declare function writeBlock(head: Head): Generator<BlockPartOut, BlockSummary, void>;

export interface BlockSource {
  /** A slice of a part; all of it without `offset`. */
  read(kind: BlockPartKind, number: number, offset?: number, length?: number): Promise<Uint8Array>;
}

export interface BlockIdentity {
  readonly blockId: string;
  readonly partition: number;
  readonly fromOffset: number;
}

/** Reads a block by slices. Keeps what it read of the index (`cachedBytes`); safe for concurrent use. */
export declare class BlockReader {
  constructor(identity: BlockIdentity, source: BlockSource);
  readonly cachedBytes: number;
  /** Series frames as a head's selection yields them. Rejects with `DamagedBlockError`, the source's error, or the signal's reason. */
  select(
    matcherSets: readonly (readonly Matcher[])[],
    startMs: number,
    endMs: number,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void>;
  labelNames(matcherSets: readonly (readonly Matcher[])[], signal: AbortSignal): Promise<string[]>;
  labelValues(
    name: string,
    matcherSets: readonly (readonly Matcher[])[],
    signal: AbortSignal,
  ): Promise<string[]>;
  series(matcherSets: readonly (readonly Matcher[])[], signal: AbortSignal): Promise<Labels[]>;
  exemplars(
    matcherSets: readonly (readonly Matcher[])[],
    startMs: number,
    endMs: number,
    signal: AbortSignal,
  ): Promise<SeriesExemplars[]>;
}

/** A part of a block is not what was written. */
export declare class DamagedBlockError extends Error {
  override readonly name: 'DamagedBlockError';
  readonly blockId: string;
  readonly kind: BlockPartKind;
  readonly number: number;
}
