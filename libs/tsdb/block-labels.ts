import { compareUtf8, type Matcher } from '@xscaler/model';
import type { BlockIndex, NameDirectory, ValuePage } from './block-index.ts';
import { decodeList, decodeSymbols, type ValuesOfPage } from './block-labels-codec.ts';
import type { SliceReader } from './block-slices.ts';
import { type MatcherSets, type MatchingLists, selectByLists, wantedValues } from './selector.ts';
import { unionSlots } from './slot-sets.ts';

/** Name and value of a label pair. */
export type LabelPair = readonly [name: string, value: string];

/** The label side of a block: selectors to series, pair numbers to text. Reads the pages it needs and no others. */
export class BlockLabels {
  readonly #index: BlockIndex;
  readonly #slices: SliceReader;
  readonly #names: Map<string, NameDirectory>;
  /** Number of the first pair of each page, with the page, ascending. */
  readonly #pages: { readonly firstPair: number; readonly name: string; readonly page: ValuePage }[] = [];

  constructor(index: BlockIndex, slices: SliceReader) {
    this.#index = index;
    this.#slices = slices;
    this.#names = new Map(index.names.map((directory) => [directory.name, directory]));
    let firstPair = 0;
    for (const { name, pages } of index.names) {
      for (const page of pages) {
        this.#pages.push({ firstPair, name, page });
        firstPair += page.valueCount;
      }
    }
  }

  /** Numbers of the series that the sets select, ascending. */
  async resolve(matcherSets: MatcherSets, signal: AbortSignal): Promise<Uint32Array> {
    const { seriesCount } = this.#index;
    const sets: Uint32Array[] = [];
    for (const matchers of matcherSets) {
      const lists: MatchingLists[] = [];
      for (const matcher of matchers) lists.push(await this.#lists(matcher, signal));
      sets.push(selectByLists(seriesCount, lists));
    }
    return matcherSets.length === 0 ? selectByLists(seriesCount, []) : unionSlots(sets, seriesCount);
  }

  /** All values of a name, sorted, of which `keep` holds for the list of series. */
  async values(
    name: string,
    keep: ((series: Uint32Array) => boolean) | undefined,
    signal: AbortSignal,
  ): Promise<string[]> {
    const pages = this.#names.get(name)?.pages ?? [];
    const decoded = await this.#symbols(pages, signal);
    if (keep === undefined) return decoded.flatMap(({ values }) => values);
    const found: string[] = [];
    for (const [i, page] of pages.entries()) {
      const { values } = decoded[i];
      const lists = await this.#postings(page, decoded[i], [...values.keys()], signal);
      for (const [j, list] of lists.entries()) if (keep(list)) found.push(values[j]);
    }
    return found;
  }

  /** The text of each pair asked for. */
  async pairs(numbers: ReadonlySet<number>, signal: AbortSignal): Promise<Map<number, LabelPair>> {
    const wanted = new Map<number, number[]>();
    for (const number of numbers) {
      const page = this.#pageOf(number);
      const there = wanted.get(page);
      if (there) there.push(number);
      else wanted.set(page, [number]);
    }
    const pageNumbers = [...wanted.keys()];
    const decoded = await this.#symbols(
      pageNumbers.map((i) => this.#pages[i].page),
      signal,
    );
    const found = new Map<number, LabelPair>();
    for (const [i, pageNumber] of pageNumbers.entries()) {
      const { firstPair, name, page } = this.#pages[pageNumber];
      for (const number of wanted.get(pageNumber) as number[]) {
        const value = decoded[i].values[number - firstPair];
        if (value === undefined)
          throw this.#slices.damaged('symbols', page.symbols.number, 'a value is missing');
        found.set(number, [name, value]);
      }
    }
    return found;
  }

  async #lists(matcher: Matcher, signal: AbortSignal): Promise<MatchingLists> {
    const excluding = matcher.matchesEmpty;
    const directory = this.#names.get(matcher.name);
    if (directory === undefined) return { excluding, lists: [] };
    const wanted = wantedValues(matcher);
    const literals = excluding ? undefined : matcher.literals;
    const pages = literals ? pagesOf(directory, literals) : directory.pages;
    const decoded = await this.#symbols(pages, signal);
    const lists: Uint32Array[] = [];
    for (const [i, page] of pages.entries()) {
      const matching: number[] = [];
      for (const [j, value] of decoded[i].values.entries()) if (wanted(value)) matching.push(j);
      if (matching.length > 0) lists.push(...(await this.#postings(page, decoded[i], matching, signal)));
    }
    return { excluding, lists };
  }

  async #symbols(pages: readonly ValuePage[], signal: AbortSignal): Promise<ValuesOfPage[]> {
    const slices = pages.map(({ symbols }) => symbols);
    const read = await this.#slices.cachedSlices('symbols', slices, signal);
    return read.map((bytes, i) =>
      this.#slices.decoded('symbols', slices[i].number, () => decodeSymbols(bytes)),
    );
  }

  async #postings(
    page: ValuePage,
    { offsets }: ValuesOfPage,
    wanted: readonly number[],
    signal: AbortSignal,
  ): Promise<Uint32Array[]> {
    const [bytes] = await this.#slices.cachedSlices('postings', [page.postings], signal);
    return this.#slices.decoded('postings', page.postings.number, () =>
      wanted.map((i) => decodeList(bytes, offsets[i], offsets[i + 1], this.#index.seriesCount)),
    );
  }

  /** The page that a pair is on. */
  #pageOf(pair: number): number {
    let low = 0;
    let high = this.#pages.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#pages[middle].firstPair <= pair) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** The pages of a name on which any of the values would be. */
function pagesOf(directory: NameDirectory, values: readonly string[]): ValuePage[] {
  const pages = new Set<ValuePage>();
  for (const value of values) {
    const behind = directory.pages.findIndex(({ firstValue }) => compareUtf8(firstValue, value) > 0);
    const at = (behind < 0 ? directory.pages.length : behind) - 1;
    if (at >= 0) pages.add(directory.pages[at]);
  }
  return [...pages];
}
