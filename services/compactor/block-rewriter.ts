import { setImmediate as nextTurn } from 'node:timers/promises';
import type {
  BlockMeta,
  BlockPart,
  BlockStore,
  CompactionBlock,
  CompactionInputs,
  CompactionStore,
} from '@xscaler/database';
import { COMPACTION_DAY_MS, type CompactionJob, hidesOf } from '@xscaler/database';
import { type BlockSummary, type MergeInput, mergeBlocks } from '@xscaler/tsdb';

/** Parts of a block go into the database in transactions of about this size. */
const STAGE_BYTES = 1024 * 1024;

export interface BlockRewriterOptions {
  readonly store: CompactionStore;
  readonly blocks: Pick<BlockStore, 'readPart'>;
  readonly newBlockId: () => string;
}

/** What became of some blocks. */
export interface Rewritten {
  readonly inputSamples: number;
  readonly outputSamples: number;
  readonly outputBytes: number;
}

/**
 * Writes one block in place of others: parts staged as they fill, then one swap. A crash before that leaves parts that
 * the sweep removes; after it, the old blocks are retired.
 */
export class BlockRewriter {
  readonly #options: BlockRewriterOptions;

  constructor(options: BlockRewriterOptions) {
    this.#options = options;
  }

  /** Rejects as the store does, with `DamagedBlockError`, or with the signal's reason; then the old blocks stand. */
  async rewrite(
    job: CompactionJob,
    group: readonly CompactionBlock[],
    { tombstones, resumeOffset, commit }: CompactionInputs,
    signal: AbortSignal,
  ): Promise<Rewritten> {
    const { store, blocks, newBlockId } = this.#options;
    const blockId = newBlockId();
    const inputs = group.map((block): MergeInput => {
      const read = blocks.readPart.bind(blocks, block.blockId);
      const { partition, fromOffset } = block;
      const hiding = tombstones.filter((tombstone) => hidesOf(tombstone, block));
      return { blockId: block.blockId, partition, fromOffset, source: { read }, tombstones: hiding };
    });
    const staged = await this.#stage(blockId, job.tenant, mergeBlocks(inputs, signal), signal);
    const { summary, partCount, bytes } = staged;
    const isLeft = summary.seriesCount > 0;
    const merged = isLeft ? { meta: mergedMeta(job, blockId, group, summary), partCount } : undefined;
    // Those above the resume offset were applied too, but another between them may not be known yet.
    await store.swap({ replaced: group, merged, purgedOffset: resumeOffset - 1, commit });
    const inputSamples = group.reduce((sum, { sampleCount }) => sum + sampleCount, 0);
    return { inputSamples, outputSamples: summary.sampleCount, outputBytes: bytes };
  }

  async #stage(
    blockId: string,
    tenant: string,
    parts: AsyncGenerator<BlockPart | undefined, BlockSummary, void>,
    signal: AbortSignal,
  ): Promise<{ summary: BlockSummary; partCount: number; bytes: number }> {
    const { store } = this.#options;
    let pieces: BlockPart[] = [];
    let pieceBytes = 0;
    let partCount = 0;
    let bytes = 0;
    for (;;) {
      const step = await parts.next();
      if (!step.done) {
        if (step.value === undefined) {
          await nextTurn();
          continue;
        }
        pieces.push(step.value);
        pieceBytes += step.value.bytes.length;
        if (pieceBytes < STAGE_BYTES) continue;
      }
      signal.throwIfAborted();
      if (pieces.length > 0) await store.stage(blockId, tenant, pieces);
      partCount += pieces.length;
      bytes += pieceBytes;
      pieces = [];
      pieceBytes = 0;
      if (step.done) return { summary: step.value, partCount, bytes };
    }
  }
}

/** One block alone keeps its window and level; several become a block of their day. */
function mergedMeta(
  { dayStartMs }: CompactionJob,
  blockId: string,
  group: readonly CompactionBlock[],
  { seriesCount, sampleCount, minTimeMs, maxTimeMs, digest }: BlockSummary,
): BlockMeta {
  const { purgedOffset: _, ...first } = group[0];
  const day = { level: 1, windowStartMs: dayStartMs, windowMs: COMPACTION_DAY_MS };
  return {
    ...first,
    ...(group.length > 1 && day),
    blockId,
    fromOffset: Math.min(...group.map(({ fromOffset }) => fromOffset)),
    toOffset: Math.max(...group.map(({ toOffset }) => toOffset)),
    minTimeMs,
    maxTimeMs,
    seriesCount,
    sampleCount,
    digest,
  };
}
