import { createHash } from 'node:crypto';
import { SampleColumns } from '@xscaler/model';
import { type BlockPartOut, writeSlice } from '../block/block-format.ts';
import { encodeIndex, writeExemplarPage } from '../block/block-index.ts';
import type { SeriesEntry } from '../block/block-series-codec.ts';
import type { BlockSummary } from '../block-writing/block-writer.ts';
import { ExemplarParts } from '../block-writing/exemplar-parts.ts';
import { LabelParts, LeafParts } from '../block-writing/label-parts.ts';
import { SeriesParts } from '../block-writing/series-parts.ts';
import { ChunkDecoder } from '../chunk/chunk-decoder.ts';
import { ChunkMerger, type RankedChunk } from '../chunk/chunk-merge.ts';
import { PAIR_WORK, SERIES_WORK, WorkSteps } from '../memory/work-steps.ts';
import { compareIds } from '../postings/series-order.ts';
import { ChunkMasker } from '../tombstone/chunk-masker.ts';
import { mergeExemplars } from './exemplar-merge.ts';
import { DROPPED, type MergeInput, OpenInput, SeriesStream } from './merge-input.ts';
import { mergeLabels, rankPairs } from './merge-labels.ts';

/** Samples of a series after which what is merged of it is encoded. */
const ENCODE_SAMPLES = 16_384;

/**
 * Yields, part by part, the block that blocks of one tenant become: of samples at one time that of the lowest
 * (partition, fromOffset) stands, as for readers, and what tombstones hide of an input is left out. Nothing is yielded
 * if nothing is left (`seriesCount` 0). The summary's digest is of the parts. Between parts it yields `undefined` after
 * every step of work: a pause, for others to have their turn.
 *
 * Four walks over the inputs, each in the order of the block, one series or label value at a time: how labels compare,
 * which series are left and their numbers, then labels, then chunks and exemplars. It holds a part or two of every
 * input, its directories, four bytes for each series and eight for each label pair of it, and the exemplars of a page.
 *
 * Rejects with `DamagedBlockError`, as the sources do, or with the signal's reason.
 */
export async function* mergeBlocks(
  inputs: readonly MergeInput[],
  signal: AbortSignal,
): AsyncGenerator<BlockPartOut | undefined, BlockSummary, void> {
  const masker = new ChunkMasker();
  const opened: OpenInput[] = [];
  for (const input of inputs) opened.push(await OpenInput.open(input, masker, signal));
  const merge = new BlockMerge(opened, signal);
  const hash = createHash('sha256');
  const parts = merge.parts();
  for (;;) {
    const step = await parts.next();
    if (step.done) return { ...step.value, digest: hash.digest('hex') };
    if (step.value !== undefined) hash.update(step.value.bytes);
    yield step.value;
  }
}

type Summary = Omit<BlockSummary, 'digest'>;

class BlockMerge {
  readonly #inputs: readonly OpenInput[];
  readonly #signal: AbortSignal;
  readonly #steps = new WorkSteps();
  /** Where times in the index count from: before every sample. */
  readonly #originMs: number;
  readonly #merger = new ChunkMerger(new ChunkDecoder());
  readonly #columns = new SampleColumns();
  readonly #series: SeriesParts;
  #lastSampleMs = Number.NEGATIVE_INFINITY;
  /** Of samples and exemplars. */
  #minTimeMs = Number.POSITIVE_INFINITY;
  #maxTimeMs = Number.NEGATIVE_INFINITY;

  constructor(inputs: readonly OpenInput[], signal: AbortSignal) {
    this.#inputs = inputs;
    this.#signal = signal;
    const origins = inputs.filter(({ index }) => index.sampleCount > 0).map(({ index }) => index.minTimeMs);
    this.#originMs = origins.length > 0 ? Math.min(...origins) : 0;
    this.#series = new SeriesParts(this.#originMs);
  }

