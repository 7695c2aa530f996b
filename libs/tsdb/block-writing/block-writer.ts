import { createHash, type Hash } from 'node:crypto';
import { ByteWriter } from '@xscaler/encoding';
import { compareUtf8, type Exemplar, ID_WORDS, SampleColumns } from '@xscaler/model';
import { encodeExemplar, encodeExemplarHeader } from '../block/block-exemplars-codec.ts';
import { type BlockPartOut, writeSlice } from '../block/block-format.ts';
import { encodeIndex, writeExemplarPage } from '../block/block-index.ts';
import { spanOf } from '../block/exemplar-spans.ts';
import { ChunkDecoder } from '../chunk/chunk-decoder.ts';
import { ChunkMerger } from '../chunk/chunk-merge.ts';
import { writeNotes } from '../chunk/noted-writer.ts';
import type { ExemplarColumns } from '../head/exemplar-columns.ts';
import type { Head } from '../head/head.ts';
import { PAIR_WORK, POSTINGS_PER_WORK, SERIES_WORK, WorkSteps } from '../memory/work-steps.ts';
import { seriesOrder, sortInSteps } from '../postings/series-order.ts';
import { sortSlots } from '../postings/slot-sets.ts';
import { EXEMPLAR_RUN, ExemplarParts } from './exemplar-parts.ts';
import { LabelParts, LeafParts } from './label-parts.ts';
import { SeriesParts } from './series-parts.ts';

/** Numbers that a step goes through: less than a millisecond. */
const STEP_NUMBERS = 131_072;

export interface BlockSummary {
  readonly seriesCount: number;
  readonly sampleCount: number;
  /** Of the first and last sample or exemplar; +Infinity and -Infinity if there are neither. */
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /**
   * SHA-256, hex, over ids, samples (histograms and start timestamps too) and exemplars in the order of the block:
   * independent of encodings.
   */
  readonly digest: string;
}

/**
 * Yields a head's block part by part, each about 256 KB, and returns its summary. Equal heads give equal bytes.
 * Between parts it yields `undefined` after every step of work, about a millisecond: a pause, for others to have their turn.
 * It holds a part of a kind and four bytes for each series, label pair and exemplar, twice; the head is pinned meanwhile and must not
 * be appended to.
 */
export function* writeBlock(head: Head): Generator<BlockPartOut | undefined, BlockSummary, void> {
  head.pin();
  try {
    return yield* new BlockWriter(head).write();
  } finally {
    head.unpin();
  }
}

class BlockWriter {
  readonly #head: Head;
  /** The head's label pairs in the order of their numbers in the block. */
  readonly #pairOrder: Uint32Array;
  /** The number in the block of each label pair of the head. */
  readonly #pairNumbers: Uint32Array;
  /** Slots in the order of the block, and the number of each slot in it. */
  #slots: Uint32Array = new Uint32Array(0);
  readonly #numbers: Uint32Array;
  readonly #originMs: number;
  readonly #merger = new ChunkMerger(new ChunkDecoder());
  readonly #columns = new SampleColumns();
  readonly #steps = new WorkSteps();
  readonly #hash: Hash = createHash('sha256');
  readonly #hashHeader = new Int32Array(ID_WORDS + 1);
  readonly #notes = new ByteWriter(256);
  /** Bounds of what can be asked for: samples and exemplars. The index has those of the samples alone. */
  #minTimeMs: number;
  #maxTimeMs: number;

  constructor(head: Head) {
    this.#head = head;
    this.#pairOrder = new Uint32Array(head.table.pairCount);
    this.#pairNumbers = new Uint32Array(head.table.pairCount);
    this.#numbers = new Uint32Array(head.seriesCount);
    this.#originMs = head.sampleCount > 0 ? head.minTimeMs : 0;
    this.#minTimeMs = head.minTimeMs;
    this.#maxTimeMs = head.maxTimeMs;
  }

