import { compareUtf8, type Exemplar, Labels } from '@xscaler/model';
import { newChunkView } from '../chunk/chunk.ts';
import { FrameMemory } from '../frame/frame-memory.ts';
import type { LabelCounts, SeriesCounts } from '../frame/label-counts.ts';
import type { SeriesExemplars } from '../frame/series-exemplars.ts';
import type { SeriesFrameWriter } from '../frame/series-frame.ts';
import type { MatcherSets } from '../postings/selector.ts';
import { keepSlots } from '../postings/slot-sets.ts';
import { maskExemplars, maskFrame } from '../tombstone/masked-frame.ts';
import { isWithinHole, SeriesMask, type Tombstone, touchesHole } from '../tombstone/tombstones.ts';
import { bytesOfExemplars, bytesOfTexts, UNBOUNDED } from './answer-bounds.ts';
import { inBatches, readPages, type WantedChunks, wantedChunks } from './block-chunks.ts';
import { BlockDirectories } from './block-directories.ts';
import { decodeExemplars, type ExemplarsOfSeries } from './block-exemplars-codec.ts';
import { SERIES_PER_GROUP } from './block-format.ts';
import { type BlockIndex, decodeIndex } from './block-index.ts';
import { BlockIndexCache } from './block-index-cache.ts';
import { BlockLabels, type LabelPair } from './block-labels.ts';
import { decodeGroup, type SeriesEntry } from './block-series-codec.ts';
import { type BlockSource, SliceReader } from './block-slices.ts';
import { unpackPage } from './chunk-pages.ts';

/** Series taken up at once, and bytes of their chunks: about a frame. */
const BATCH_GROUPS = 64;
const BATCH_BYTES = 1024 * 1024;
/** Pages of exemplars that are read at once. */
const EXEMPLAR_PAGES_AT_ONCE = 16;

/** About what a frame says of a chunk, and of its series, beside its bytes. */
const CHUNK_HEADER_BYTES = 32;

export interface BlockIdentity {
  readonly blockId: string;
  readonly partition: number;
  readonly fromOffset: number;
}

/** What a decoded index takes in memory for each byte of it: a slice is 10 bytes in it and an object here. */
const DECODED_INDEX_FACTOR = 8;
/** Bound of a reader's own cache, if none is given. */
const OWN_CACHE_BYTES = 64 * 1024 * 1024;

const NO_SERIES = new Uint32Array(0);

class OpenBlock {
  readonly index: BlockIndex;
  readonly directories: BlockDirectories;
  readonly labels: BlockLabels;

  constructor(index: BlockIndex, slices: SliceReader) {
    this.index = index;
    this.directories = new BlockDirectories(index, slices);
    this.labels = new BlockLabels(index, this.directories, slices);
  }
}

/**
 * Reads a block by slices. What it reads of the index, not the chunks, goes to a cache that many readers share;
 * safe for concurrent use.
 * Every method rejects with `DamagedBlockError`, with the source's own error, or with the signal's reason.
 */
export class BlockReader {
  readonly #identity: BlockIdentity;
  readonly #slices: SliceReader;
  readonly #cache: BlockIndexCache;
  readonly #tombstones: readonly Tombstone[];
  readonly #mask: SeriesMask;
  readonly #frames: FrameMemory;
  #hidden: Uint32Array | undefined;

  /** Tombstones hide what they select; a series of which they leave nothing is not there, nor are its label values. */
  constructor(
    identity: BlockIdentity,
    source: BlockSource,
    cache: BlockIndexCache = new BlockIndexCache(OWN_CACHE_BYTES),
    tombstones: readonly Tombstone[] = [],
    frames = new FrameMemory(),
  ) {
    this.#frames = frames;
    this.#identity = identity;
    this.#cache = cache;
    this.#tombstones = tombstones;
    this.#mask = new SeriesMask(tombstones);
    this.#slices = new SliceReader(identity.blockId, source, cache);
  }

  /** That its series are of. */
  get partition(): number {
    return this.#identity.partition;
  }

