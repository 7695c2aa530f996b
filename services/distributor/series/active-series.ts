import type { SeriesTotal } from '@xscaler/cluster';
import type { Question } from '../outcome/question.ts';
import { SeriesGrowth } from './series-growth.ts';
import { LAST_SEEN, SeriesTable } from './series-table.ts';
import type { UndoLog } from './undo-log.ts';

/** A series is active while it was seen within the last hour. */
export const ACTIVE_MINUTES = 60;

/** How often the whole cluster's count is asked for. */
const TOTAL_EVERY_MS = 5_000;
/** An older count is ignored. */
const TOTAL_MAX_AGE_MS = 60_000;
/** Once the count reaches the limit, other distributors may accept new series for this long before they know. */
const SETTLING_MS = 15_000;
/** Maximum age of the list of active series, to refuse a series that is not in it. */
const LIST_MAX_AGE_MS = 600_000;
/** The same until the others know: a short list must be fresh; a long one isn't loaded for every request. */
const LIST_MAX_AGE_SETTLING_MS = 3_000;
const SERIES_PER_MS = 100;
/** The same while other distributors' series can't be counted. */
const LIST_MAX_AGE_ALONE_MS = 15_000;
/** A list that can't be had is asked for again this much later; until then everything is accepted. */
const LOAD_RETRY_MS = 10_000;
/** A request waits for the list no longer than this. */
const LOAD_WAIT_MS = 2_000;

export interface ActiveSeriesOptions {
  readonly tenant: string;
  readonly maxEntries: number;
  readonly seed: number;
  /** Ids (4 words each) of the series that are active now, from the ingesters. */
  readonly load: ((tenant: string) => Promise<Uint32Array>) | undefined;
  /** The tenant's active series over the whole cluster; absent if there is no other distributor. */
  readonly total: ((tenant: string) => Promise<SeriesTotal | undefined>) | undefined;
  readonly onLoadFailed: (error: unknown) => void;
}

/**
 * The active series of a tenant with a limit on them: those seen here within the last hour, and those that ingesters report.
 *
 * Their count is the larger of the number known here and the ingesters' count over the cluster plus the series new here since. Existing
 * series are never refused. A series is refused as new only if it isn't in a list from the ingesters that is younger than any series
 * another distributor could have accepted. Until there is a list, every series is accepted.
 */
export class ActiveSeries implements Question {
  readonly #growth = new SeriesGrowth();
  readonly #options: ActiveSeriesOptions;
  readonly #table: SeriesTable;
  #limit = 0;
  #nowMs = 0;
  #nowMinute = 1;
  #total: SeriesTotal | undefined;
  #totalAtMs = 0;
  /** Series known here when the total arrived. */
  #sizeAtTotal = 0;
  #totalAskedMs = Number.NEGATIVE_INFINITY;
  /** When the count was found at the limit, NaN while it is below. */
  #fullSinceMs = Number.NaN;
  #loading: Promise<void> | undefined;
  #loadedMs = Number.NaN;
  #failedMs = Number.NEGATIVE_INFINITY;

  constructor(options: ActiveSeriesOptions) {
    this.#options = options;
    const { maxEntries, seed } = options;
    this.#table = new SeriesTable({ ownWords: 0, maxEntries, staleAfterMinutes: ACTIVE_MINUTES, seed });
  }

