import { ByteReader, ByteWriter, ContentHash } from '@xscaler/encoding';
import { type Exemplar, Labels } from '@xscaler/model';
import { sortInSteps } from '../postings/series-order.ts';

const FIRST_CAPACITY = 64;
/** Label names that have a number; further ones are written out each time. */
const NUMBERED_NAMES = 127;

/**
 * Exemplars of a head as columns, each exemplar once, in the order in which they came: 28 bytes for each, 8 in the index of all
 * of them, and its labels:
 *
 *     labels := count uvarint, (name, value string) …
 *     name   := number + 1 as uvarint, of a name that is numbered  |  0 uvarint, name string
 */
export class ExemplarColumns {
  readonly #windowStartMs: number;
  readonly #hash: ContentHash;
  #count = 0;
  #slots = new Uint32Array(FIRST_CAPACITY);
  /** From the window's start, ms. */
  #times = new Uint32Array(FIRST_CAPACITY);
  #values = new Float64Array(FIRST_CAPACITY);
  /** Where each one's labels begin; they end where the next one's begin. */
  #labelStarts = new Uint32Array(FIRST_CAPACITY + 1);
  /** The exemplar of the same slot that came before, + 1; 0 if there is none. */
  #before = new Uint32Array(FIRST_CAPACITY);
  /** By slot the exemplar that came last, + 1. */
  #last = new Uint32Array(FIRST_CAPACITY);
  #hashes = new Uint32Array(FIRST_CAPACITY);
  /** By hash, open addressing, at most half of it taken: an exemplar + 1. */
  #index = new Uint32Array(2 * FIRST_CAPACITY);
  readonly #labels = new ByteWriter(4096);
  readonly #names: string[] = [];
  readonly #nameNumbers = new Map<string, number>();
  /** What makes an exemplar the same as another: slot, time, value, labels. */
  readonly #content = new ByteWriter(256);
  #contentView: DataView;

  /** @param seed four words that nobody who sends exemplars knows: they scatter what is alike */
  constructor(windowStartMs: number, seed: Uint32Array) {
    this.#windowStartMs = windowStartMs;
    this.#hash = new ContentHash(seed);
    this.#contentView = new DataView(this.#content.bytes.buffer);
  }

  get count(): number {
    return this.#count;
  }

  get byteSize(): number {
    return (
      this.#slots.byteLength +
      this.#times.byteLength +
      this.#values.byteLength +
      this.#labelStarts.byteLength +
      this.#before.byteLength +
      this.#hashes.byteLength +
      this.#last.byteLength +
      this.#index.byteLength +
      this.#labels.bytes.length
    );
  }

