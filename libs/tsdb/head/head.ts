import type { Exemplar, Labels } from '@xscaler/model';
import { compareUtf8 } from '@xscaler/model';
import { CHUNK_MAX_DURATION_MS } from '../chunk/chunk.ts';
import type { HistogramBytes } from '../chunk/histogram-bytes.ts';
import type { SeriesExemplars } from '../frame/series-exemplars.ts';
import { type MatcherSets, resolveMatcherSets } from '../postings/selector.ts';
import { APPEND_CONFLICT, APPEND_DUPLICATE, APPEND_STORED, type AppendOutcome } from './append-outcome.ts';
import { HeadChunks } from './head-chunks.ts';
import { HeadExemplars } from './head-exemplars.ts';
import { HeadMemory } from './head-memory.ts';
import { HeadSelection } from './head-selection.ts';
import { SeriesTable } from './series-table.ts';

export interface HeadOptions {
  readonly tenant: string;
  readonly partition: number;
  /** Samples with windowStartMs ≤ t < windowStartMs + windowMs belong here; anything else is a RangeError. */
  readonly windowStartMs: number;
  readonly windowMs: number;
  readonly seq: number;
  /** Offset of the log record that opened the head. */
  readonly fromOffset: number;
  readonly memory?: HeadMemory;
  /** Four random words that scatter exemplars in their index, so that nobody can aim many at one place of it. */
  readonly seed?: Uint32Array;
}

const NO_SEED = new Uint32Array(4);

/**
 * The open data of one (tenant, partition, window, seq): a function of the log records applied to it, nothing else.
 *
 * Ids and values travel as 32-bit words, signed or unsigned alike (signed ones, out of an `Int32Array`, are not
 * boxed on the way). Matcher sets: a series that satisfies all matchers of any one set; no set means every series.
 * Times are inclusive, ms.
 */
export class Head {
  readonly tenant: string;
  readonly partition: number;
  readonly windowStartMs: number;
  readonly windowMs: number;
  readonly seq: number;
  readonly fromOffset: number;
  /** For block writing and selections; to be read only. */
  readonly table = new SeriesTable();
  readonly chunks: HeadChunks;
  readonly seriesExemplars: HeadExemplars;
  #sampleCount = 0;
  #duplicateCount = 0;
  #conflictCount = 0;
  /** Relative to the window's start. */
  #minTime = CHUNK_MAX_DURATION_MS;
  #maxTime = -1;
  /** Times that `append` takes: the window, nothing once released. */
  #acceptMs: number;
  #pins = 0;
  #released = false;

  constructor(options: HeadOptions) {
    if (!(options.windowMs > 0 && options.windowMs <= CHUNK_MAX_DURATION_MS))
      throw new RangeError(`a window of ${options.windowMs} ms`);
    this.tenant = options.tenant;
    this.partition = options.partition;
    this.windowStartMs = options.windowStartMs;
    this.windowMs = options.windowMs;
    this.#acceptMs = options.windowMs;
    this.seq = options.seq;
    this.fromOffset = options.fromOffset;
    this.chunks = new HeadChunks(options.windowStartMs, options.memory ?? new HeadMemory(0));
    this.seriesExemplars = new HeadExemplars(options.windowStartMs, options.seed ?? NO_SEED);
  }

  get seriesCount(): number {
    return this.table.seriesCount;
  }

  get sampleCount(): number {
    return this.#sampleCount;
  }

  /** Chunks of samples that came in order: each series has one that is open. */
  get chunkCount(): number {
    return this.seriesCount + this.chunks.closedCount;
  }

  /** Samples that came again with the same value. */
  get duplicateCount(): number {
    return this.#duplicateCount;
  }

  /** Samples that came again with another value. */
  get conflictCount(): number {
    return this.#conflictCount;
  }

  get exemplarCount(): number {
    return this.seriesExemplars.count;
  }

  /** +Infinity while there are no samples. */
  get minTimeMs(): number {
    return this.#sampleCount === 0 ? Infinity : this.windowStartMs + this.#minTime;
  }

  /** -Infinity while there are no samples. */
  get maxTimeMs(): number {
    return this.#sampleCount === 0 ? -Infinity : this.windowStartMs + this.#maxTime;
  }

  /** Memory held, estimated. */
  get byteSize(): number {
    return this.table.byteSize + this.chunks.byteSize + this.seriesExemplars.byteSize;
  }

  /** The slot of a series, or -1. */
  find(w0: number, w1: number, w2: number, w3: number): number {
    return this.table.find(w0, w1, w2, w3);
  }

  /**
   * As `find`, for who guesses the slot: series come in the order in which they came before, so that it is the one behind
   * that of the series before. A right guess costs no look into the table, which memory answers slowly.
   */
  findAt(guess: number, w0: number, w1: number, w2: number, w3: number): number {
    return this.table.findAt(guess, w0, w1, w2, w3);
  }

  /** Adds a series that `find` did not have; the new slot (consecutive from 0). */
  create(w0: number, w1: number, w2: number, w3: number, labels: Labels): number {
    this.#mustBeOpen();
    const slot = this.table.create(w0, w1, w2, w3, labels);
    this.chunks.addSlot(slot);
    return slot;
  }

  labelsOf(slot: number): Labels {
    return this.table.labelsOf(slot);
  }

  /** Whether a known id means the same labels; told once per series and record, if labels are at hand. */
  matchesLabels(slot: number, labels: Labels): boolean {
    return this.table.matchesLabels(slot, labels);
  }

