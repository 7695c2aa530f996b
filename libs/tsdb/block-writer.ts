import { createHash, type Hash } from 'node:crypto';
import { ByteWriter } from '@xscaler/encoding';
import { compareUtf8, ID_WORDS, SampleColumns } from '@xscaler/model';
import { encodeExemplars } from './block-exemplars-codec.ts';
import { type BlockPartOut, PartWriter, SERIES_PER_GROUP, type Slice } from './block-format.ts';
import { type ExemplarPage, encodeIndex, type NameDirectory, type ValuePage } from './block-index.ts';
import { ValuePageWriter } from './block-labels-codec.ts';
import { type ChunkEntry, encodeEntry } from './block-series-codec.ts';
import { ChunkDecoder } from './chunk-decoder.ts';
import { ChunkEncoder } from './chunk-encoder.ts';
import { ChunkMerger } from './chunk-merge.ts';
import type { Head } from './head.ts';
import { writeNotes } from './noted-writer.ts';
import { seriesOrder } from './series-order.ts';
import { sortSlots } from './slot-sets.ts';

/** Sizes at which a page is closed. */
const SYMBOL_PAGE_BYTES = 8 * 1024;
const POSTING_PAGE_BYTES = 32 * 1024;
const EXEMPLAR_PAGE_BYTES = 64 * 1024;

export interface BlockSummary {
  readonly seriesCount: number;
  readonly sampleCount: number;
  /** Of the first and last sample or exemplar; +Infinity and -Infinity where there are neither. */
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** SHA-256, hex, over ids, samples (histograms and start timestamps too) and exemplars in canonical order: independent of encodings. */
  readonly digest: string;
}

/**
 * Yields a head's block part by part, each about 256 KB, and returns its summary. Equal heads give equal bytes.
 * The head is pinned meanwhile and must not be appended to.
 */
export function* writeBlock(head: Head): Generator<BlockPartOut, BlockSummary, void> {
  head.pin();
  try {
    return yield* new BlockWriter(head).write();
  } finally {
    head.unpin();
  }
}

class BlockWriter {
  readonly #head: Head;
  /** Slots in the order of the block, and the number of each slot in it. */
  readonly #slots: Uint32Array;
  readonly #numbers: Uint32Array;
  /** The number in the block of each label pair of the head. */
  readonly #pairNumbers: Uint32Array;
  readonly #originMs: number;
  readonly #merger = new ChunkMerger(new ChunkDecoder());
  readonly #encoder = new ChunkEncoder();
  readonly #columns = new SampleColumns();
  readonly #run = new ByteWriter(4096);
  readonly #hash: Hash = createHash('sha256');
  readonly #hashHeader = new Int32Array(ID_WORDS + 1);
  readonly #notes = new ByteWriter(256);
  #sampleCount = 0;
  /** Bounds of what can be asked for: samples and exemplars. The index has those of the samples alone. */
  #minTimeMs: number;
  #maxTimeMs: number;

