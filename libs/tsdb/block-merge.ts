import { createHash } from 'node:crypto';
import { ByteWriter } from '@xscaler/encoding';
import { type Exemplar, ID_WORDS, SampleColumns } from '@xscaler/model';
import { encodeExemplars } from './block-exemplars-codec.ts';
import { type BlockPartOut, PartWriter, SERIES_PER_GROUP, type Slice } from './block-format.ts';
import { type ExemplarPage, encodeIndex } from './block-index.ts';
import { type ChunkEntry, encodeEntry, type SeriesEntry } from './block-series-codec.ts';
import type { BlockSummary } from './block-writer.ts';
import { ChunkDecoder } from './chunk-decoder.ts';
import { ChunkEncoder } from './chunk-encoder.ts';
import { ChunkMasker } from './chunk-masker.ts';
import { ChunkMerger, type RankedChunk } from './chunk-merge.ts';
import { DROPPED, type MergeInput, OpenInput, SeriesStream } from './merge-input.ts';
import { mergeLabels } from './merge-labels.ts';

const EXEMPLAR_PAGE_BYTES = 64 * 1024;
/** Samples of a series after which what is merged of it is encoded. */
const ENCODE_SAMPLES = 65_536;

/**
 * Yields, part by part, the block that blocks of one tenant become: of samples at one time that of the lowest
 * (partition, fromOffset) stands, as for readers, and what tombstones hide of an input is left out. Nothing is yielded
 * where nothing is left (`seriesCount` 0). The summary's digest is of the parts.
 *
 * Three walks over the inputs, each in the order of the block, one series or label value at a time: which series are left
 * and their numbers, then labels, then chunks and exemplars. It holds a part or two of every input, its directories,
 * and four bytes for each series and label pair of it.
 *
 * Rejects with `DamagedBlockError`, as the sources do, or with the signal's reason.
 */
export async function* mergeBlocks(
  inputs: readonly MergeInput[],
  signal: AbortSignal,
): AsyncGenerator<BlockPartOut, BlockSummary, void> {
  const masker = new ChunkMasker();
  const opened: OpenInput[] = [];
  for (const input of inputs) opened.push(await OpenInput.open(input, masker, signal));
  const merge = new BlockMerge(opened, signal);
  const hash = createHash('sha256');
  const parts = merge.parts();
  for (;;) {
    const step = await parts.next();
    if (step.done) return { ...step.value, digest: hash.digest('hex') };
    hash.update(step.value.bytes);
    yield step.value;
  }
}

type Summary = Omit<BlockSummary, 'digest'>;

class BlockMerge {
  readonly #inputs: readonly OpenInput[];
  readonly #signal: AbortSignal;
  /** Where times in the index count from: before every sample. */
  readonly #originMs: number;
  readonly #merger = new ChunkMerger(new ChunkDecoder());
  readonly #encoder = new ChunkEncoder();
  readonly #columns = new SampleColumns();
  readonly #run = new ByteWriter(4096);
  #sampleCount = 0;
  #lastSampleMs = Number.NEGATIVE_INFINITY;
  /** Of samples and exemplars. */
  #minTimeMs = Number.POSITIVE_INFINITY;
  #maxTimeMs = Number.NEGATIVE_INFINITY;

  constructor(inputs: readonly OpenInput[], signal: AbortSignal) {
    this.#inputs = inputs;
    this.#signal = signal;
    const origins = inputs.filter(({ index }) => index.sampleCount > 0).map(({ index }) => index.minTimeMs);
    this.#originMs = origins.length > 0 ? Math.min(...origins) : 0;
  }

