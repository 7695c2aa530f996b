import type { Exemplar } from '@xscaler/model';
import { BlockDirectories } from '../block/block-directories.ts';
import { decodeExemplars, type ExemplarsOfSeries } from '../block/block-exemplars-codec.ts';
import { BLOCK_VERSION_2, SERIES_PER_GROUP, type Slice } from '../block/block-format.ts';
import { type BlockIndex, decodeIndex, GROUPS_PER_LEAF } from '../block/block-index.ts';
import { BlockIndexCache } from '../block/block-index-cache.ts';
import { BlockLabels } from '../block/block-labels.ts';
import type { BlockIdentity } from '../block/block-reader.ts';
import { decodeGroup, type SeriesEntry } from '../block/block-series-codec.ts';
import { type BlockSource, SliceReader } from '../block/block-slices.ts';
import { unpackPage } from '../block/chunk-pages.ts';
import { spanOf } from '../block/exemplar-spans.ts';
import { PartStream } from '../block-writing/part-stream.ts';
import { newChunkView } from '../chunk/chunk.ts';
import type { RankedChunk } from '../chunk/chunk-merge.ts';
import type { ChunkMasker } from '../tombstone/chunk-masker.ts';
import { type Hole, isWithinHole, joinHoles, type Tombstone, touchesHole } from '../tombstone/tombstones.ts';

/** A block that is merged with others, and what is to be left out of it. */
export interface MergeInput extends BlockIdentity {
  readonly source: BlockSource;
  readonly tombstones: readonly Tombstone[];
}

/** Exemplars of a series in a span, by time: all, or some that others follow. */
export interface ExemplarRun extends ExemplarsOfSeries {
  readonly span: number;
}

/** In place of a number: nothing is left of the series, or of the label pair. */
export const DROPPED = 0xffffffff;

/** Only the selectors of tombstones read through it. */
const CACHE_BYTES = 8 * 1024 * 1024;

interface Selected {
  readonly hole: Hole;
  /** Ascending. */
  readonly series: Uint32Array;
}

/** One input of a merge while it runs. */
export class OpenInput {
  readonly identity: BlockIdentity;
  readonly slices: SliceReader;
  readonly index: BlockIndex;
  readonly directories: BlockDirectories;
  /** By the number of a series here: its number in the merged block, or DROPPED. Ascends but for those. */
  readonly seriesNumbers: Uint32Array;
  /** By the number of a label pair here: its number in the merged block, or DROPPED. */
  readonly pairNumbers: Uint32Array;
  /** By the number of a label pair here: its place among the pairs of all inputs, for series to be compared. */
  readonly pairRanks: Uint32Array;
  readonly #selected: readonly Selected[];
  /** Series that tombstones select and that have exemplars outside of them. */
  readonly #withExemplars: ReadonlySet<number>;
  readonly #masker: ChunkMasker;
  readonly #signal: AbortSignal;

  private constructor(
    identity: BlockIdentity,
    slices: SliceReader,
    index: BlockIndex,
    selected: readonly Selected[],
    withExemplars: ReadonlySet<number>,
    masker: ChunkMasker,
    signal: AbortSignal,
  ) {
    this.#signal = signal;
    this.identity = identity;
    this.slices = slices;
    this.index = index;
    this.directories = new BlockDirectories(index, slices);
    this.#selected = selected;
    this.#withExemplars = withExemplars;
    this.#masker = masker;
    this.seriesNumbers = new Uint32Array(index.seriesCount).fill(DROPPED);
    let pairs = 0;
    for (const { valueCount } of index.names) pairs += valueCount;
    this.pairNumbers = new Uint32Array(pairs).fill(DROPPED);
    this.pairRanks = new Uint32Array(pairs);
  }

  /** Rejects with `DamagedBlockError` or as the source does. */
  static async open(input: MergeInput, masker: ChunkMasker, signal: AbortSignal): Promise<OpenInput> {
    const { blockId, source, tombstones } = input;
    const slices = new SliceReader(blockId, source, new BlockIndexCache(CACHE_BYTES));
    const bytes = await slices.part('index', 0);
    const index = slices.decoded('index', 0, () => decodeIndex(bytes));
    const labels = new BlockLabels(index, new BlockDirectories(index, slices), slices);
    const selected: Selected[] = [];
    for (const { matcherSets, startMs, endMs } of tombstones) {
      const series = await labels.resolve(matcherSets, signal);
      if (series.length > 0) selected.push({ hole: { startMs, endMs }, series });
    }
    const withExemplars = new Set<number>();
    const opened = new OpenInput(input, slices, index, selected, withExemplars, masker, signal);
    if (selected.length > 0) await opened.#findExemplars(withExemplars);
    return opened;
  }