  /** False if the slot has it already. Its time has to lie in the window. */
  append(slot: number, exemplar: Exemplar): boolean {
    if (this.#count === this.#slots.length) this.#grow();
    const time = exemplar.timestampMs - this.#windowStartMs;
    // One bit pattern for all NaN.
    const value = Number.isNaN(exemplar.value) ? Number.NaN : exemplar.value;
    const labelsStart = this.#writeContent(slot, time, value, exemplar.labels.pairs);
    const hash = this.#contentHash();
    const at = this.#freePlace(hash, slot, time, value, labelsStart);
    if (at < 0) return false;
    const number = this.#count++;
    this.#index[at] = number + 1;
    this.#hashes[number] = hash;
    this.#slots[number] = slot;
    this.#times[number] = time;
    this.#values[number] = value;
    this.#labels.raw(this.#content.bytes, labelsStart, this.#content.length);
    this.#labelStarts[number + 1] = this.#labels.length;
    if (slot >= this.#last.length) this.#last = grown(this.#last, slot + 1);
    this.#before[number] = this.#last[slot];
    this.#last[slot] = number + 1;
    return true;
  }

  slotOf(number: number): number {
    return this.#slots[number];
  }

  timeMsOf(number: number): number {
    return this.#windowStartMs + this.#times[number];
  }

  at(number: number): Exemplar {
    const reader = new ByteReader(
      this.#labels.bytes,
      this.#labelStarts[number],
      this.#labelStarts[number + 1],
    );
    const texts: string[] = [];
    for (let left = reader.uvarint(); left > 0; left--) {
      const name = reader.uvarint();
      texts.push(name === 0 ? reader.string() : this.#names[name - 1], reader.string());
    }
    const labels = Labels.fromSorted(texts);
    return { labels, value: this.#values[number], timestampMs: this.timeMsOf(number) };
  }

  /** Numbers of a slot's exemplars with startMs ≤ t ≤ endMs by time, those of one time in the order in which they came. */
  numbersOf(slot: number, startMs: number, endMs: number): number[] {
    const found: number[] = [];
    if (slot >= this.#last.length) return found;
    const first = startMs - this.#windowStartMs;
    const last = endMs - this.#windowStartMs;
    for (let next = this.#last[slot]; next !== 0; next = this.#before[next - 1]) {
      const time = this.#times[next - 1];
      if (time >= first && time <= last) found.push(next - 1);
    }
    return found.sort((a, b) => this.#times[a] - this.#times[b] || a - b);
  }

  /** The numbers of all exemplars by `orders[slot]`, then time, then the order in which they came; yields between steps of work. */
  *inOrder(orders: Uint32Array): Generator<undefined, Uint32Array<ArrayBuffer>, void> {
    const numbers = new Uint32Array(this.#count);
    for (let i = 0; i < numbers.length; i++) numbers[i] = i;
    const slots = this.#slots;
    const times = this.#times;
    return yield* sortInSteps(
      numbers,
      (a, b) => orders[slots[a]] - orders[slots[b]] || times[a] - times[b] || a - b,
    );
  }

  /** Where the labels begin in what it wrote. */
  #writeContent(slot: number, time: number, value: number, pairs: readonly string[]): number {
    const content = this.#content;
    content.reset();
    content.u32(slot);
    content.u32(time);
    content.f64(value);
    const labelsStart = content.length;
    content.uvarint(pairs.length / 2);
    for (let i = 0; i < pairs.length; i += 2) {
      const number = this.#nameNumber(pairs[i]);
      content.uvarint(number);
      if (number === 0) content.string(pairs[i]);
      content.string(pairs[i + 1]);
    }
    return labelsStart;
  }

  #nameNumber(name: string): number {
    const known = this.#nameNumbers.get(name);
    if (known !== undefined) return known;
    if (this.#names.length === NUMBERED_NAMES) return 0;
    this.#names.push(name);
    this.#nameNumbers.set(name, this.#names.length);
    return this.#names.length;
  }

  /** Where in the index what was written last belongs, or −1 if it exists. */
  #freePlace(hash: number, slot: number, time: number, value: number, labelsStart: number): number {
    const index = this.#index;
    let at = hash & (index.length - 1);
    for (; index[at] !== 0; at = (at + 1) & (index.length - 1)) {
      const number = index[at] - 1;
      if (this.#hashes[number] !== hash || this.#slots[number] !== slot) continue;
      if (this.#times[number] !== time || !Object.is(this.#values[number], value)) continue;
      if (this.#hasLabels(number, labelsStart)) return -1;
    }
    return at;
  }

  #hasLabels(number: number, labelsStart: number): boolean {
    const start = this.#labelStarts[number];
    const end = this.#labelStarts[number + 1];
    const content = this.#content;
    if (end - start !== content.length - labelsStart) return false;
    const known = this.#labels.bytes;
    for (let i = start, j = labelsStart; i < end; i++, j++) if (known[i] !== content.bytes[j]) return false;
    return true;
  }

  /** Of what was written last. */
  #contentHash(): number {
    const { bytes, length } = this.#content;
    if (this.#contentView.buffer !== bytes.buffer) this.#contentView = new DataView(bytes.buffer);
    this.#hash.hash(this.#contentView, 0, length);
    return this.#hash.h0 >>> 0;
  }

  #grow(): void {
    const capacity = 2 * this.#slots.length;
    this.#slots = grown(this.#slots, capacity);
    this.#times = grown(this.#times, capacity);
    this.#before = grown(this.#before, capacity);
    this.#hashes = grown(this.#hashes, capacity);
    this.#labelStarts = grown(this.#labelStarts, capacity + 1);
    const values = new Float64Array(capacity);
    values.set(this.#values);
    this.#values = values;
    this.#indexAgain(2 * capacity);
  }

  #indexAgain(length: number): void {
    const index = new Uint32Array(length);
    for (let number = 0; number < this.#count; number++) {
      let at = this.#hashes[number] & (length - 1);
      while (index[at] !== 0) at = (at + 1) & (length - 1);
      index[at] = number + 1;
    }
    this.#index = index;
  }
}

/** A copy with room for `length` entries, or for twice as many as there are if that is more. */
function grown(from: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const to = new Uint32Array(Math.max(length, 2 * from.length));
  to.set(from);
  return to;
}