  /** Appends a sample of whole milliseconds; the first value of a time stands. */
  append(slot: number, timestampMs: number, low: number, high: number): AppendOutcome {
    const offsetMs = timestampMs - this.windowStartMs;
    if (!(offsetMs >= 0 && offsetMs < this.#acceptMs)) throw this.#refusal(timestampMs);
    const time = offsetMs | 0;
    return this.#counted(time, this.chunks.append(slot, time, low | 0, high | 0));
  }

  /**
   * Appends a sample that has a start timestamp (0 is none) or is a native histogram, whose sum is the value. A
   * histogram's bytes are copied. It repeats what is there only if all its bytes do; start timestamps don't count.
   */
  appendNoted(
    slot: number,
    timestampMs: number,
    low: number,
    high: number,
    startMs: number,
    histogram: HistogramBytes | undefined,
  ): AppendOutcome {
    const offsetMs = timestampMs - this.windowStartMs;
    if (!(offsetMs >= 0 && offsetMs < this.#acceptMs)) throw this.#refusal(timestampMs);
    const time = offsetMs | 0;
    return this.#counted(time, this.chunks.appendNoted(slot, time, low | 0, high | 0, startMs, histogram));
  }

  #counted(time: number, outcome: AppendOutcome): AppendOutcome {
    if (outcome === APPEND_STORED) {
      this.#sampleCount++;
      if (time > this.#maxTime) this.#maxTime = time;
      if (time < this.#minTime) this.#minTime = time;
    } else this.#countRepeated(outcome);
    return outcome;
  }

  /** False if the series has it already. Its time has to lie in the window. */
  appendExemplar(slot: number, exemplar: Exemplar): boolean {
    this.#mustTake(exemplar);
    return this.seriesExemplars.append(slot, exemplar);
  }

  /** As `appendExemplar`, of a record below version 3: of those the youngest few of a series are kept. */
  appendYoungestExemplar(slot: number, exemplar: Exemplar): boolean {
    this.#mustTake(exemplar);
    return this.seriesExemplars.appendYoungest(slot, exemplar);
  }

  #mustTake({ timestampMs }: Exemplar): void {
    const offsetMs = timestampMs - this.windowStartMs;
    if (!(offsetMs >= 0 && offsetMs < this.#acceptMs)) throw this.#refusal(timestampMs);
  }

  /** Notes, synchronously, what matches now; the selection pins the head until it is closed. */
  select(matcherSets: MatcherSets, startMs: number, endMs: number): HeadSelection {
    this.#mustBeOpen();
    return new HeadSelection(this, resolveMatcherSets(this.table, matcherSets), startMs, endMs);
  }

  /** Sorted. */
  labelNames(matcherSets: MatcherSets): string[] {
    if (matcherSets.length === 0) return this.table.labelNames().sort(compareUtf8);
    const names = new Set<string>();
    for (const pair of this.#selectedPairs(matcherSets)) names.add(this.table.pairName(pair));
    return [...names].sort(compareUtf8);
  }

  /** Sorted. */
  labelValues(name: string, matcherSets: MatcherSets): string[] {
    const label = this.table.label(name);
    if (label === undefined) return [];
    if (matcherSets.length === 0) return [...label.values].sort(compareUtf8);
    const values: string[] = [];
    for (const pair of this.#selectedPairs(matcherSets))
      if (this.table.pairName(pair) === name) values.push(this.table.pairValue(pair));
    return values.sort(compareUtf8);
  }

  /** In no particular order. */
  seriesLabels(matcherSets: MatcherSets): Labels[] {
    return Array.from(resolveMatcherSets(this.table, matcherSets), (slot) => this.labelsOf(slot));
  }

  /** Series that have exemplars within the bounds, in no particular order. */
  *exemplars(
    matcherSets: MatcherSets,
    startMs: number,
    endMs: number,
  ): Generator<SeriesExemplars, void, void> {
    if (this.seriesExemplars.count === 0) return;
    for (const slot of resolveMatcherSets(this.table, matcherSets)) {
      const exemplars = this.seriesExemplars.of(slot, startMs, endMs);
      if (exemplars.length > 0) yield { labels: this.labelsOf(slot), exemplars };
    }
  }

  /** Keeps the memory readable until the same number of `unpin`. */
  pin(): void {
    this.#mustBeOpen();
    this.#pins++;
  }

  unpin(): void {
    this.#pins--;
    if (this.#released && this.#pins === 0) this.#giveBack();
  }

  /** Gives the memory back once nobody pins it. Appending or selecting afterwards throws. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#acceptMs = 0;
    if (this.#pins === 0) this.#giveBack();
  }

  get released(): boolean {
    return this.#released;
  }

  #giveBack(): void {
    this.chunks.release();
    this.seriesExemplars.clear();
  }

  #mustBeOpen(): void {
    if (this.#released) throw new Error('the head was released');
  }

  #countRepeated(outcome: AppendOutcome): void {
    if (outcome === APPEND_DUPLICATE) this.#duplicateCount++;
    else if (outcome === APPEND_CONFLICT) this.#conflictCount++;
  }

  #refusal(timestampMs: number): Error {
    if (this.#released) return new Error('the head was released');
    return new RangeError(
      `time ${timestampMs} is outside the window ${this.windowStartMs} + ${this.windowMs}`,
    );
  }

  #selectedPairs(matcherSets: MatcherSets): Set<number> {
    const pairs = new Set<number>();
    for (const slot of resolveMatcherSets(this.table, matcherSets))
      for (const pair of this.table.pairsOf(slot)) pairs.add(pair);
    return pairs;
  }
}
