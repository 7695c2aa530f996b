import type { ByteReader } from '@xscaler/encoding';
import { compareUtf8 } from '@xscaler/model';
import { readSlice, type Slice } from './block-format.ts';
import {
  type BlockIndex,
  type Directory,
  decodeLeaf,
  type ExemplarPage,
  exemplarPageReader,
  GROUPS_PER_LEAF,
  type NameDirectory,
  readValuePage,
  type ValuePage,
} from './block-index.ts';
import type { SliceReader } from './block-slices.ts';
import { spanOf } from './exemplar-spans.ts';

/** Finds groups and pages by the directories of a block, of which it reads the leaves that it needs. */
export class BlockDirectories {
  readonly #index: BlockIndex;
  readonly #slices: SliceReader;

  constructor(index: BlockIndex, slices: SliceReader) {
    this.#index = index;
    this.#slices = slices;
  }

  /** Where the groups with these numbers are. */
  async groups(numbers: readonly number[], signal: AbortSignal): Promise<Slice[]> {
    const { inline, leaves } = this.#index.groups;
    const wanted = [...new Set(numbers.map((number) => Math.floor(number / GROUPS_PER_LEAF)))];
    const decoded = inline ? [] : await this.#leaves(leaves, wanted, readSlice, signal);
    return numbers.map((number) => {
      const found = inline
        ? inline[number]
        : decoded[Math.floor(number / GROUPS_PER_LEAF)][number % GROUPS_PER_LEAF];
      if (found === undefined) throw this.#slices.damaged('index', 0, `no group ${number}`);
      return found;
    });
  }

  async exemplarPages(signal: AbortSignal): Promise<readonly ExemplarPage[]> {
    const { version, exemplarPages } = this.#index;
    return this.#all(exemplarPages, exemplarPageReader(version), signal);
  }

  /** The exemplar pages on which any of the series, ascending, may have some with startMs ≤ t ≤ endMs, in order. */
  async exemplarPagesOf(
    series: Uint32Array,
    startMs: number,
    endMs: number,
    signal: AbortSignal,
  ): Promise<ExemplarPage[]> {
    const pages = await this.exemplarPages(signal);
    return pages.filter(({ span, firstSeries }, i) => {
      if (span !== undefined && (span < spanOf(startMs) || span > spanOf(endMs))) return false;
      const next = pages[i + 1];
      const lastSeries = next !== undefined && next.span === span ? next.firstSeries : Infinity;
      const at = firstFrom(series, firstSeries);
      return at < series.length && series[at] <= lastSeries;
    });
  }

  /** All pages of a name. */
  async pages(name: NameDirectory, signal: AbortSignal): Promise<readonly ValuePage[]> {
    if (name.pages !== undefined) return name.pages;
    const slices = name.leaves.map(({ slice }) => slice);
    return (await this.#leaves(slices, [...slices.keys()], readValuePage, signal)).flat();
  }

  /** The pages of a name on which any of the values would be. */
  async pagesWith(name: NameDirectory, values: readonly string[], signal: AbortSignal): Promise<ValuePage[]> {
    const found = new Set<ValuePage>();
    if (name.pages !== undefined) {
      for (const value of values) addPageWith(found, name.pages, value);
      return [...found];
    }
    const { leaves } = name;
    const leafOf = values.map((value) => lastFrom(leaves, value));
    const wanted = [...new Set(leafOf)].filter((leaf) => leaf >= 0);
    const slices = leaves.map(({ slice }) => slice);
    const decoded = await this.#leaves(slices, wanted, readValuePage, signal);
    for (const [i, value] of values.entries())
      if (leafOf[i] >= 0) addPageWith(found, decoded[leafOf[i]], value);
    return [...found];
  }

  /** Pages of a name by the numbers of values, counted from the name's first, each with the number of its first value. */
  async pagesOfValues(
    name: NameDirectory,
    numbers: readonly number[],
    signal: AbortSignal,
  ): Promise<Map<ValuePage, { firstValue: number; numbers: number[] }>> {
    const found = new Map<ValuePage, { firstValue: number; numbers: number[] }>();
    const ascending = [...numbers].sort((a, b) => a - b);
    let at = 0;
    const place = (pages: readonly ValuePage[], first: number) => {
      for (const page of pages) {
        const from = at;
        while (at < ascending.length && ascending[at] < first + page.valueCount) at++;
        if (at > from) found.set(page, { firstValue: first, numbers: ascending.slice(from, at) });
        first += page.valueCount;
      }
    };
    if (name.pages !== undefined) place(name.pages, 0);
    else {
      const firsts: number[] = [];
      const wanted: number[] = [];
      let first = 0;
      for (const [i, { valueCount }] of name.leaves.entries()) {
        firsts.push(first);
        if (ascending.some((number) => number >= first && number < first + valueCount)) wanted.push(i);
        first += valueCount;
      }
      const slices = name.leaves.map(({ slice }) => slice);
      const decoded = await this.#leaves(slices, wanted, readValuePage, signal);
      for (const leaf of wanted) place(decoded[leaf], firsts[leaf]);
    }
    return found;
  }

  async #all<T>(
    { inline, leaves }: Directory<T>,
    readOne: (reader: ByteReader) => T,
    signal: AbortSignal,
  ): Promise<readonly T[]> {
    if (inline !== undefined) return inline;
    return (await this.#leaves(leaves, [...leaves.keys()], readOne, signal)).flat();
  }

  /** Those of the leaves that are wanted, each at its place. */
  async #leaves<T>(
    leaves: readonly Slice[],
    wanted: readonly number[],
    readOne: (reader: ByteReader) => T,
    signal: AbortSignal,
  ): Promise<T[][]> {
    const found: T[][] = [];
    const slices = wanted.map((leaf) => {
      if (leaf >= leaves.length) throw this.#slices.damaged('index', 0, `no leaf ${leaf}`);
      return leaves[leaf];
    });
    const read = await this.#slices.cachedSlices('index', slices, signal);
    for (const [i, leaf] of wanted.entries())
      found[leaf] = this.#slices.decoded('index', slices[i].number, () => decodeLeaf(read[i], readOne));
    return found;
  }
}

function addPageWith(found: Set<ValuePage>, pages: readonly ValuePage[], value: string): void {
  const at = lastFrom(pages, value);
  if (at >= 0) found.add(pages[at]);
}

/** The last of those, in order, that begins at or before a value; -1 if none does. */
function lastFrom(sorted: readonly { readonly firstValue: string }[], value: string): number {
  let low = -1;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (compareUtf8(sorted[middle].firstValue, value) <= 0) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The place of the first of ascending numbers that is `least` or more. */
function firstFrom(numbers: Uint32Array, least: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle] < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