  constructor(head: Head) {
    this.#head = head;
    this.#slots = seriesOrder(head.table.ids, head.seriesCount);
    this.#numbers = new Uint32Array(head.seriesCount);
    for (let number = 0; number < this.#slots.length; number++) this.#numbers[this.#slots[number]] = number;
    this.#pairNumbers = new Uint32Array(head.table.pairCount);
    this.#originMs = head.sampleCount > 0 ? head.minTimeMs : 0;
    this.#minTimeMs = head.minTimeMs;
    this.#maxTimeMs = head.maxTimeMs;
  }

  *write(): Generator<BlockPartOut, BlockSummary, void> {
    const head = this.#head;
    const names = yield* this.#writeLabels();
    const groups = yield* this.#writeSeries();
    const exemplarPages = yield* this.#writeExemplars();
    const counts = { seriesCount: head.seriesCount, sampleCount: this.#sampleCount };
    const index = encodeIndex({
      ...counts,
      minTimeMs: this.#originMs,
      maxTimeMs: head.sampleCount > 0 ? head.maxTimeMs : 0,
      names,
      groups,
      exemplarPages,
    });
    yield { kind: 'index', number: 0, bytes: index };
    const bounds = { minTimeMs: this.#minTimeMs, maxTimeMs: this.#maxTimeMs };
    return { ...counts, ...bounds, digest: this.#hash.digest('hex') };
  }

  *#writeLabels(): Generator<BlockPartOut, NameDirectory[], void> {
    const table = this.#head.table;
    const symbols = new PartWriter('symbols');
    const postings = new PartWriter('postings');
    const page = new ValuePageWriter();
    const directory: NameDirectory[] = [];
    let pairNumber = 0;
    for (const name of table.labelNames().sort(compareUtf8)) {
      const pages: ValuePage[] = [];
      const close = () => {
        const { firstValue, valueCount } = page;
        const bytes = page.written();
        const slices = { symbols: symbols.add(bytes.symbols), postings: postings.add(bytes.postings) };
        pages.push({ firstValue, valueCount, ...slices });
        page.reset();
      };
      const pairs = table.pairsOfName(name);
      for (const pair of pairs.sort((a, b) => compareUtf8(table.pairValue(a), table.pairValue(b)))) {
        this.#pairNumbers[pair] = pairNumber++;
        page.add(table.pairValue(pair), this.#numbersOf(table.pairSlots(pair)));
        if (page.symbolBytes >= SYMBOL_PAGE_BYTES || page.postingBytes >= POSTING_PAGE_BYTES) close();
        yield* symbols.full();
        yield* postings.full();
      }
      if (page.valueCount > 0) close();
      directory.push({ name, pages });
    }
    yield* symbols.rest();
    yield* postings.rest();
    return directory;
  }

  #numbersOf(slots: Uint32Array): Uint32Array {
    const numbers = new Uint32Array(slots.length);
    for (let i = 0; i < slots.length; i++) numbers[i] = this.#numbers[slots[i]];
    return sortSlots(numbers, this.#numbers.length);
  }

  *#writeSeries(): Generator<BlockPartOut, Slice[], void> {
    const table = this.#head.table;
    const series = new PartWriter('series');
    const segments = new PartWriter('chunks');
    const group = new ByteWriter(16_384);
    const entry = new ByteWriter(1024);
    const groups: Slice[] = [];
    for (let number = 0; number < this.#slots.length; number++) {
      const slot = this.#slots[number];
      const chunks = this.#encodeRun(slot);
      const run = segments.add(this.#run.written());
      const id = table.ids.subarray(slot * ID_WORDS, (slot + 1) * ID_WORDS);
      const pairs = Array.from(table.pairsOf(slot), (pair) => this.#pairNumbers[pair]);
      const place = { segment: run.number, offset: run.offset, checksum: run.checksum };
      entry.reset();
      encodeEntry(entry, { id, pairs, chunks, ...place }, this.#originMs);
      group.uvarint(entry.length);
      group.raw(entry.bytes, 0, entry.length);
      if ((number + 1) % SERIES_PER_GROUP === 0 || number + 1 === this.#slots.length) {
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

  /** Fills `#run` with the slot's samples, late ones merged in, and adds them to the digest. */
  #encodeRun(slot: number): ChunkEntry[] {
    const columns = this.#columns;
    this.#readSlot(slot);
    this.#hashSeries(slot);
    this.#sampleCount += columns.length;
    const run = this.#run;
    run.reset();
    const entries: ChunkEntry[] = [];
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
    return entries;
  }

  #readSlot(slot: number): void {
    const { chunks } = this.#head;
    const late = chunks.lateChunks(slot, -Infinity, Infinity);
    const views = chunks.allChunks(slot).concat(late);
    this.#columns.reset();
    const ranked = views.map((view, place) => ({ ...view, partition: 0, fromOffset: 0, place }));
    if (late.length > 0) ranked.sort((a, b) => a.minTimeMs - b.minTimeMs);
    this.#merger.mergeInto(this.#columns, ranked, -Infinity, Infinity);
  }

  #hashSeries(slot: number): void {
    const { length, timestamps, valueWords } = this.#columns;
    this.#hashSlot(slot, length);
    this.#hash.update(timestamps.subarray(0, length));
    this.#hash.update(valueWords.subarray(0, 2 * length));
    this.#notes.reset();
    writeNotes(this.#notes, this.#columns);
    if (this.#notes.length > 0) this.#hash.update(this.#notes.written());
  }

  #hashSlot(slot: number, count: number): void {
    const header = this.#hashHeader;
    const ids = this.#head.table.ids;
    for (let i = 0; i < ID_WORDS; i++) header[i] = ids[slot * ID_WORDS + i];
    header[ID_WORDS] = count;
    this.#hash.update(header);
  }

  *#writeExemplars(): Generator<BlockPartOut, ExemplarPage[], void> {
    const exemplars = this.#head.seriesExemplars;
    const parts = new PartWriter('exemplars');
    const pages: ExemplarPage[] = [];
    const page = new ByteWriter(4096);
    const one = new ByteWriter(1024);
    let firstSeries = 0;
    const close = () => {
      pages.push({ firstSeries, slice: parts.add(page.written()) });
      page.reset();
    };
    for (let number = 0; number < this.#slots.length; number++) {
      const slot = this.#slots[number];
      const found = exemplars.of(slot);
      if (found.length === 0) continue;
      if (page.length === 0) firstSeries = number;
      this.#minTimeMs = Math.min(this.#minTimeMs, found[0].timestampMs);
      this.#maxTimeMs = Math.max(this.#maxTimeMs, found[found.length - 1].timestampMs);
      one.reset();
      encodeExemplars(one, number, found);
      this.#hashSlot(slot, found.length);
      this.#hash.update(one.written());
      page.raw(one.bytes, 0, one.length);
      if (page.length >= EXEMPLAR_PAGE_BYTES) close();
      yield* parts.full();
    }
    if (page.length > 0) close();
    yield* parts.rest();
    return pages;
  }
}
