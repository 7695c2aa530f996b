import { ByteWriter } from '@xscaler/encoding';
import type { Exemplar } from '@xscaler/model';
import { encodeExemplars } from '../block/block-exemplars-codec.ts';
import { type BlockPartOut, PartWriter } from '../block/block-format.ts';
import type { ExemplarPage } from '../block/block-index.ts';
import { packPage } from '../block/chunk-pages.ts';

/** Size, before it is compressed, at which a page is closed. */
const EXEMPLAR_PAGE_BYTES = 64 * 1024;
/** Exemplars of a series that are added at once, at most: they lie on one page. */
export const EXEMPLAR_RUN = 256;

/** Writes the exemplars of a block: some of a series at a time, by span, series and time, and the parts that are `full`; then the `rest`. */
export class ExemplarParts {
  /** In order; complete behind `rest`. */
  readonly pages: ExemplarPage[] = [];
  readonly #parts = new PartWriter('exemplars');
  readonly #page = new ByteWriter(4096);
  #span = 0;
  #firstSeries = 0;

  /** At most EXEMPLAR_RUN exemplars of a series in a span, by time. */
  add(span: number, series: number, exemplars: readonly Exemplar[]): void {
    if (span !== this.#span) this.#closePage();
    if (this.#page.length === 0) {
      this.#span = span;
      this.#firstSeries = series;
    }
    encodeExemplars(this.#page, series, exemplars);
    if (this.#page.length >= EXEMPLAR_PAGE_BYTES) this.#closePage();
  }

  /** Parts that are large enough to be closed. */
  *full(): Generator<BlockPartOut, void, void> {
    yield* this.#parts.full();
  }

  /** The last parts. */
  *rest(): Generator<BlockPartOut, void, void> {
    this.#closePage();
    yield* this.#parts.rest();
  }

  #closePage(): void {
    if (this.#page.length === 0) return;
    const { bytes, expandedLength } = packPage(this.#page.written());
    const slice = this.#parts.add(bytes);
    this.pages.push({ span: this.#span, firstSeries: this.#firstSeries, expandedLength, slice });
    this.#page.reset();
  }
}
