import type { BucketSpan } from '@xscaler/model';

/** A gap of up to this many buckets is cheaper as empty buckets than as a span of its own. */
const MAX_FILLED_GAP = 2;

/** Lays bucket counts out in spans: add buckets by ascending index, those of one index one after another. */
export class BucketLayout {
  readonly #spans: { offset: number; length: number }[] = [];
  readonly #counts: number[] = [];
  #index = 0;
  #count = 0;
  /** Index after the last bucket laid out. */
  #end = 0;

  add(index: number, count: number): void {
    if (index !== this.#index) {
      this.#flush();
      this.#index = index;
    }
    this.#count += count;
  }

  /** The spans and counts of what was added; empty buckets are left out if that saves something. */
  finish(): { readonly spans: readonly BucketSpan[]; readonly counts: readonly number[] } {
    this.#flush();
    return { spans: this.#spans, counts: this.#counts };
  }

  #flush(): void {
    if (this.#count === 0) return;
    const spans = this.#spans;
    const gap = this.#index - this.#end;
    if (spans.length === 0 || gap > MAX_FILLED_GAP) {
      spans.push({ offset: gap, length: 0 });
    } else {
      for (let i = 0; i < gap; i++) this.#push(0);
    }
    this.#push(this.#count);
    this.#end = this.#index + 1;
    this.#count = 0;
  }

  #push(count: number): void {
    this.#counts.push(count);
    this.#spans[this.#spans.length - 1].length++;
  }
}