  async *parts(): AsyncGenerator<BlockPartOut, Summary, void> {
    const seriesCount = await this.#numberSeries();
    if (seriesCount > 0) {
      const names = yield* mergeLabels(this.#inputs, seriesCount);
      const groups = yield* this.#writeSeries(seriesCount);
      const exemplarPages = yield* this.#writeExemplars();
      const sampleCount = this.#sampleCount;
      const index = encodeIndex({
        seriesCount,
        sampleCount,
        minTimeMs: this.#originMs,
        maxTimeMs: sampleCount > 0 ? this.#lastSampleMs : 0,
        names,
        groups,
        exemplarPages,
      });
      yield { kind: 'index', number: 0, bytes: index };
    }
    const bounds = { minTimeMs: this.#minTimeMs, maxTimeMs: this.#maxTimeMs };
    return { seriesCount, sampleCount: this.#sampleCount, ...bounds };
  }

  async #numberSeries(): Promise<number> {
    let count = 0;
    for await (const streams of this.#walk()) {
      let survives = false;
      for (const stream of streams) survives ||= await stream.input.survives(stream);
      if (!survives) continue;
      for (const { input, number } of streams) input.seriesNumbers[number] = count;
      count++;
    }
    return count;
  }

  /** The streams that have the least id at hand, one id after another. */
  async *#walk(): AsyncGenerator<readonly SeriesStream[], void, void> {
    const streams = this.#inputs.map((input) => new SeriesStream(input));
    for (const stream of streams) await stream.load();
    for (;;) {
      let least: SeriesStream[] = [];
      for (const stream of streams) {
        if (stream.entry === undefined) continue;
        const order = least.length === 0 ? -1 : compareIds(stream.entry, least[0].entry as SeriesEntry);
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

  async *#writeSeries(seriesCount: number): AsyncGenerator<BlockPartOut, Slice[], void> {
    const series = new PartWriter('series');
    const segments = new PartWriter('chunks');
    const group = new ByteWriter(16_384);
    const entry = new ByteWriter(1024);
    const groups: Slice[] = [];
    let number = 0;
    for await (const streams of this.#walk()) {
      const [{ input, number: own, entry: first }] = streams;
      if (input.seriesNumbers[own] === DROPPED) continue;
      const { id, pairs: ownPairs } = first as SeriesEntry;
      const chunks = this.#encode(await chunksOf(streams));
      const run = segments.add(this.#run.written());
      const pairs = ownPairs.map((pair) => input.pairNumbers[pair]);
      const place = { segment: run.number, offset: run.offset, checksum: run.checksum };
      entry.reset();
      encodeEntry(entry, { id, pairs, chunks, ...place }, this.#originMs);
      group.uvarint(entry.length);
      group.raw(entry.bytes, 0, entry.length);
      number++;
      if (number % SERIES_PER_GROUP === 0 || number === seriesCount) {
        groups.push(series.add(group.written()));
        group.reset();
      }
      yield* segments.full();
      yield* series.full();
    }
    yield* segments.rest();
    yield* series.rest();
    return groups;
  }

  /** Fills `#run` with what chunks of one series, sorted by time, hold together. */
  #encode(chunks: readonly RankedChunk[]): ChunkEntry[] {
    const columns = this.#columns;
    const entries: ChunkEntry[] = [];
    this.#run.reset();
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
      if (columns.length < ENCODE_SAMPLES && from < chunks.length) continue;
      this.#encodeColumns(entries);
      columns.reset();
    }
    if (entries.length > 0) {
      this.#lastSampleMs = Math.max(this.#lastSampleMs, entries[entries.length - 1].maxTimeMs);
      this.#widen(entries[0].minTimeMs, entries[entries.length - 1].maxTimeMs);
    }
    return entries;
  }

  #encodeColumns(entries: ChunkEntry[]): void {
    const columns = this.#columns;
    const run = this.#run;
    for (let from = 0; from < columns.length; ) {
      const before = run.length;
      const to = this.#encoder.encode(run, columns, from);
      entries.push({
        encoding: this.#encoder.encoding,
        minTimeMs: columns.timestamps[from],
        maxTimeMs: columns.timestamps[to - 1],
        count: to - from,
        byteLength: run.length - before,
      });
      from = to;
    }
    this.#sampleCount += columns.length;
  }

  async *#writeExemplars(): AsyncGenerator<BlockPartOut, ExemplarPage[], void> {
    const parts = new PartWriter('exemplars');
    const pages: ExemplarPage[] = [];
    const page = new ByteWriter(4096);
    let firstSeries = 0;
    const close = () => {
      pages.push({ firstSeries, slice: parts.add(page.written()) });
      page.reset();
    };
    for await (const { series, exemplars } of mergeExemplars(this.#inputs)) {
      if (page.length === 0) firstSeries = series;
      this.#widen(exemplars[0].timestampMs, exemplars[exemplars.length - 1].timestampMs);
      encodeExemplars(page, series, exemplars);
      if (page.length >= EXEMPLAR_PAGE_BYTES) close();
      yield* parts.full();
    }
    if (page.length > 0) close();
    yield* parts.rest();
    return pages;
  }

  #widen(minTimeMs: number, maxTimeMs: number): void {
    this.#minTimeMs = Math.min(this.#minTimeMs, minTimeMs);
    this.#maxTimeMs = Math.max(this.#maxTimeMs, maxTimeMs);
  }
}

function compareIds(a: SeriesEntry, b: SeriesEntry): number {
  for (let i = 0; i < ID_WORDS; i++) {
    const order = (a.id[i] >>> 0) - (b.id[i] >>> 0);
    if (order !== 0) return order;
  }
  return 0;
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

/** Exemplars of all inputs by the series of the merge, each once, in time. */
async function* mergeExemplars(
  inputs: readonly OpenInput[],
): AsyncGenerator<{ series: number; exemplars: Exemplar[] }, void, void> {
  const walks = inputs.map((input) => ({ input, pages: input.exemplars() }));
  const heads: { series: number; exemplars: readonly Exemplar[] }[] = [];
  const advance = async (i: number) => {
    const { input, pages } = walks[i];
    const step = await pages.next();
    heads[i] = step.done
      ? { series: Number.POSITIVE_INFINITY, exemplars: [] }
      : { series: input.seriesNumbers[step.value.series], exemplars: step.value.exemplars };
  };
  for (let i = 0; i < walks.length; i++) await advance(i);
  for (;;) {
    const series = Math.min(...heads.map((head) => head.series));
    if (series === Number.POSITIVE_INFINITY) return;
    const found = new Map<string, Exemplar>();
    for (let i = 0; i < heads.length; i++) {
      if (heads[i].series !== series) continue;
      for (const one of heads[i].exemplars)
        found.set(`${one.timestampMs} ${one.value} ${one.labels.key}`, one);
      await advance(i);
    }
    yield { series, exemplars: [...found.values()].sort((a, b) => a.timestampMs - b.timestampMs) };
  }
}