  /** Series frames as a head's selection yields them, about a megabyte each, in `FrameMemory`; none if nothing matches. */
  async *select(
    matcherSets: MatcherSets,
    startMs: number,
    endMs: number,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, void> {
    const opened = await this.#open(signal);
    const { index, labels } = opened;
    if (index.sampleCount === 0 || endMs < index.minTimeMs || startMs > index.maxTimeMs) return;
    const numbers = await this.#resolve(matcherSets, signal);
    const frames = this.#frames;
    const writer = frames.writer(this.#identity.partition, this.#identity.fromOffset);
    for await (const batch of this.#entries(opened, numbers, signal)) {
      const wanted = batch
        .map((entry) => wantedChunks(entry, startMs, endMs))
        .filter(({ to, from }) => to > from);
      for (const series of inBatches(wanted, BATCH_BYTES)) {
        await this.#addTo(writer, labels, series, signal);
        if (writer.byteLength >= BATCH_BYTES) yield* this.#masked(writer.takeInto(frames.lend));
      }
    }
    if (writer.seriesCount > 0) yield* this.#masked(writer.takeInto(frames.lend));
    frames.putBack(writer);
  }

  /** Sorted. */
  async labelNames(matcherSets: MatcherSets, signal: AbortSignal): Promise<string[]> {
    const opened = await this.#open(signal);
    const { index, labels } = opened;
    if (matcherSets.length === 0 && (await this.#hiddenSeries(signal)).length === 0)
      return index.names.map(({ name }) => name);
    const names = new Set<string>();
    const numbers = await this.#resolve(matcherSets, signal);
    for await (const batch of this.#entries(opened, numbers, signal)) {
      for (const [name] of (await labels.pairs(pairsOf(batch), signal)).values()) names.add(name);
    }
    return [...names].sort(compareUtf8);
  }

  /** Sorted. */
  async labelValues(
    name: string,
    matcherSets: MatcherSets,
    signal: AbortSignal,
    bounds = UNBOUNDED,
  ): Promise<string[]> {
    const { labels } = await this.#open(signal);
    if (matcherSets.length === 0 && (await this.#hiddenSeries(signal)).length === 0)
      return labels.values(name, undefined, signal, bounds);
    const numbers = await this.#resolve(matcherSets, signal);
    const touches = (series: Uint32Array) => keepSlots(series, numbers, true).length > 0;
    return labels.values(name, touches, signal, bounds);
  }

  /**
   * How many series have each label value, by the postings alone: of those that the sets select, or of all. Only the labels
   * in `names` are counted; undefined: all.
   */
  async labelCounts(
    matcherSets: MatcherSets,
    names: ReadonlySet<string> | undefined,
    signal: AbortSignal,
    bounds = UNBOUNDED,
  ): Promise<SeriesCounts> {
    const { index, labels } = await this.#open(signal);
    const isWhole = matcherSets.length === 0 && (await this.#hiddenSeries(signal)).length === 0;
    const kept = isWhole ? undefined : await this.#resolve(matcherSets, signal);
    const counts: LabelCounts[] = [];
    for (const { name } of index.names) {
      if (names !== undefined && !names.has(name)) continue;
      const { values, seriesCounts } = await labels.counts(name, kept, signal, bounds);
      if (values.length > 0) counts.push({ name, values, seriesCounts });
    }
    return { seriesCount: kept?.length ?? index.seriesCount, labels: counts };
  }

  /** Sorted. */
  async series(matcherSets: MatcherSets, signal: AbortSignal, bounds = UNBOUNDED): Promise<Labels[]> {
    const opened = await this.#open(signal);
    const { labels } = opened;
    const found: Labels[] = [];
    const numbers = (await this.#resolve(matcherSets, signal)).subarray(0, bounds.most);
    for await (const batch of this.#entries(opened, numbers, signal)) {
      const pairs = await labels.pairs(pairsOf(batch), signal);
      const series = batch.map((entry) => labelsOf(entry, pairs));
      bounds.take(
        series.length,
        series.reduce((bytes, one) => bytes + bytesOfTexts(one.pairs), 0),
      );
      found.push(...series);
    }
    return found;
  }

  /** Series that have exemplars within the bounds, in no particular order. */
  async exemplars(
    matcherSets: MatcherSets,
    startMs: number,
    endMs: number,
    signal: AbortSignal,
    bounds = UNBOUNDED,
  ): Promise<SeriesExemplars[]> {
    const opened = await this.#open(signal);
    const { index, labels } = opened;
    if (index.exemplarPages.inline?.length === 0) return [];
    // A series may have exemplars left though tombstones hide all of its samples.
    const resolved = await labels.resolve(matcherSets, signal);
    const selected = new Set(resolved);
    const found = new Map<number, Exemplar[]>();
    for await (const page of this.#exemplarPagesOf(opened, resolved, startMs, endMs, signal)) {
      for (const { series, exemplars } of page) {
        if (!selected.has(series)) continue;
        const within = exemplars.filter(({ timestampMs }) => timestampMs >= startMs && timestampMs <= endMs);
        if (within.length === 0) continue;
        const before = found.get(series);
        bounds.take(before === undefined ? 1 : 0, bytesOfExemplars(within));
        if (before === undefined) found.set(series, within);
        else for (const one of within) before.push(one);
      }
    }
    const numbers = Uint32Array.from(found.keys()).sort();
    const result: SeriesExemplars[] = [];
    for await (const batch of this.#entries(opened, numbers, signal)) {
      const pairs = await labels.pairs(pairsOf(batch), signal);
      for (const entry of batch) {
        const exemplars = found.get(numbers[result.length]) as Exemplar[];
        const series = { labels: labelsOf(entry, pairs), exemplars };
        bounds.take(0, bytesOfTexts(series.labels.pairs));
        result.push(series);
      }
    }
    return this.#tombstones.length === 0 ? result : [...maskExemplars(result, this.#mask)];
  }

  /** Numbers of the series that the sets select and of which there is something to be seen, ascending. */
  async #resolve(matcherSets: MatcherSets, signal: AbortSignal): Promise<Uint32Array> {
    const { labels } = await this.#open(signal);
    const numbers = await labels.resolve(matcherSets, signal);
    const hidden = await this.#hiddenSeries(signal);
    return hidden.length === 0 ? numbers : keepSlots(numbers, hidden, false);
  }

  /** Numbers of the series of which tombstones leave nothing, ascending. */
  async #hiddenSeries(signal: AbortSignal): Promise<Uint32Array> {
    if (this.#tombstones.length === 0) return NO_SERIES;
    this.#hidden ??= await this.#findHidden(signal);
    return this.#hidden;
  }

  async #findHidden(signal: AbortSignal): Promise<Uint32Array> {
    const opened = await this.#open(signal);
    const { index, labels } = opened;
    const { minTimeMs, maxTimeMs } = index;
    const touching = this.#tombstones.filter((hole) => touchesHole([hole], minTimeMs, maxTimeMs));
    const setsOf = (tombstones: readonly Tombstone[]) => tombstones.flatMap((one) => one.matcherSets);
    const covering = touching.filter((hole) => isWithinHole([hole], minTimeMs, maxTimeMs));
    if (index.sampleCount === 0 || touching.length === 0) return NO_SERIES;
    const wholly = covering.length === 0 ? NO_SERIES : await labels.resolve(setsOf(covering), signal);
    if (covering.length === touching.length) return wholly;
    const selected = keepSlots(await labels.resolve(setsOf(touching), signal), wholly, false);
    const hidden: number[] = [...wholly];
    let at = 0;
    for await (const batch of this.#entries(opened, selected, signal)) {
      const pairs = await labels.pairs(pairsOf(batch), signal);
      for (const entry of batch) {
        const number = selected[at++];
        const holes = this.#mask.holesOf(labelsOf(entry, pairs));
        if (entry.chunks.every((chunk) => isWithinHole(holes, chunk.minTimeMs, chunk.maxTimeMs)))
          hidden.push(number);
      }
    }
    return Uint32Array.from(hidden).sort();
  }

  *#masked(frame: Uint8Array): Generator<Uint8Array, void, void> {
    const masked = this.#tombstones.length === 0 ? frame : maskFrame(frame, this.#mask);
    if (masked !== frame) this.#frames.giveBack(frame);
    if (masked !== undefined) yield masked;
  }

  async #open(signal: AbortSignal): Promise<OpenBlock> {
    signal.throwIfAborted();
    const opened = await this.#cache.getOrLoad(this.#identity.blockId, () => this.#readIndex());
    if (!(opened instanceof OpenBlock)) throw new TypeError('the cache has something else for a block');
    return opened;
  }

  async #readIndex(): Promise<{ value: OpenBlock; bytes: number }> {
    const bytes = await this.#slices.part('index', 0);
    const index = this.#slices.decoded('index', 0, () => decodeIndex(bytes));
    return { value: new OpenBlock(index, this.#slices), bytes: bytes.length * DECODED_INDEX_FACTOR };
  }

  /** The entries of the series with these numbers, in order, some groups at a time. */
  async *#entries(
    { index, directories }: OpenBlock,
    numbers: Uint32Array,
    signal: AbortSignal,
  ): AsyncGenerator<SeriesEntry[], void, void> {
    for (let at = 0; at < numbers.length; ) {
      const groups: number[] = [];
      const first = at;
      while (at < numbers.length) {
        const group = Math.floor(numbers[at] / SERIES_PER_GROUP);
        if (group !== groups.at(-1)) {
          if (groups.length === BATCH_GROUPS) break;
          groups.push(group);
        }
        at++;
      }
      const slices = await directories.groups(groups, signal);
      const read = await this.#slices.cachedSlices('series', slices, signal);
      const wanted = new Set(numbers.subarray(first, at));
      const entries = read.flatMap((bytes, i) =>
        this.#slices.decoded('series', slices[i].number, () =>
          decodeGroup(bytes, index.minTimeMs).filter((_, at) =>
            wanted.has(groups[i] * SERIES_PER_GROUP + at),
          ),
        ),
      );
      if (entries.length !== wanted.size)
        throw this.#slices.damaged('series', slices[0].number, 'series are missing');
      yield entries;
    }
  }

  /** Pages that may have exemplars of the series, ascending, within the bounds; a few of them are read at a time. */
  async *#exemplarPagesOf(
    { directories }: OpenBlock,
    series: Uint32Array,
    startMs: number,
    endMs: number,
    signal: AbortSignal,
  ): AsyncGenerator<ExemplarsOfSeries[], void, undefined> {
    const pages = await directories.exemplarPagesOf(series, startMs, endMs, signal);
    for (let from = 0; from < pages.length; from += EXEMPLAR_PAGES_AT_ONCE) {
      const some = pages.slice(from, from + EXEMPLAR_PAGES_AT_ONCE);
      const slices = some.map(({ slice }) => slice);
      const read = await this.#slices.slices('exemplars', slices, signal);
      for (const [i, bytes] of read.entries()) {
        const decode = () => decodeExemplars(unpackPage(bytes, some[i]));
        yield this.#slices.decoded('exemplars', slices[i].number, decode);
      }
    }
  }

  async #addTo(
    writer: SeriesFrameWriter,
    labels: BlockLabels,
    series: readonly WantedChunks[],
    signal: AbortSignal,
  ): Promise<void> {
    const pairs = await labels.pairs(pairsOf(series.map(({ entry }) => entry)), signal);
    const pages = await readPages(this.#slices, series, signal);
    const view = newChunkView();
    let before: readonly number[] = [];
    writer.expect(bytesOfChunks(series));
    for (const { entry, from, to } of series) {
      for (let i = 0; i < entry.pairs.length; i++) {
        const number = entry.pairs[i];
        if (number === before[i] || writer.hasPair(number)) continue;
        const [name, value] = pairs.get(number) as LabelPair;
        writer.definePair(number, name, value);
      }
      before = entry.pairs;
      writer.addSeries(entry.id, 0, entry.pairs.length);
      for (const number of entry.pairs) writer.addLabel(number);
      writer.beginChunks(to - from);
      for (let i = from; i < to; i++) {
        const chunk = entry.chunks[i];
        view.encoding = chunk.encoding;
        view.bytes = pages.get(chunk.page) as Uint8Array;
        view.start = chunk.offset;
        view.end = chunk.offset + chunk.byteLength;
        view.minTimeMs = chunk.minTimeMs;
        view.maxTimeMs = chunk.maxTimeMs;
        view.count = chunk.count;
        writer.addChunk(view);
      }
    }
  }
}

function bytesOfChunks(series: readonly WantedChunks[]): number {
  let bytes = 0;
  for (const { entry, from, to } of series)
    for (let i = from; i < to; i++) bytes += CHUNK_HEADER_BYTES + entry.chunks[i].byteLength;
  return bytes;
}

/** The pairs of all entries; neighbours share most, which are looked at once. */
function pairsOf(entries: readonly SeriesEntry[]): Set<number> {
  const numbers = new Set<number>();
  let before: readonly number[] = [];
  for (const { pairs } of entries) {
    for (let i = 0; i < pairs.length; i++) if (pairs[i] !== before[i]) numbers.add(pairs[i]);
    before = pairs;
  }
  return numbers;
}

function labelsOf(entry: SeriesEntry, pairs: ReadonlyMap<number, LabelPair>): Labels {
  return Labels.fromSorted(entry.pairs.flatMap((number) => pairs.get(number) as LabelPair));
}
