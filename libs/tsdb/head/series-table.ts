import { Labels } from '@xscaler/model';
import { IdTable } from '../memory/id-table.ts';
import { Uint32Vector } from '../memory/uint32-vector.ts';
import type { LabelIndex, LabelPostings } from '../postings/label-index.ts';
import { PostingsLists } from '../postings/postings-lists.ts';

/** Bytes that V8 spends on a string and its place in a map and an array, beside the characters; measured roughly. */
const STRING_OVERHEAD_BYTES = 72;

/** One label name of a head: its values in order of appearance, each with the number of its (name, value) pair. */
class LabelName implements LabelPostings {
  readonly name: string;
  readonly values: string[] = [];
  readonly pairs: number[] = [];
  readonly #byValue = new Map<string, number>();
  readonly #postings: PostingsLists;

  constructor(name: string, postings: PostingsLists) {
    this.name = name;
    this.#postings = postings;
  }

  get valueCount(): number {
    return this.values.length;
  }

  value(index: number): string {
    return this.values[index];
  }

  find(value: string): number {
    return this.#byValue.get(value) ?? -1;
  }

  slots(index: number): Uint32Array<ArrayBuffer> {
    return this.#postings.slots(this.pairs[index]);
  }

  add(value: string): number {
    const index = this.values.length;
    this.values.push(value);
    this.pairs.push(this.#postings.add());
    this.#byValue.set(value, index);
    return index;
  }
}

/**
 * The series of a head: ids, labels and postings. A series is a slot, numbered from 0; its labels are numbers of
 * (name, value) pairs, so that a string is held once however many series share it, and a series is not an object.
 */
export class SeriesTable implements LabelIndex {
  readonly #ids = new IdTable();
  /** Pairs of all series, one after the other; slot s has those from #starts[s] to #starts[s + 1]. */
  readonly #pairs = new Uint32Vector();
  readonly #starts = new Uint32Vector();
  readonly #names = new Map<string, LabelName>();
  readonly #postings = new PostingsLists();
  /** Of each pair: its name and its value. */
  readonly #pairNames: LabelName[] = [];
  readonly #pairValues: string[] = [];
  #stringBytes = 0;
  /** The labels created last, and their pairs: series that come together share most. */
  #lastTexts: readonly string[] = [];
  #lastPairs: number[] = [];

  constructor() {
    this.#starts.push(0);
  }

  get seriesCount(): number {
    return this.#ids.size;
  }

  get byteSize(): number {
    const columns =
      this.#ids.byteSize + this.#pairs.byteSize + this.#starts.byteSize + this.#postings.byteSize;
    return columns + this.#stringBytes;
  }

  /** Ids of all slots, four words each; to be read only. */
  get ids(): Int32Array {
    return this.#ids.ids;
  }

  find(w0: number, w1: number, w2: number, w3: number): number {
    return this.#ids.find(w0, w1, w2, w3);
  }

  /** As `find`, for who guesses which slot it is. */
  findAt(guess: number, w0: number, w1: number, w2: number, w3: number): number {
    return this.#ids.isAt(guess, w0, w1, w2, w3) ? guess : this.#ids.find(w0, w1, w2, w3);
  }

  create(w0: number, w1: number, w2: number, w3: number, labels: Labels): number {
    const slot = this.#ids.add(w0, w1, w2, w3);
    const texts = labels.pairs;
    const before = this.#lastTexts;
    const pairs: number[] = [];
    for (let i = 0; i < texts.length; i += 2) {
      const isSame = i < before.length && before[i] === texts[i] && before[i + 1] === texts[i + 1];
      const pair = isSame ? this.#lastPairs[i >>> 1] : this.#pairOf(texts[i], texts[i + 1]);
      pairs.push(pair);
      this.#pairs.push(pair);
      this.#postings.append(pair, slot);
    }
    this.#lastTexts = texts;
    this.#lastPairs = pairs;
    this.#starts.push(this.#pairs.length);
    return slot;
  }

  labelsOf(slot: number): Labels {
    const texts: string[] = [];
    const end = this.#starts.words[slot + 1];
    for (let i = this.#starts.words[slot]; i < end; i++) {
      const pair = this.#pairs.words[i];
      texts.push(this.#pairNames[pair].name, this.#pairValues[pair]);
    }
    return Labels.fromSorted(texts);
  }

  matchesLabels(slot: number, labels: Labels): boolean {
    const start = this.#starts.words[slot];
    const texts = labels.pairs;
    if (texts.length !== 2 * (this.#starts.words[slot + 1] - start)) return false;
    for (let i = 0; i < texts.length; i += 2) {
      const pair = this.#pairs.words[start + i / 2];
      if (this.#pairValues[pair] !== texts[i + 1] || this.#pairNames[pair].name !== texts[i]) return false;
    }
    return true;
  }

  /** The pair numbers of a slot's labels, in the order of the labels; a view. */
  pairsOf(slot: number): Uint32Array {
    return this.#pairs.words.subarray(this.#starts.words[slot], this.#starts.words[slot + 1]);
  }

  /** The pairs of all slots, one slot's behind the other's, and where each slot's start; views. */
  get pairColumns(): { readonly pairs: Uint32Array; readonly starts: Uint32Array } {
    return {
      pairs: this.#pairs.words.subarray(0, this.#pairs.length),
      starts: this.#starts.words.subarray(0, this.#starts.length),
    };
  }

  get pairCount(): number {
    return this.#pairValues.length;
  }

  pairName(pair: number): string {
    return this.#pairNames[pair].name;
  }

  pairValue(pair: number): string {
    return this.#pairValues[pair];
  }

  pairSlots(pair: number): Uint32Array<ArrayBuffer> {
    return this.#postings.slots(pair);
  }

  /** How many series have a pair. */
  pairSeriesCount(pair: number): number {
    return this.#postings.count(pair);
  }

  label(name: string): LabelName | undefined {
    return this.#names.get(name);
  }

  labelNames(): string[] {
    return [...this.#names.keys()];
  }

  /** The numbers of the pairs of a name, as they came; to be read only. */
  pairsOfName(name: string): readonly number[] {
    return this.#names.get(name)?.pairs ?? [];
  }

  #pairOf(name: string, value: string): number {
    let label = this.#names.get(name);
    if (label === undefined) {
      label = new LabelName(name, this.#postings);
      this.#names.set(name, label);
      this.#stringBytes += name.length + STRING_OVERHEAD_BYTES;
    }
    let index = label.find(value);
    if (index < 0) {
      index = label.add(value);
      this.#pairNames.push(label);
      this.#pairValues.push(value);
      this.#stringBytes += value.length + STRING_OVERHEAD_BYTES;
    }
    return label.pairs[index];
  }
}
