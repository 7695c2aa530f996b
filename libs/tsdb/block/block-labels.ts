import type { Matcher } from '@xscaler/model';
import { type MatcherSets, type MatchingLists, selectByLists, wantedValues } from '../postings/selector.ts';
import { keepSlots, unionSlots } from '../postings/slot-sets.ts';
import { type AnswerBounds, bytesOfTexts } from './answer-bounds.ts';
import type { BlockDirectories } from './block-directories.ts';
import type { BlockIndex, NameDirectory, ValuePage } from './block-index.ts';
import { decodeList, decodeSymbols, type ValuesOfPage } from './block-labels-codec.ts';
import type { SliceReader } from './block-slices.ts';

/** Pages of values that are read, and held as text, at a time. */
const BATCH_PAGES = 64;

/** Name and value of a label pair. */
export type LabelPair = readonly [name: string, value: string];

/** The label side of a block: selectors to series, pair numbers to text. Reads the pages it needs and no others. */
export class BlockLabels {
  readonly #index: BlockIndex;
  readonly #slices: SliceReader;
  readonly #names: Map<string, NameDirectory>;
  readonly #directories: BlockDirectories;
  /** Number of the first pair of each name. */
  readonly #firstPairs: number[] = [];

  constructor(index: BlockIndex, directories: BlockDirectories, slices: SliceReader) {
    this.#index = index;
    this.#directories = directories;
    this.#slices = slices;
    this.#names = new Map(index.names.map((directory) => [directory.name, directory]));
    let firstPair = 0;
    for (const { valueCount } of index.names) {
      this.#firstPairs.push(firstPair);
      firstPair += valueCount;
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

  /** The values of a name, sorted, of which `keep` holds for the list of series. */
  async values(
    name: string,
    keep: ((series: Uint32Array) => boolean) | undefined,
    signal: AbortSignal,
    bounds: AnswerBounds,
  ): Promise<string[]> {
    const directory = this.#names.get(name);
    if (directory === undefined) return [];
    const pages = await this.#directories.pages(directory, signal);
    const found: string[] = [];
    for (let from = 0; from < pages.length && found.length < bounds.most; from += BATCH_PAGES) {
      const batch = pages.slice(from, from + BATCH_PAGES);
      const decoded = await this.#symbols(batch, signal);
      for (const [i, page] of batch.entries()) {
        const kept = await this.#keptValues(page, decoded[i], keep, signal);
        bounds.take(0, bytesOfTexts(kept));
        for (const value of kept) found.push(value);
      }
    }
    return found.length > bounds.most ? found.slice(0, bounds.most) : found;
  }

  async #keptValues(
    page: ValuePage,
    decoded: ValuesOfPage,
    keep: ((series: Uint32Array) => boolean) | undefined,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const { values } = decoded;
    if (keep === undefined) return values;
    const lists = await this.#postings(page, decoded, [...values.keys()], signal);
    return values.filter((_, i) => keep(lists[i]));
  }

  /** By value of a name, sorted, how many series have it: of those that `kept` has, or of all. */
  async counts(
    name: string,
    kept: Uint32Array | undefined,
    signal: AbortSignal,
    bounds: AnswerBounds,
  ): Promise<{ values: string[]; seriesCounts: number[] }> {
    const values: string[] = [];
    const seriesCounts: number[] = [];
    const directory = this.#names.get(name);
    const pages = directory === undefined ? [] : await this.#directories.pages(directory, signal);
    for (const page of pages) {
      const [decoded] = await this.#symbols([page], signal);
      bounds.take(0, bytesOfTexts(decoded.values));
      const lists = await this.#postings(page, decoded, [...decoded.values.keys()], signal);
      for (const [i, list] of lists.entries()) {
        const count = kept === undefined ? list.length : keepSlots(list, kept, true).length;
        if (count === 0) continue;
        values.push(decoded.values[i]);
        seriesCounts.push(count);
      }
    }
    return { values, seriesCounts };
  }

  /** The text of each pair asked for. */
  async pairs(numbers: ReadonlySet<number>, signal: AbortSignal): Promise<Map<number, LabelPair>> {
    const wanted = new Map<number, number[]>();
    for (const number of numbers) {
      const name = this.#nameOf(number);
      const there = wanted.get(name);
      if (there) there.push(number - this.#firstPairs[name]);
      else wanted.set(name, [number - this.#firstPairs[name]]);
    }
    const places: { page: ValuePage; name: string; firstPair: number; values: number[] }[] = [];
    for (const [i, values] of wanted) {
      const directory = this.#index.names[i];
      const pages = await this.#directories.pagesOfValues(directory, values, signal);
      for (const [page, { firstValue, numbers }] of pages) {
        const firstPair = this.#firstPairs[i] + firstValue;
        places.push({ page, name: directory.name, firstPair, values: numbers.map((n) => n - firstValue) });
      }
    }
    const decoded = await this.#symbols(
      places.map(({ page }) => page),
      signal,
    );
    const found = new Map<number, LabelPair>();
    for (const [i, { page, name, firstPair, values }] of places.entries()) {
      for (const at of values) {
        const value = decoded[i].values[at];
        if (value === undefined)
          throw this.#slices.damaged('symbols', page.symbols.number, 'a value is missing');
        found.set(firstPair + at, [name, value]);
      }
    }
    if (found.size !== numbers.size) throw this.#slices.damaged('index', 0, 'label pairs are missing');
    return found;
  }

  async #lists(matcher: Matcher, signal: AbortSignal): Promise<MatchingLists> {
    const excluding = matcher.matchesEmpty;
    const directory = this.#names.get(matcher.name);
    if (directory === undefined) return { excluding, lists: [] };
    const wanted = wantedValues(matcher);
    const literals = excluding ? undefined : matcher.literals;
    const pages = literals
      ? await this.#directories.pagesWith(directory, literals, signal)
      : await this.#directories.pages(directory, signal);
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

  /** The place of the name that a pair is of. */
  #nameOf(pair: number): number {
    const firstPairs = this.#firstPairs;
    let low = 0;
    let high = firstPairs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (firstPairs[middle] <= pair) low = middle;
      else high = middle - 1;
    }
    if (low >= firstPairs.length) throw this.#slices.damaged('index', 0, 'no names for label pairs');
    return low;
  }
}
