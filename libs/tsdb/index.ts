import type { Labels, Matcher } from '@xscaler/model';
import type { Head, SeriesExemplars } from './head.ts';

export {
  APPEND_CONFLICT,
  APPEND_DUPLICATE,
  APPEND_STORED,
  type AppendOutcome,
} from './append-outcome.ts';
export { Head, type HeadOptions, type SeriesExemplars } from './head.ts';
export { HeadSelection } from './head-selection.ts';
export { PagePool } from './page-pool.ts';
export type { MatcherSets } from './selector.ts';
export { SeriesFrameReader, SeriesFrameWriter } from './series-frame.ts';
export { MergedSeries, SeriesMerger } from './series-merger.ts';

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
