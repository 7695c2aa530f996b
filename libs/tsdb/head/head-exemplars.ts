import { type Exemplar, exemplarKey } from '@xscaler/model';
import { ExemplarColumns } from './exemplar-columns.ts';
import { YoungestExemplars } from './youngest-exemplars.ts';

/** A head's exemplars: all that records of version 3 have, and what is kept of those of older records. */
export class HeadExemplars {
  readonly #windowStartMs: number;
  readonly #seed: Uint32Array;
  /** Made with the first: most heads have none. */
  #all: ExemplarColumns | undefined;
  readonly #youngest = new YoungestExemplars();

  constructor(windowStartMs: number, seed: Uint32Array) {
    this.#windowStartMs = windowStartMs;
    this.#seed = seed;
  }

  get count(): number {
    return (this.#all?.count ?? 0) + this.#youngest.count;
  }

  get byteSize(): number {
    return (this.#all?.byteSize ?? 0) + this.#youngest.byteSize;
  }

  /** False if the slot has it already. Its time has to lie in the window. */
  append(slot: number, exemplar: Exemplar): boolean {
    this.#all ??= this.#columns();
    return this.#all.append(slot, exemplar);
  }

  /** As `append`, of a record below version 3; false too if it is older than those that are kept. */
  appendYoungest(slot: number, exemplar: Exemplar): boolean {
    return this.#youngest.append(slot, exemplar);
  }

  /** Those of a slot with startMs ≤ t ≤ endMs by time, each once. */
  of(slot: number, startMs: number, endMs: number): Exemplar[] {
    const all = this.#all;
    const found = all?.numbersOf(slot, startMs, endMs).map((number) => all.at(number)) ?? [];
    const young = this.#youngest
      .of(slot)
      .filter(({ timestampMs }) => timestampMs >= startMs && timestampMs <= endMs);
    if (young.length === 0) return found;
    const byKey = new Map([...young, ...found].map((one) => [exemplarKey(one), one]));
    return [...byKey.values()].sort((a, b) => a.timestampMs - b.timestampMs);
  }

  /** All of them, each once; not to be appended to. */
  columns(): ExemplarColumns {
    const given = this.#all ?? this.#columns();
    if (this.#youngest.count === 0) return given;
    const both = this.#columns();
    for (const slot of this.#youngest.slots()) {
      for (const one of this.#youngest.of(slot)) both.append(slot, one);
    }
    for (let i = 0; i < given.count; i++) both.append(given.slotOf(i), given.at(i));
    return both;
  }

  clear(): void {
    this.#all = undefined;
    this.#youngest.clear();
  }

  #columns(): ExemplarColumns {
    return new ExemplarColumns(this.#windowStartMs, this.#seed);
  }
}
