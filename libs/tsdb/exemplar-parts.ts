import { ByteWriter } from '@xscaler/encoding';
import type { Exemplar } from '@xscaler/model';
import { encodeExemplars } from './block-exemplars-codec.ts';
import { type BlockPartOut, PartWriter } from './block-format.ts';
import type { ExemplarPage } from './block-index.ts';

/** Size at which a page is closed. */
const EXEMPLAR_PAGE_BYTES = 64 * 1024;

/** Writes the exemplars of a block: those of each series that has some, in order, and the parts that are `full`; then the `rest`. */
export class ExemplarParts {
  /** In order; complete behind `rest`. */
  readonly pages: ExemplarPage[] = [];
  readonly #parts = new PartWriter('exemplars');
  readonly #page = new ByteWriter(4096);
  readonly #one = new ByteWriter(1024);
  #firstSeries = 0;

  /** Exemplars of a series, by time; what was written of them, a view until the next. */
  add(series: number, exemplars: readonly Exemplar[]): Uint8Array {
    if (this.#page.length === 0) this.#firstSeries = series;
    this.#one.reset();
    encodeExemplars(this.#one, series, exemplars);
    this.#page.raw(this.#one.bytes, 0, this.#one.length);
    if (this.#page.length >= EXEMPLAR_PAGE_BYTES) this.#closePage();
    return this.#one.written();
  }

  /** Parts that are large enough to be closed. */
  *full(): Generator<BlockPartOut, void, void> {
    yield* this.#parts.full();
  }

  /** The last parts. */
  *rest(): Generator<BlockPartOut, void, void> {
    if (this.#page.length > 0) this.#closePage();
    yield* this.#parts.rest();
  }

  #closePage(): void {
    this.pages.push({ firstSeries: this.#firstSeries, slice: this.#parts.add(this.#page.written()) });
    this.#page.reset();
  }
}
