import { ByteWriter } from '@xscaler/encoding';
import type { SampleColumns } from '@xscaler/model';
import { type BlockPartOut, PartWriter, SERIES_PER_GROUP, type Slice } from '../block/block-format.ts';
import {
  type ChunkBounds,
  encodeGroup,
  type GroupPage,
  type GroupSeries,
} from '../block/block-series-codec.ts';
import { CHUNK_PAGE_BYTES, packPage } from '../block/chunk-pages.ts';
import { ChunkEncoder } from '../chunk/chunk-encoder.ts';

interface OpenSeries {
  readonly id: Int32Array;
  readonly pairs: ArrayLike<number>;
  readonly chunks: ChunkBounds[];
}

/**
 * Writes the series and chunks of a block: for each series, in the order of the block, `begin`, its samples, and the
 * parts that are `full`; then the `rest`. Holds a group and a part of each kind.
 */
export class SeriesParts {
  /** The groups written so far, in order. */
  readonly groups: Slice[] = [];
  sampleCount = 0;
  readonly #originMs: number;
  readonly #series = new PartWriter('series');
  readonly #segments = new PartWriter('chunks');
  readonly #encoder = new ChunkEncoder();
  readonly #page = new ByteWriter(2 * CHUNK_PAGE_BYTES);
  readonly #writer = new ByteWriter(4096);
  #pageChunks = 0;
  #group: OpenSeries[] = [];
  #pages: GroupPage[] = [];

  /** `originMs` is the time of the block's first sample, or earlier. */
  constructor(originMs: number) {
    this.#originMs = originMs;
  }

  /** Begins a series: its id (four words) and the numbers of its label pairs, ascending; both are kept. */
  begin(id: Int32Array, pairs: ArrayLike<number>): void {
    if (this.#group.length === SERIES_PER_GROUP) this.#closeGroup();
    this.#group.push({ id, pairs, chunks: [] });
  }

  /** Further samples of the series at hand, behind those that it has. */
  add(columns: SampleColumns): void {
    const { chunks } = this.#group[this.#group.length - 1];
    const page = this.#page;
    for (let from = 0; from < columns.length; ) {
      const before = page.length;
      const to = this.#encoder.encode(page, columns, from);
      chunks.push({
        encoding: this.#encoder.encoding,
        minTimeMs: columns.timestamps[from],
        maxTimeMs: columns.timestamps[to - 1],
        count: to - from,
        byteLength: page.length - before,
      });
      from = to;
      this.#pageChunks++;
      if (page.length >= CHUNK_PAGE_BYTES) this.#closePage();
    }
    this.sampleCount += columns.length;
  }

  /** Parts that are large enough to be closed. */
  *full(): Generator<BlockPartOut, void, void> {
    yield* this.#segments.full();
    yield* this.#series.full();
  }

  /** The last parts. */
  *rest(): Generator<BlockPartOut, void, void> {
    if (this.#group.length > 0) this.#closeGroup();
    yield* this.#segments.rest();
    yield* this.#series.rest();
  }

  #closePage(): void {
    if (this.#pageChunks === 0) return;
    const { bytes, expandedLength } = packPage(this.#page.written());
    this.#pages.push({ chunkCount: this.#pageChunks, expandedLength, slice: this.#segments.add(bytes) });
    this.#page.reset();
    this.#pageChunks = 0;
  }

  #closeGroup(): void {
    this.#closePage();
    const group: readonly GroupSeries[] = this.#group;
    this.#writer.reset();
    encodeGroup(this.#writer, group, this.#pages, this.#originMs);
    this.groups.push(this.#series.add(this.#writer.written()));
    this.#group = [];
    this.#pages = [];
  }
}