  /** Takes the current limit, and loads missing facts in the background. */
  begin(limit: number, nowMs: number, nowMinute: number): void {
    this.#limit = limit;
    this.#nowMs = nowMs;
    this.#nowMinute = nowMinute;
    const { load, total } = this.#options;
    if (load !== undefined && Number.isNaN(this.#loadedMs) && !this.#hasFailedLately()) this.#load(load);
    if (total !== undefined && nowMs - this.#totalAskedMs >= TOTAL_EVERY_MS) {
      this.#totalAskedMs = nowMs;
      this.#askTotal(total).catch(() => undefined);
    }
  }

  sweep(): void {
    this.#table.sweep(this.#nowMinute);
  }

  /** Series known here, including stale ones that are not swept yet. */
  get size(): number {
    return this.#table.size;
  }

  /** Active series of the whole cluster, as far as known here. */
  get count(): number {
    const own = this.#table.size;
    const total = this.#knownTotal();
    return total === undefined ? own : Math.max(own, total + Math.max(0, own - this.#sizeAtTotal));
  }

  /** Count and fastest growth, for the refusal at the limit. */
  get remark(): string {
    const growth = this.#growth.text();
    return `${this.count} series are active${growth === '' ? '' : `; fastest growing: ${growth}`}`;
  }

  /** Notes a series that is older than the limit. */
  note(words: Int32Array, at: number, seenMinute: number): void {
    const { [at]: id0, [at + 1]: id1, [at + 2]: id2, [at + 3]: id3 } = words;
    const table = this.#table;
    if (table.find(id0, id1, id2, id3) < 0) table.insert(id0, id1, id2, id3, seenMinute);
  }

  /**
   * Notes that the id at `words[at …]` is active; false if it is new and above the limit; undefined if `decide` has to
   * find out whether it is new. `pairs` are its labels if they are at hand.
   * @param mayAsk whether a question may be asked; otherwise undecided series are accepted
   */
  admit(
    words: Int32Array,
    at: number,
    pairs: readonly string[] | undefined,
    mayAsk: boolean,
    undo: UndoLog,
  ): boolean | undefined {
    const table = this.#table;
    const known = table.find(words[at], words[at + 1], words[at + 2], words[at + 3]);
    if (known >= 0) {
      table.words[known + LAST_SEEN] = this.#nowMinute;
      return true;
    }
    if (this.#isFull()) {
      if (this.#hasList()) return false;
      if (mayAsk && !Number.isNaN(this.#loadedMs) && !this.#hasFailedLately()) return undefined;
    }
    if (pairs !== undefined) undo.whenKept(() => this.#growth.add(pairs, this.#nowMs));
    table.insert(words[at], words[at + 1], words[at + 2], words[at + 3], this.#nowMinute);
    undo.note(table, words[at], words[at + 1], words[at + 2], words[at + 3]);
    return true;
  }

  /** Loads the list. Where that takes too long or fails new series are accepted for a while. */
  async decide(): Promise<void> {
    const { load } = this.#options;
    if (load === undefined) return;
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#failedMs = this.#nowMs;
        resolve();
      }, LOAD_WAIT_MS);
    });
    await Promise.race([this.#load(load), tooLate]);
    clearTimeout(timer);
  }

  #isFull(): boolean {
    const isFull = this.count >= this.#limit;
    if (!isFull) this.#fullSinceMs = Number.NaN;
    else if (Number.isNaN(this.#fullSinceMs)) this.#fullSinceMs = this.#nowMs;
    return isFull;
  }

  /** Whether a series that isn't known here is new for certain. */
  #hasList(): boolean {
    const { load, total } = this.#options;
    if (load === undefined) return true;
    // Without other distributors this process has seen every series since.
    if (total === undefined) return !Number.isNaN(this.#loadedMs);
    let maxAgeMs = Math.min(LIST_MAX_AGE_SETTLING_MS, Math.floor(this.#table.size / SERIES_PER_MS));
    if (this.#loadedMs >= this.#fullSinceMs + SETTLING_MS) {
      maxAgeMs = this.#knownTotal() === undefined ? LIST_MAX_AGE_ALONE_MS : LIST_MAX_AGE_MS;
    }
    return this.#nowMs - this.#loadedMs <= maxAgeMs;
  }

  #hasFailedLately(): boolean {
    return this.#nowMs - this.#failedMs < LOAD_RETRY_MS;
  }

  #knownTotal(): number | undefined {
    const total = this.#total;
    if (total === undefined) return undefined;
    return total.ageMs + this.#nowMs - this.#totalAtMs <= TOTAL_MAX_AGE_MS ? total.count : undefined;
  }

  async #askTotal(total: NonNullable<ActiveSeriesOptions['total']>): Promise<void> {
    const found = await total(this.#options.tenant);
    if (found === undefined) return;
    this.#total = found;
    this.#totalAtMs = this.#nowMs;
    this.#sizeAtTotal = this.#table.size;
  }

  /** Never rejects. */
  #load(load: NonNullable<ActiveSeriesOptions['load']>): Promise<void> {
    this.#loading ??= this.#loadNow(load)
      .catch((error: unknown) => {
        this.#failedMs = this.#nowMs;
        this.#options.onLoadFailed(error);
      })
      .finally(() => {
        this.#loading = undefined;
      });
    return this.#loading;
  }

  async #loadNow(load: NonNullable<ActiveSeriesOptions['load']>): Promise<void> {
    const askedMs = this.#nowMs;
    const ids = await load(this.#options.tenant);
    const words = new Int32Array(ids.buffer, ids.byteOffset, ids.length);
    const table = this.#table;
    for (let at = 0; at + 4 <= words.length; at += 4) {
      const known = table.find(words[at], words[at + 1], words[at + 2], words[at + 3]);
      if (known >= 0) table.words[known + LAST_SEEN] = this.#nowMinute;
      else table.insert(words[at], words[at + 1], words[at + 2], words[at + 3], this.#nowMinute);
    }
    this.#loadedMs = askedMs;
    // The total has them already.
    this.#sizeAtTotal = table.size;
  }
}
