export { type AnswerBounds, bytesOfExemplars, bytesOfTexts, UNBOUNDED } from './block/answer-bounds.ts';
export type { BlockPartKind, BlockPartOut } from './block/block-format.ts';
export { BlockIndexCache } from './block/block-index-cache.ts';
export { type BlockIdentity, BlockReader } from './block/block-reader.ts';
export type { BlockSource } from './block/block-slices.ts';
export { DamagedBlockError } from './block/damaged-block-error.ts';
export { mergeBlocks } from './block-merging/block-merge.ts';
export type { MergeInput } from './block-merging/merge-input.ts';
export { type BlockSummary, writeBlock } from './block-writing/block-writer.ts';
export { type HistogramBytes, newHistogramBytes } from './chunk/histogram-bytes.ts';
export { FrameMemory } from './frame/frame-memory.ts';
export type { LabelCounts, SeriesCounts } from './frame/label-counts.ts';
export type { SeriesExemplars } from './frame/series-exemplars.ts';
export { SeriesFrameReader, SeriesFrameWriter } from './frame/series-frame.ts';
export { MergedSeries, SeriesMerger } from './frame/series-merger.ts';
export {
  APPEND_CONFLICT,
  APPEND_DUPLICATE,
  APPEND_STORED,
  type AppendOutcome,
} from './head/append-outcome.ts';
export { Head, type HeadOptions } from './head/head.ts';
export { type CountedHead, countHeadLabels } from './head/head-label-counts.ts';
export { HeadMemory } from './head/head-memory.ts';
export { HeadSelection } from './head/head-selection.ts';
export type { MatcherSets } from './postings/selector.ts';
export { maskExemplars, maskFrame } from './tombstone/masked-frame.ts';
export { SeriesMask, type Tombstone } from './tombstone/tombstones.ts';