  async *parts(): AsyncGenerator<BlockPartOut | undefined, Summary, void> {
    yield* rankPairs(this.#inputs, this.#steps, this.#signal);
    const seriesCount = yield* this.#numberSeries();
    if (seriesCount > 0) {
      const leafParts = new LeafParts();
      const labels = new LabelParts(leafParts);
      yield* mergeLabels(this.#inputs, seriesCount, labels, this.#steps, this.#signal);
      yield* this.#writeSeries();
      const exemplars = new ExemplarParts();
      yield* this.#writeExemplars(exemplars);
      const { sampleCount } = this.#series;
      const directories = {
        groups: leafParts.directory(this.#series.groups, writeSlice),
        exemplarPages: leafParts.directory(exemplars.pages, writeExemplarPage),
      };
      yield* leafParts.rest();
      const index = encodeIndex({
        seriesCount,
        sampleCount,
        ...directories,
        minTimeMs: this.#originMs,
        maxTimeMs: sampleCount > 0 ? this.#lastSampleMs : 0,
        names: labels.names,
      });
      yield { kind: 'index', number: 0, bytes: index };
    }
    const bounds = { minTimeMs: this.#minTimeMs, maxTimeMs: this.#maxTimeMs };
    return { seriesCount, sampleCount: this.#series.sampleCount, ...bounds };
  }

  async *#numberSeries(): AsyncGenerator<undefined, number, void> {
    let count = 0;
    for await (const streams of this.#walk()) {
      if (this.#steps.completes(streams.length * PAIR_WORK)) yield;
      let survives = false;
      for (const stream of streams) survives ||= await stream.input.survives(stream);
      if (!survives) continue;
      for (const { input, number } of streams) input.seriesNumbers[number] = count;
      count++;
    }
    return count;
  }

  /** The streams that have the series at hand that is least by its labels, one series after another. */
  async *#walk(): AsyncGenerator<readonly SeriesStream[], void, void> {
    const streams = this.#inputs.map((input) => new SeriesStream(input, this.#signal));
    for (const stream of streams) await stream.load();
    for (;;) {
      let least: SeriesStream[] = [];
      for (const stream of streams) {
        if (stream.entry === undefined) continue;
        const order = least.length === 0 ? -1 : compareLabels(stream, least[0]);
        if (order < 0) least = [stream];
        else if (order === 0) least.push(stream);
      }
      if (least.length === 0) return;
      yield least;
      for (const stream of least) {
        if (stream.isBuffered) {
          stream.advance();
          continue;
        }
        this.#signal.throwIfAborted();
        await stream.load();
      }
    }
  }

  async *#writeSeries(): AsyncGenerator<BlockPartOut | undefined, void, void> {
    const series = this.#series;
    for await (const streams of this.#walk()) {
      if (this.#steps.completes(streams.length * SERIES_WORK)) yield;
      const [{ input, number: own, entry: first }] = streams;
      if (input.seriesNumbers[own] === DROPPED) continue;
      const { id, pairs } = first as SeriesEntry;
      series.begin(
        id,
        pairs.map((pair) => input.pairNumbers[pair]),
      );
      yield* this.#addSamples(await chunksOf(streams));
      yield* series.full();
    }
    yield* series.rest();
  }

  /** Adds what chunks of the series at hand, sorted by time, hold together. */
  *#addSamples(chunks: readonly RankedChunk[]): Generator<undefined, void, void> {
    const columns = this.#columns;
    columns.reset();
    for (let from = 0; from < chunks.length; ) {
      const to = clusterEnd(chunks, from);
      this.#merger.mergeInto(
        columns,
        chunks.slice(from, to),
        Number.NEGATIVE_INFINITY,
        Number.POSITIVE_INFINITY,
      );
      from = to;
      if (columns.length === 0 || (columns.length < ENCODE_SAMPLES && from < chunks.length)) continue;
      const lastMs = columns.timestamps[columns.length - 1];
      this.#lastSampleMs = Math.max(this.#lastSampleMs, lastMs);
      this.#widen(columns.timestamps[0], lastMs);
      this.#series.add(columns);
      if (this.#steps.completes(columns.length)) yield;
      columns.reset();
    }
  }

  async *#writeExemplars(parts: ExemplarParts): AsyncGenerator<BlockPartOut | undefined, void, void> {
    for await (const { span, series, exemplars } of mergeExemplars(this.#inputs, this.#signal)) {
      if (this.#steps.completes(exemplars.length * PAIR_WORK)) yield;
      this.#widen(exemplars[0].timestampMs, exemplars[exemplars.length - 1].timestampMs);
      parts.add(span, series, exemplars);
      yield* parts.full();
    }
    yield* parts.rest();
  }

  #widen(minTimeMs: number, maxTimeMs: number): void {
    this.#minTimeMs = Math.min(this.#minTimeMs, minTimeMs);
    this.#maxTimeMs = Math.max(this.#maxTimeMs, maxTimeMs);
  }
}

/** Series of different inputs in the order of a block (series-order.ts). */
function compareLabels(a: SeriesStream, b: SeriesStream): number {
  const one = a.entry as SeriesEntry;
  const other = b.entry as SeriesEntry;
  const most = Math.min(one.pairs.length, other.pairs.length);
  for (let i = 0; i < most; i++) {
    const order = a.input.pairRanks[one.pairs[i]] - b.input.pairRanks[other.pairs[i]];
    if (order !== 0) return order;
  }
  return one.pairs.length - other.pairs.length || compareIds(one.id, 0, other.id, 0);
}

/** What is left of one series' chunks in all inputs that have it, sorted by time. */
async function chunksOf(streams: readonly SeriesStream[]): Promise<RankedChunk[]> {
  const chunks: RankedChunk[] = [];
  for (const { input, number, entry, chunks: parts } of streams) {
    chunks.push(...(await input.chunksOf(entry as SeriesEntry, number, parts)));
  }
  return chunks.sort((a, b) => a.minTimeMs - b.minTimeMs);
}

/** The place behind the chunks, from `from` on, that overlap the one before them. */
function clusterEnd(chunks: readonly RankedChunk[], from: number): number {
  let { maxTimeMs } = chunks[from];
  let to = from + 1;
  while (to < chunks.length && chunks[to].minTimeMs <= maxTimeMs) {
    maxTimeMs = Math.max(maxTimeMs, chunks[to].maxTimeMs);
    to++;
  }
  return to;
}
