import { compareUtf8 } from '@xscaler/model';
import type { BlockPartOut } from '../block/block-format.ts';
import type { ValuePage } from '../block/block-index.ts';
import { decodeList, decodeSymbols, type ValuesOfPage } from '../block/block-labels-codec.ts';
import type { LabelParts } from '../block-writing/label-parts.ts';
import { PartStream } from '../block-writing/part-stream.ts';
import { PAIR_WORK, POSTINGS_PER_WORK, type WorkSteps } from '../memory/work-steps.ts';
import { sortSlots } from '../postings/slot-sets.ts';
import { DROPPED, type OpenInput } from './merge-input.ts';

/**
 * Ranks the label pairs of all inputs together, so that their series can be compared. Yields after each step of work.
 * Holds a page of each input.
 */
export async function* rankPairs(
  inputs: readonly OpenInput[],
  steps: WorkSteps,
  signal: AbortSignal,
): AsyncGenerator<undefined, void, void> {
  let rank = 0;
  for await (const having of labelWalk(inputs, signal)) {
    if (steps.completes(having.length * PAIR_WORK)) yield;
    for (const stream of having) stream.setRank(rank);
    rank++;
  }
}

/**
 * Yields the symbols and postings of a merge, whose series are numbered, and numbers the label pairs of every input.
 * Values that no series is left of are left out. After each step of work it yields `undefined`. Holds a page of each
 * input.
 */
export async function* mergeLabels(
  inputs: readonly OpenInput[],
  seriesCount: number,
  labels: LabelParts,
  steps: WorkSteps,
  signal: AbortSignal,
): AsyncGenerator<BlockPartOut | undefined, void, void> {
  let pairNumber = 0;
  let name: string | undefined;
  for await (const having of labelWalk(inputs, signal)) {
    const lists: Uint32Array[] = [];
    for (const stream of having) lists.push(await stream.series());
    const series = union(lists, seriesCount);
    if (steps.completes(lists.length * PAIR_WORK + series.length / POSTINGS_PER_WORK)) yield;
    if (series.length === 0) continue;
    const [first] = having;
    if (first.name !== name) {
      name = first.name;
      labels.begin(name);
    }
    for (const stream of having) stream.setNumber(pairNumber);
    pairNumber++;
    labels.add(first.value as string, series);
    yield* labels.full();
  }
  yield* labels.rest();
}

/** The streams that have the least label pair at hand, one pair after another. */
async function* labelWalk(
  inputs: readonly OpenInput[],
  signal: AbortSignal,
): AsyncGenerator<readonly LabelStream[], void, void> {
  const streams = inputs.map((input) => new LabelStream(input, signal));
  for (const name of namesOf(inputs)) {
    signal.throwIfAborted();
    const open: LabelStream[] = [];
    for (const stream of streams) if (await stream.enter(name)) open.push(stream);
    for (let value = leastValue(open); value !== undefined; value = leastValue(open)) {
      const having = open.filter((stream) => stream.value === value);
      yield having;
      for (const stream of having) if (!stream.step()) await stream.load();
    }
  }
}

function namesOf(inputs: readonly OpenInput[]): string[] {
  const names = new Set(inputs.flatMap(({ index }) => index.names.map(({ name }) => name)));
  return [...names].sort(compareUtf8);
}

function leastValue(streams: readonly LabelStream[]): string | undefined {
  let least: string | undefined;
  for (const { value } of streams) {
    if (value !== undefined && (least === undefined || compareUtf8(value, least) < 0)) least = value;
  }
  return least;
}

/** Each number once, ascending; the lists ascend. */
function union(lists: readonly Uint32Array[], seriesCount: number): Uint32Array {
  const filled = lists.filter(({ length }) => length > 0);
  if (filled.length === 0) return new Uint32Array(0);
  if (filled.length === 1) return filled[0];
  const all = new Uint32Array(filled.reduce((sum, { length }) => sum + length, 0));
  let length = 0;
  for (const list of filled) {
    all.set(list, length);
    length += list.length;
  }
  const sorted = sortSlots(all, seriesCount);
  let kept = 0;
  for (const number of sorted) if (kept === 0 || sorted[kept - 1] !== number) sorted[kept++] = number;
  return sorted.subarray(0, kept);
}

/** Walks the values of an input, name by name, in their order. */
class LabelStream {
  /** The value at hand; undefined behind the last one of its name. */
  value: string | undefined;
  name = '';
  readonly #signal: AbortSignal;
  readonly #input: OpenInput;
  readonly #symbols: PartStream;
  readonly #postings: PartStream;
  #name = 0;
  #pages: readonly ValuePage[] = [];
  #page = 0;
  #values: ValuesOfPage = { values: [], offsets: [0] };
  #at = 0;
  /** Number here of the pair at hand. */
  #pair = -1;

  constructor(input: OpenInput, signal: AbortSignal) {
    this.#signal = signal;
    this.#input = input;
    this.#symbols = new PartStream(input.slices, 'symbols');
    this.#postings = new PartStream(input.slices, 'postings');
  }

  /** Goes to the first value of a name; false if the block doesn't have it. Names come in their order. */
  async enter(name: string): Promise<boolean> {
    const directory = this.#input.index.names[this.#name];
    if (directory?.name !== name) return false;
    this.#name++;
    this.name = name;
    this.#pages = await this.#input.directories.pages(directory, this.#signal);
    this.#page = 0;
    await this.load();
    return true;
  }

  /** Goes to the next value of the page; false if it has no more, for `load` to go on. */
  step(): boolean {
    if (this.#at + 1 >= this.#values.values.length) return false;
    this.#at++;
    this.#pair++;
    this.value = this.#values.values[this.#at];
    return true;
  }

  /** Goes to the first value of the next page, or behind the last. */
  async load(): Promise<void> {
    const page = this.#pages[this.#page++];
    this.#at = 0;
    if (page === undefined) {
      this.value = undefined;
      return;
    }
    this.#pair++;
    const bytes = await this.#symbols.slice(page.symbols);
    const { slices } = this.#input;
    this.#values = slices.decoded('symbols', page.symbols.number, () => decodeSymbols(bytes));
    this.value = this.#values.values[0];
  }

  /** The series of the value at hand, by their numbers in the merge. */
  async series(): Promise<Uint32Array> {
    const { slices, index, seriesNumbers } = this.#input;
    const { offsets } = this.#values;
    const page = this.#pages[this.#page - 1];
    const lists = await this.#postings.slice(page.postings);
    const list = slices.decoded('postings', page.postings.number, () =>
      decodeList(lists, offsets[this.#at], offsets[this.#at + 1], index.seriesCount),
    );
    let kept = 0;
    for (let i = 0; i < list.length; i++) {
      const number = seriesNumbers[list[i]];
      if (number !== DROPPED) list[kept++] = number;
    }
    return list.subarray(0, kept);
  }

  setRank(rank: number): void {
    this.#input.pairRanks[this.#pair] = rank;
  }

  setNumber(pair: number): void {
    this.#input.pairNumbers[this.#pair] = pair;
  }
}
