import type { Exemplar } from '@xscaler/model';

/** Exemplars kept of a series, and most of a head. */
const SERIES_MAX = 10;
const HEAD_MAX = 100_000;
/** What an exemplar takes in memory, roughly. */
const EXEMPLAR_BYTES = 400;

/**
 * What heads keep of the exemplars of records below version 3: of each slot the ten youngest. The releases that write such
 * records keep no more, and their replicas have to come to the same heads.
 */
export class YoungestExemplars {
  readonly #bySlot = new Map<number, Exemplar[]>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get byteSize(): number {
    return this.#count * EXEMPLAR_BYTES;
  }

  /** False if it is there already, if it is older than all that are kept, or if the head is full. */
  append(slot: number, exemplar: Exemplar): boolean {
    const kept = this.#bySlot.get(slot) ?? [];
    let at = kept.length;
    while (at > 0 && kept[at - 1].timestampMs > exemplar.timestampMs) at--;
    for (let i = at - 1; i >= 0 && kept[i].timestampMs === exemplar.timestampMs; i--) {
      if (Object.is(kept[i].value, exemplar.value) && kept[i].labels.equals(exemplar.labels)) return false;
    }
    const full = kept.length === SERIES_MAX || this.#count === HEAD_MAX;
    if (full && at === 0) return false;
    kept.splice(at, 0, exemplar);
    if (full) kept.shift();
    else this.#count++;
    this.#bySlot.set(slot, kept);
    return true;
  }

  /** By time; those of one time in the order in which they came. */
  of(slot: number): readonly Exemplar[] {
    return this.#bySlot.get(slot) ?? [];
  }

  slots(): Iterable<number> {
    return this.#bySlot.keys();
  }

  clear(): void {
    this.#bySlot.clear();
    this.#count = 0;
  }
}
