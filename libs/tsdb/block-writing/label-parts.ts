import { ByteWriter } from '@xscaler/encoding';
import { type BlockPartOut, PartWriter } from '../block/block-format.ts';
import {
  type Directory,
  GROUPS_PER_LEAF,
  LABEL_PAGES_INLINE,
  LABEL_PAGES_PER_LEAF,
  type NameDirectory,
  type ValueLeaf,
  type ValuePage,
  writeValuePage,
} from '../block/block-index.ts';
import { ValuePageWriter } from '../block/block-labels-codec.ts';

/** Sizes at which a page is closed: small, since a query of ten series needs ten of each, of every label with many values. */
const SYMBOL_PAGE_BYTES = 2 * 1024;
const POSTING_PAGE_BYTES = 4 * 1024;

/** Collects the leaves of a block's directories: the index' parts from 1 on. */
export class LeafParts {
  readonly #parts = new PartWriter('index', 1);
  readonly #writer = new ByteWriter(4096);

  /** A directory of all of it, inline if a leaf would do for it. */
  directory<T>(all: readonly T[], writeOne: (writer: ByteWriter, one: T) => void): Directory<T> {
    if (all.length <= GROUPS_PER_LEAF) return { inline: all, leaves: [] };
    const leaves = [];
    for (let from = 0; from < all.length; from += GROUPS_PER_LEAF)
      leaves.push(this.add(all.slice(from, from + GROUPS_PER_LEAF), writeOne));
    return { inline: undefined, leaves };
  }

  add<T>(some: readonly T[], writeOne: (writer: ByteWriter, one: T) => void) {
    this.#writer.reset();
    for (const one of some) writeOne(this.#writer, one);
    return this.#parts.add(this.#writer.written());
  }

  *full(): Generator<BlockPartOut, void, void> {
    yield* this.#parts.full();
  }

  *rest(): Generator<BlockPartOut, void, void> {
    yield* this.#parts.rest();
  }
}

/**
 * Writes the symbols and postings of a block: for each label name, in byte order, `begin`, its values in byte order with
 * the numbers of their series, and the parts that are `full`; then the `rest`.
 */
export class LabelParts {
  /** The names that have values, in order; complete behind `rest`. */
  readonly names: NameDirectory[] = [];
  readonly #leafParts: LeafParts;
  readonly #symbols = new PartWriter('symbols');
  readonly #postings = new PartWriter('postings');
  readonly #page = new ValuePageWriter();
  #name = '';
  #valueCount = 0;
  #pages: ValuePage[] = [];
  #leaves: ValueLeaf[] = [];

  constructor(leafParts: LeafParts) {
    this.#leafParts = leafParts;
  }

  begin(name: string): void {
    this.#closeName();
    this.#name = name;
  }

  /** A value of the name at hand; the numbers ascend. */
  add(value: string, numbers: Uint32Array): void {
    const page = this.#page;
    page.add(value, numbers);
    this.#valueCount++;
    if (page.symbolBytes >= SYMBOL_PAGE_BYTES || page.postingBytes >= POSTING_PAGE_BYTES) this.#closePage();
  }

  /** Parts that are large enough to be closed. */
  *full(): Generator<BlockPartOut, void, void> {
    yield* this.#symbols.full();
    yield* this.#postings.full();
    yield* this.#leafParts.full();
  }

  /** The last parts; leaves are left to their own. */
  *rest(): Generator<BlockPartOut, void, void> {
    this.#closeName();
    yield* this.#symbols.rest();
    yield* this.#postings.rest();
  }

  #closePage(): void {
    const { firstValue, valueCount } = this.#page;
    if (valueCount === 0) return;
    const bytes = this.#page.written();
    const symbols = this.#symbols.add(bytes.symbols);
    this.#pages.push({ firstValue, valueCount, symbols, postings: this.#postings.add(bytes.postings) });
    this.#page.reset();
    if (this.#pages.length === LABEL_PAGES_PER_LEAF) this.#closeLeaf();
  }

  #closeLeaf(): void {
    const pages = this.#pages;
    if (pages.length === 0) return;
    this.#leaves.push({
      firstValue: pages[0].firstValue,
      valueCount: pages.reduce((sum, { valueCount }) => sum + valueCount, 0),
      slice: this.#leafParts.add(pages, writeValuePage),
    });
    this.#pages = [];
  }

  #closeName(): void {
    this.#closePage();
    if (this.#valueCount === 0) return;
    const isShort = this.#leaves.length === 0 && this.#pages.length <= LABEL_PAGES_INLINE;
    const pages = isShort ? this.#pages : undefined;
    if (!isShort) this.#closeLeaf();
    this.names.push({ name: this.#name, valueCount: this.#valueCount, pages, leaves: this.#leaves });
    this.#pages = [];
    this.#leaves = [];
    this.#valueCount = 0;
  }
}