  *write(): Generator<BlockPartOut | undefined, BlockSummary, void> {
    const head = this.#head;
    yield* this.#numberPairs();
    yield* this.#numberSeries();
    const leafParts = new LeafParts();
    const labels = new LabelParts(leafParts);
    yield* this.#writeLabels(labels);
    const series = new SeriesParts(this.#originMs);
    yield* this.#writeSeries(series);
    const exemplars = new ExemplarParts();
    yield* this.#writeExemplars(exemplars);
    yield;
    const counts = { seriesCount: head.seriesCount, sampleCount: series.sampleCount };
    const directories = {
      groups: leafParts.directory(series.groups, writeSlice),
      exemplarPages: leafParts.directory(exemplars.pages, writeExemplarPage),
    };
    yield* leafParts.rest();
    const bytes = encodeIndex({
      ...counts,
      ...directories,
      minTimeMs: this.#originMs,
      maxTimeMs: head.sampleCount > 0 ? head.maxTimeMs : 0,
      names: labels.names,
    });
    yield { kind: 'index', number: 0, bytes };
    const bounds = { minTimeMs: this.#minTimeMs, maxTimeMs: this.#maxTimeMs };
    return { ...counts, ...bounds, digest: this.#hash.digest('hex') };
  }

  /** Numbers label pairs by name, then value. */
  *#numberPairs(): Generator<undefined, void, void> {
    const { table } = this.#head;
    let number = 0;
    for (const name of table.labelNames().sort(compareUtf8)) {
      const given = table.pairsOfName(name);
      const pairs = new Uint32Array(given.length);
      for (let i = 0; i < pairs.length; i++) {
        pairs[i] = given[i];
        if (i % STEP_NUMBERS === STEP_NUMBERS - 1) yield;
      }
      const sorted = yield* sortInSteps(pairs, (a, b) => compareUtf8(table.pairValue(a), table.pairValue(b)));
      this.#pairOrder.set(sorted, number);
      for (let i = 0; i < sorted.length; i++) {
        this.#pairNumbers[sorted[i]] = number++;
        if (i % STEP_NUMBERS === STEP_NUMBERS - 1) yield;
      }
      yield;
    }
  }

  /** Numbers series by their labels. */
  *#numberSeries(): Generator<undefined, void, void> {
    const { table, seriesCount } = this.#head;
    const labels = { ids: table.ids, pairNumbers: this.#pairNumbers, ...table.pairColumns };
    this.#slots = yield* seriesOrder(labels, seriesCount);
    for (let number = 0; number < seriesCount; number++) {
      this.#numbers[this.#slots[number]] = number;
      if (number % STEP_NUMBERS === STEP_NUMBERS - 1) yield;
    }
    yield;
  }

  *#writeLabels(labels: LabelParts): Generator<BlockPartOut | undefined, void, void> {
    const { table } = this.#head;
    let name: string | undefined;
    for (const pair of this.#pairOrder) {
      const pairName = table.pairName(pair);
      if (pairName !== name) {
        name = pairName;
        labels.begin(name);
      }
      const numbers = this.#numbersOf(table.pairSlots(pair));
      labels.add(table.pairValue(pair), numbers);
      yield* labels.full();
      if (this.#steps.completes(PAIR_WORK + numbers.length / POSTINGS_PER_WORK)) yield;
    }
    yield* labels.rest();
  }

  #numbersOf(slots: Uint32Array): Uint32Array {
    const numbers = new Uint32Array(slots.length);
    for (let i = 0; i < slots.length; i++) numbers[i] = this.#numbers[slots[i]];
    return sortSlots(numbers, this.#numbers.length);
  }

  *#writeSeries(series: SeriesParts): Generator<BlockPartOut | undefined, void, void> {
    const { table } = this.#head;
    for (const slot of this.#slots) {
      const pairs = table.pairsOf(slot).map((pair) => this.#pairNumbers[pair]);
      series.begin(table.ids.slice(slot * ID_WORDS, (slot + 1) * ID_WORDS), pairs);
      this.#readSlot(slot);
      this.#hashSeries(slot);
      series.add(this.#columns);
      yield* series.full();
      if (this.#steps.completes(SERIES_WORK + this.#columns.length)) yield;
    }
    yield* series.rest();
  }

  /** Fills the columns with a slot's samples, late ones merged in. */
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

  *#writeExemplars(parts: ExemplarParts): Generator<BlockPartOut | undefined, void, void> {
    const columns = this.#head.seriesExemplars.columns();
    if (columns.count === 0) return;
    const bySeries = yield* columns.inOrder(this.#numbers);
    yield* this.#hashExemplars(columns, bySeries);
    // Stable: within a span the order by series and time stays.
    const bySpan = yield* sortInSteps(
      bySeries,
      (a, b) => spanOf(columns.timeMsOf(a)) - spanOf(columns.timeMsOf(b)),
    );
    for (let from = 0; from < bySpan.length; ) {
      const slot = columns.slotOf(bySpan[from]);
      const span = spanOf(columns.timeMsOf(bySpan[from]));
      const run: Exemplar[] = [];
      for (; from < bySpan.length && run.length < EXEMPLAR_RUN; from++) {
        const one = bySpan[from];
        if (columns.slotOf(one) !== slot || spanOf(columns.timeMsOf(one)) !== span) break;
        run.push(columns.at(one));
      }
      parts.add(span, this.#numbers[slot], run);
      yield* parts.full();
      if (this.#steps.completes(run.length * PAIR_WORK)) yield;
    }
    yield* parts.rest();
  }

  /** Each series' id and count, then its number in the block, the count and its exemplars in the encoding of a page. */
  *#hashExemplars(columns: ExemplarColumns, bySeries: Uint32Array): Generator<undefined, void, void> {
    const bytes = new ByteWriter(256);
    for (let from = 0; from < bySeries.length; ) {
      const slot = columns.slotOf(bySeries[from]);
      let to = from + 1;
      while (to < bySeries.length && columns.slotOf(bySeries[to]) === slot) to++;
      this.#minTimeMs = Math.min(this.#minTimeMs, columns.timeMsOf(bySeries[from]));
      this.#maxTimeMs = Math.max(this.#maxTimeMs, columns.timeMsOf(bySeries[to - 1]));
      this.#hashSlot(slot, to - from);
      bytes.reset();
      encodeExemplarHeader(bytes, this.#numbers[slot], to - from);
      for (; from < to; from++) {
        encodeExemplar(bytes, columns.at(bySeries[from]));
        this.#hash.update(bytes.written());
        bytes.reset();
        if (this.#steps.completes(PAIR_WORK)) yield;
      }
    }
  }
}
