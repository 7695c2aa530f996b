export { type AnswerBounds, bytesOfExemplars, bytesOfTexts, UNBOUNDED } from './answer-bounds.ts';
export {
  APPEND_CONFLICT,
  APPEND_DUPLICATE,
  APPEND_STORED,
  type AppendOutcome,
} from './append-outcome.ts';
export type { BlockPartKind, BlockPartOut } from './block-format.ts';
export { BlockIndexCache } from './block-index-cache.ts';
export { mergeBlocks } from './block-merge.ts';
export { type BlockIdentity, BlockReader } from './block-reader.ts';
export type { BlockSource } from './block-slices.ts';
export { type BlockSummary, writeBlock } from './block-writer.ts';
export { DamagedBlockError } from './damaged-block-error.ts';
export { FrameMemory } from './frame-memory.ts';
export { Head, type HeadOptions, type SeriesExemplars } from './head.ts';
export { type HistogramBytes, newHistogramBytes } from './head-histograms.ts';
export {
  type CountedHead,
  countHeadLabels,
  type LabelCounts,
  type SeriesCounts,
} from './head-label-counts.ts';
export { HeadSelection } from './head-selection.ts';
export { maskExemplars, maskFrame } from './masked-frame.ts';
export type { MergeInput } from './merge-input.ts';
export { PagePool } from './page-pool.ts';
export type { MatcherSets } from './selector.ts';
export { SeriesFrameReader, SeriesFrameWriter } from './series-frame.ts';
export { MergedSeries, SeriesMerger } from './series-merger.ts';
export { SeriesMask, type Tombstone } from './tombstones.ts';
