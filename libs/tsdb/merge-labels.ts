import { compareUtf8 } from '@xscaler/model';
import { type BlockPartOut, PartWriter } from './block-format.ts';
import type { NameDirectory, ValuePage } from './block-index.ts';
import { decodeList, decodeSymbols, ValuePageWriter, type ValuesOfPage } from './block-labels-codec.ts';
import { DROPPED, type OpenInput } from './merge-input.ts';
import { PartStream } from './part-stream.ts';
import { sortSlots } from './slot-sets.ts';

/** Sizes at which a page is closed; a block that a head becomes has the same. */
const SYMBOL_PAGE_BYTES = 8 * 1024;
const POSTING_PAGE_BYTES = 32 * 1024;

/**
 * Yields the symbols and postings of a merge, whose series are numbered, and numbers the label pairs of every input.
 * Values that no series is left of are left out. Holds a page of each input.
 */
export async function* mergeLabels(
  inputs: readonly OpenInput[],
  seriesCount: number,
): AsyncGenerator<BlockPartOut, NameDirectory[], void> {
  const symbols = new PartWriter('symbols');
  const postings = new PartWriter('postings');
  const directory: NameDirectory[] = [];
  const page = new ValuePageWriter();
  const streams = inputs.map((input) => new LabelStream(input));
  let pairNumber = 0;
  for (const name of namesOf(inputs)) {
    const pages: ValuePage[] = [];
    const close = () => {
      const { firstValue, valueCount } = page;
      const bytes = page.written();
      const slices = { symbols: symbols.add(bytes.symbols), postings: postings.add(bytes.postings) };
      pages.push({ firstValue, valueCount, ...slices });
      page.reset();
    };
    const open: LabelStream[] = [];
    for (const stream of streams) if (await stream.enter(name)) open.push(stream);
    for (let value = leastValue(open); value !== undefined; value = leastValue(open)) {
      const having = open.filter((stream) => stream.value === value);
      const series = union(
        having.map((stream) => stream.series()),
        seriesCount,
      );
      for (const stream of having) {
        if (series.length > 0) stream.setNumber(pairNumber);
        if (!stream.step()) await stream.load();
      }
      if (series.length === 0) continue;
      pairNumber++;
      page.add(value, series);
      if (page.symbolBytes >= SYMBOL_PAGE_BYTES || page.postingBytes >= POSTING_PAGE_BYTES) close();
      yield* symbols.full();
      yield* postings.full();
    }
    if (page.valueCount > 0) close();
    if (pages.length > 0) directory.push({ name, pages });
  }
  yield* symbols.rest();
  yield* postings.rest();
  return directory;
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
  readonly #input: OpenInput;
  readonly #symbols: PartStream;
  readonly #postings: PartStream;
  #name = 0;
  #pages: readonly ValuePage[] = [];
  #page = 0;
  #values: ValuesOfPage = { values: [], offsets: [0] };
  #lists: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** Number here of the pair at hand. */
  #pair = -1;

  constructor(input: OpenInput) {
    this.#input = input;
    this.#symbols = new PartStream(input.slices, 'symbols');
    this.#postings = new PartStream(input.slices, 'postings');
  }

  /** Goes to the first value of a name; false where the block doesn't have it. Names come in their order. */
  async enter(name: string): Promise<boolean> {
    const directory = this.#input.index.names[this.#name];
    if (directory?.name !== name) return false;
    this.#name++;
    this.#pages = directory.pages;
    this.#page = 0;
    await this.load();
    return true;
  }

  /** Goes to the next value of the page; false where it has no more, for `load` to go on. */
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
    this.#lists = await this.#postings.slice(page.postings);
    this.value = this.#values.values[0];
  }

  /** The series of the value at hand, by their numbers in the merge. */
  series(): Uint32Array {
    const { slices, index, seriesNumbers } = this.#input;
    const { offsets } = this.#values;
    const page = this.#pages[this.#page - 1];
    const list = slices.decoded('postings', page.postings.number, () =>
      decodeList(this.#lists, offsets[this.#at], offsets[this.#at + 1], index.seriesCount),
    );
    let kept = 0;
    for (let i = 0; i < list.length; i++) {
      const number = seriesNumbers[list[i]];
      if (number !== DROPPED) list[kept++] = number;
    }
    return list.subarray(0, kept);
  }

  setNumber(pair: number): void {
    this.#input.pairNumbers[this.#pair] = pair;
  }
}
