import { type Exemplar, exemplarKey } from '@xscaler/model';
import { FIRST_OWN_WORD, LAST_SEEN, SeriesTable } from './series-table.ts';
import { textHash } from './text-hash.ts';
import type { UndoLog } from './undo-log.ts';

const MINUTE_MS = 60_000;
/**
 * Exemplars that a slot keeps. One would spread them most evenly. But a busy native histogram of Prometheus' clients shows its ten
 * youngest at each scrape, all of the same moment. Consecutive exemplars of other series may also be close: the last of one scrape
 * interval and the first of the next. Such senders must lose none.
 */
const SLOT_EXEMPLARS = 10;
/** A slot without exemplars for this long is forgotten. If it is sent to again it keeps a full number once more. */
const REMEMBERED_MINUTES = 5;
/** Limit per tenant, about 8 MB. Above it some slots are forgotten early. */
const MAX_SLOTS = 100_000;

/** Exemplars that a tenant has lost to its limit since this process started to serve it. */
export interface DroppedExemplars {
  readonly count: number;
  /** A series that lost some, and the time, ms; undefined if none has. */
  readonly last: { readonly series: string; readonly atMs: number } | undefined;
}

/**
 * Limits a tenant's exemplars to `max_exemplars_per_series_per_minute`, evenly over sample time. A series' minute is divided into slots
 * of ten exemplars each (a limit of ten or less makes one slot). Each slot keeps the first to arrive, in any order of slots. An
 * accepted exemplar is accepted again, since it is sent a second time if it may not have been stored.
 */
export class ExemplarSlots {
  readonly #seed: number;
  /** By series id and slot: hashes of the accepted exemplars, 0 for each free place. Made with the first exemplar. */
  #slots: SeriesTable | undefined;
  #limit = 0;
  #perSlot = 0;
  #slotMs = MINUTE_MS;
  #nowMinute = 1;
  #dropped: DroppedExemplars = { count: 0, last: undefined };

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Slots that are remembered. */
  get size(): number {
    return this.#slots?.size ?? 0;
  }

  get dropped(): DroppedExemplars {
    return this.#dropped;
  }

  /** Prepares for a request under a limit of exemplars a minute and series; 0: no limit. */
  begin(limit: number, nowMinute: number): void {
    this.#nowMinute = nowMinute;
    if (limit === this.#limit) return;
    this.#limit = limit;
    this.#perSlot = Math.min(SLOT_EXEMPLARS, limit);
    this.#slotMs = (MINUTE_MS * this.#perSlot) / limit;
    this.#slots = undefined;
  }

  /** Exemplars that a slot keeps; Infinity without a limit. More than this should arrive in an order that spreads them. */
  get perSlot(): number {
    return this.#limit === 0 ? Number.POSITIVE_INFINITY : this.#perSlot;
  }

  /** Whether an exemplar of the series whose id is at `words[at …]` is within the limit. It then takes a place in its slot. */
  admits(words: Int32Array, at: number, exemplar: Exemplar, undo: UndoLog): boolean {
    if (this.#limit === 0) return true;
    const slots = this.#table();
    const slot = Math.imul(Math.floor(exemplar.timestampMs / this.#slotMs), 0x9e3779b1);
    const w0 = words[at];
    const w1 = words[at + 1] ^ slot;
    const w2 = words[at + 2];
    const w3 = words[at + 3];
    let found = slots.find(w0, w1, w2, w3);
    if (found < 0) {
      found = slots.insert(w0, w1, w2, w3, this.#nowMinute);
      undo.note(slots, w0, w1, w2, w3);
    }
    const own = slots.words;
    own[found + LAST_SEEN] = this.#nowMinute;
    const hash = textHash(exemplarKey(exemplar)) | 1;
    for (let i = found + FIRST_OWN_WORD; i < found + FIRST_OWN_WORD + this.#perSlot; i++) {
      if (own[i] === hash) return true;
      if (own[i] !== 0) continue;
      own[i] = hash;
      undo.note(slots, w0, w1, w2, w3);
      return true;
    }
    return false;
  }

  sweep(): void {
    this.#slots?.sweep(this.#nowMinute);
  }

  /** Forgets all slots, since the exemplars they accepted may not have been stored. */
  forget(): void {
    this.#slots?.clear();
  }

  /** Counts dropped exemplars; `series` lost some of them. */
  noteDropped(count: number, series: string, atMs: number): void {
    if (count > 0) this.#dropped = { count: this.#dropped.count + count, last: { series, atMs } };
  }

  #table(): SeriesTable {
    if (this.#slots === undefined) {
      this.#slots = new SeriesTable({
        ownWords: SLOT_EXEMPLARS,
        maxEntries: MAX_SLOTS,
        staleAfterMinutes: REMEMBERED_MINUTES,
        seed: this.#seed,
      });
    }
    return this.#slots;
  }
}
