import type { ContentHash } from '@xscaler/encoding';
import { ACTIVE_MINUTES } from './active-series.ts';
import { FIRST_OWN_WORD, LAST_SEEN, SeriesTable } from './series-table.ts';

const FACT_ID = FIRST_OWN_WORD;
const FACT_GROUP = FIRST_OWN_WORD + 4;
const FACT_PLACE = FIRST_OWN_WORD + 5;
const FACT_GENERATION = FIRST_OWN_WORD + 6;
const FACT_REPLICA = FIRST_OWN_WORD + 7;
const FACT_WORDS = 8;

const PARTITION_MASK = 0xffff;
/** The stored labels differ from the bytes received. */
const NOT_NORMALISED = 0x10000;
/** Relabelling drops the series. The fact has no id and no generation: it is looked at each time the series arrives. */
const DROPPED = 0x20000;
const NO_GENERATION = -1;

/** A new fact's values. */
export interface FactValues {
  /** The series id, 4 words. */
  readonly id: Int32Array;
  readonly group: number;
  readonly partition: number;
  readonly isNormalised: boolean;
  readonly replica: number;
}

/**
 * The fact that a table found or added last. One object shows them all, so that a known series costs no allocation: it is valid until the
 * table's next call.
 */
export class Fact {
  readonly isRefused = false;
  words: Int32Array = new Int32Array(0);
  at = 0;

  /** Index in `words` of the series id, 4 words. */
  get idAt(): number {
    return this.at + FACT_ID;
  }

  /** Key that all buckets of a classic histogram share. */
  get group(): number {
    return this.words[this.at + FACT_GROUP];
  }

  get partition(): number {
    return this.words[this.at + FACT_PLACE] & PARTITION_MASK;
  }

  /** Whether the series' label bytes are stored unchanged. */
  get isNormalised(): boolean {
    return (this.words[this.at + FACT_PLACE] & NOT_NORMALISED) === 0;
  }

  /** Whether relabelling drops the series. */
  get isDropped(): boolean {
    return (this.words[this.at + FACT_PLACE] & DROPPED) !== 0;
  }

  /** Generation of label limits and shard that the labels were last checked and placed under. */
  get generation(): number {
    return this.words[this.at + FACT_GENERATION];
  }

  /** Number of the HA replica that sends the series, 0 if none does. */
  get replica(): number {
    return this.words[this.at + FACT_REPLICA];
  }

  get lastSeenMinute(): number {
    return this.words[this.at + LAST_SEEN];
  }

  set lastSeenMinute(minute: number) {
    this.words[this.at + LAST_SEEN] = minute;
  }

  /** Notes that the labels were checked again, and where the series belongs now. */
  place(partition: number, generation: number): void {
    const { words, at } = this;
    words[at + FACT_PLACE] = partition | (words[at + FACT_PLACE] & NOT_NORMALISED);
    words[at + FACT_GENERATION] = generation;
  }

  drop(): void {
    this.words[this.at + FACT_PLACE] = DROPPED;
    this.words[this.at + FACT_GENERATION] = NO_GENERATION;
  }
}

/**
 * What a distributor knows about a tenant's series, by the hash of their label bytes.
 *
 *     fact = id:4 group:1 place:1 generation:1 replica:1      32-bit words
 *     place = partition:16 bits, flags: stored labels differ, dropped by relabelling
 */
export class FactTable {
  readonly #table: SeriesTable;
  readonly #fact = new Fact();

  /** @param maxFacts bound on the facts, above which known series are forgotten early */
  constructor(maxFacts: number, seed: number) {
    this.#table = new SeriesTable({
      ownWords: FACT_WORDS,
      maxEntries: maxFacts,
      staleAfterMinutes: ACTIVE_MINUTES,
      seed,
    });
  }

  get size(): number {
    return this.#table.size;
  }

  /** Facts dropped to make room though they weren't stale. */
  get evicted(): number {
    return this.#table.evicted;
  }

  /** For an undo log: undoing a change removes the fact. */
  get undoable(): SeriesTable {
    return this.#table;
  }

  find({ h0, h1, h2, h3 }: ContentHash): Fact | undefined {
    const at = this.#table.find(h0, h1, h2, h3);
    return at < 0 ? undefined : this.#show(at);
  }

  add(hash: ContentHash, values: FactValues, generation: number, nowMinute: number): Fact {
    const fact = this.#insert(hash, nowMinute);
    const { words, at } = fact;
    for (let i = 0; i < 4; i++) words[at + FACT_ID + i] = values.id[i];
    words[at + FACT_GROUP] = values.group;
    words[at + FACT_PLACE] = values.partition | (values.isNormalised ? 0 : NOT_NORMALISED);
    words[at + FACT_GENERATION] = generation;
    words[at + FACT_REPLICA] = values.replica;
    return fact;
  }

  /** Adds that relabelling drops a series. */
  addDropped(hash: ContentHash, nowMinute: number): Fact {
    const fact = this.#insert(hash, nowMinute);
    fact.drop();
    return fact;
  }

  /** Calls `visit` with the place of the id of every series that is stored. */
  forEachStored(visit: (words: Int32Array, idAt: number, lastSeenMinute: number) => void): void {
    this.#table.forEach((words, at) => {
      if ((words[at + FACT_PLACE] & DROPPED) === 0) visit(words, at + FACT_ID, words[at + LAST_SEEN]);
    });
  }

  sweep(nowMinute: number): void {
    this.#table.sweep(nowMinute);
  }

  clear(): void {
    this.#table.clear();
  }

  #insert({ h0, h1, h2, h3 }: ContentHash, nowMinute: number): Fact {
    return this.#show(this.#table.insert(h0, h1, h2, h3, nowMinute));
  }

  #show(at: number): Fact {
    const fact = this.#fact;
    fact.words = this.#table.words;
    fact.at = at;
    return fact;
  }
}