  /** What is hidden of a series. */
  holesOf(series: number): readonly Hole[] {
    if (this.#selected.length === 0) return [];
    const holes = this.#selected.filter((selected) => has(selected.series, series)).map(({ hole }) => hole);
    return joinHoles(holes);
  }

  /** Whether anything is left of a series. */
  async survives({ number, entry, chunks }: SeriesStream): Promise<boolean> {
    const holes = this.holesOf(number);
    if (holes.length === 0 || this.#withExemplars.has(number)) return true;
    let isCut = false;
    for (const { minTimeMs, maxTimeMs } of (entry as SeriesEntry).chunks) {
      if (!touchesHole(holes, minTimeMs, maxTimeMs)) return true;
      isCut ||= !isWithinHole(holes, minTimeMs, maxTimeMs);
    }
    // Whether holes leave a sample of a chunk that they cut only its samples tell.
    return isCut && (await this.chunksOf(entry as SeriesEntry, number, chunks)).length > 0;
  }

  /** What is left of a series' chunks, in time; `parts` streams the chunks of this block. */
  async chunksOf(entry: SeriesEntry, number: number, parts: PartStream): Promise<RankedChunk[]> {
    const holes = this.holesOf(number);
    const { partition, fromOffset } = this.identity;
    const ranked: RankedChunk[] = [];
    for (const { byteLength, page, offset: start, ...bounds } of entry.chunks) {
      const bytes = await parts.chunkPage(page);
      const view = { ...newChunkView(), ...bounds, bytes, start, end: start + byteLength };
      const { number: part } = page.slice;
      const kept = this.slices.decoded('chunks', part, () => this.#masker.mask(view, holes));
      for (const chunk of kept) ranked.push({ ...chunk, partition, fromOffset, place: ranked.length });
    }
    return ranked;
  }

  /** Exemplars by span, series and time, those left out that are hidden; a series' exemplars of a span may come in several runs. */
  async *exemplars(): AsyncGenerator<ExemplarRun, void, void> {
    if (this.index.version !== BLOCK_VERSION_2) {
      yield* this.#exemplarRuns();
      return;
    }
    const spans = new Set<number>();
    for await (const { exemplars } of this.#exemplarRuns()) {
      for (const { timestampMs } of exemplars) spans.add(spanOf(timestampMs));
    }
    // They lie by series, and might be too many to be held: each span takes a walk of its own.
    for (const span of [...spans].sort((a, b) => a - b)) yield* this.#exemplarRuns(span);
  }

  /** As they lie in the block; given a span, those in it alone. */
  async *#exemplarRuns(span?: number): AsyncGenerator<ExemplarRun, void, void> {
    const parts = new PartStream(this.slices, 'exemplars');
    for (const page of await this.directories.exemplarPages(this.#signal)) {
      const { number } = page.slice;
      const bytes = await parts.slice(page.slice);
      const runs = this.slices.decoded('exemplars', number, () => decodeExemplars(unpackPage(bytes, page)));
      for (const { series, exemplars } of runs) {
        if (series >= this.index.seriesCount)
          throw this.slices.damaged('exemplars', number, 'a series beyond the last');
        const holes = this.holesOf(series);
        const isWanted = ({ timestampMs: at }: Exemplar) =>
          (span === undefined || spanOf(at) === span) && !touchesHole(holes, at, at);
        const wanted = exemplars.filter(isWanted);
        if (wanted.length > 0) yield { span: page.span ?? span ?? 0, series, exemplars: wanted };
      }
    }
  }

  async #findExemplars(found: Set<number>): Promise<void> {
    for await (const { series } of this.#exemplarRuns()) {
      if (this.#selected.some((selected) => has(selected.series, series))) found.add(series);
    }
  }
}

/** Walks the series of an input in their order. */
export class SeriesStream {
  readonly input: OpenInput;
  /** For a reader of the series' chunks. */
  readonly chunks: PartStream;
  /** The series at hand and its number; undefined behind the last. */
  entry: SeriesEntry | undefined;
  number = -1;
  readonly #parts: PartStream;
  readonly #signal: AbortSignal;
  #group = 0;
  /** Where the groups of a leaf of the directory are, which those at hand are of. */
  #slices: readonly Slice[] = [];
  #entries: SeriesEntry[] = [];
  #at = 0;

  constructor(input: OpenInput, signal: AbortSignal) {
    this.input = input;
    this.#signal = signal;
    this.#parts = new PartStream(input.slices, 'series');
    this.chunks = new PartStream(input.slices, 'chunks');
  }

  /** Whether `advance` has the next series at hand, so that it needn't be waited for. */
  get isBuffered(): boolean {
    return this.#at < this.#entries.length;
  }

  /** Moves to the next series, which has to be buffered. */
  advance(): void {
    this.entry = this.#entries[this.#at++];
    this.number++;
  }

  /** Reads on, and moves to the next series, or behind the last. */
  async load(): Promise<void> {
    const { index, slices } = this.input;
    this.#entries = [];
    this.#at = 0;
    const groupCount = Math.ceil(index.seriesCount / SERIES_PER_GROUP);
    if (this.#group < groupCount) {
      const inLeaf = this.#group % GROUPS_PER_LEAF;
      if (inLeaf === 0) this.#slices = await this.#leaf(Math.min(GROUPS_PER_LEAF, groupCount - this.#group));
      const slice = this.#slices[inLeaf];
      this.#group++;
      const bytes = await this.#parts.slice(slice);
      this.#entries = slices.decoded('series', slice.number, () => decodeGroup(bytes, index.minTimeMs));
    }
    this.advance();
    if (this.entry === undefined && this.number !== index.seriesCount)
      throw slices.damaged('series', 0, `${this.number} series instead of ${index.seriesCount}`);
  }

  #leaf(length: number): Promise<Slice[]> {
    const numbers = Array.from({ length }, (_, i) => this.#group + i);
    return this.input.directories.groups(numbers, this.#signal);
  }
}

/** Whether an ascending list has a number. */
function has(list: Uint32Array, number: number): boolean {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle] < number) low = middle + 1;
    else high = middle;
  }
  return low < list.length && list[low] === number;
}
