import type { ContentHash } from '@xscaler/encoding';
import { Labels, seriesId } from '@xscaler/model';
import { type Limits, partitionOf, type Shard } from '@xscaler/tenancy';
import { LabelSetParser, type SeriesSource } from '@xscaler/wire';
import { KnownMetadata } from './known-metadata.ts';
import { groupKey } from './partitioning.ts';
import type { Reason } from './refusals.ts';
import { FIRST_OWN_WORD, LAST_SEEN, SeriesTable } from './series-table.ts';
import { TokenBucket } from './token-bucket.ts';

/** Own words of a fact: the series id (4), its group key, its partition and how it came, what it was checked under. */
export const FACT_ID = FIRST_OWN_WORD;
export const FACT_GROUP = FIRST_OWN_WORD + 4;
const FACT_PLACE = FIRST_OWN_WORD + 5;
const FACT_GENERATION = FIRST_OWN_WORD + 6;
const FACT_WORDS = 7;

const PARTITION_MASK = 0xffff;
const NOT_NORMALISED = 0x10000;

/** However high the limits are: a series has to fit a record. */
const LABELS_MAX_BYTES = 1024 * 1024;

/** A series is active while it was seen within the last hour. */
const ACTIVE_MINUTES = 60;
/** `LAST_SEEN` is this coarse, so that the steady path writes nothing. */
const REFRESH_MINUTES = 5;
const SWEEP_EVERY_MS = 1_000;
const LOAD_RETRY_MS = 10_000;

/** Where the labels of a series are. */
export type SeriesLabels = Pick<SeriesSource, 'labelBytes' | 'labelsStart' | 'labelsEnd'>;

export interface TenantSeriesOptions {
  readonly tenant: string;
  /** Bound on the series of a tenant that facts are kept for. */
  readonly maxFacts: number;
  readonly seed: number;
  /** Ids (4 words each) of the series that are active now, from whoever knows them beyond this process. */
  readonly loadActive: ((tenant: string) => Promise<Uint32Array>) | undefined;
  readonly onLoadFailed: (error: unknown) => void;
}

/**
 * What a distributor knows about a tenant's series: facts by the hash of a series' label bytes, and, where
 * the tenant has a series limit, which ids are active.
 *
 * Facts are not verdicts: each carries the generation of label limits and shard that its labels were last checked
 * and placed under; when those have changed that is done again where the series comes next.
 */
export class TenantSeries {
  readonly facts: SeriesTable;
  readonly bucket = new TokenBucket();
  readonly metadata: KnownMetadata;
  lastPushMs = 0;
  /** Why `admit` or `refresh` refused. */
  refusedFor: Reason = 'no_labels';
  refusedDetail = '';

  readonly #options: TenantSeriesOptions;
  readonly #parser = new LabelSetParser();
  #active: SeriesTable | undefined;
  #loaded = false;
  #loadAgainMs = 0;
  #limits: Limits | undefined;
  #shard: Shard | undefined;
  #generation = 0;
  #nowMinute = 1;
  #sweptMs = 0;

  constructor(options: TenantSeriesOptions) {
    this.#options = options;
    this.facts = this.#table(FACT_WORDS);
    this.metadata = new KnownMetadata(options.seed);
  }

  /** Prepares for a request: takes limits and shard as they are now, drops a little of what is stale. */
  begin(limits: Limits, shard: Shard, nowMs: number): void {
    this.lastPushMs = nowMs;
    this.#nowMinute = Math.max(1, Math.floor(nowMs / 60_000));
    const isChecked = this.#limits !== undefined && !labelLimitsDiffer(this.#limits, limits);
    if (!isChecked || this.#shard !== shard) this.#generation++;
    this.#limits = limits;
    this.#shard = shard;
    if (limits.max_global_series_per_user > 0) this.#countActive(nowMs);
    else this.#active = undefined;
    if (nowMs - this.#sweptMs < SWEEP_EVERY_MS) return;
    this.#sweptMs = nowMs;
    this.facts.sweep(this.#nowMinute);
    this.#active?.sweep(this.#nowMinute);
    this.metadata.sweep(this.#nowMinute);
  }

  /** Series seen within the last hour, where the tenant has a limit on them. */
  get activeCount(): number | undefined {
    return this.#active?.size;
  }

  /**
   * Index in `facts.words` of the series whose content hash `hash` has, or −1 where it is refused
   * (`refusedFor`, `refusedDetail`).
   * @throws DecodeError where a new series' label bytes aren't labels
   */
  find(hash: ContentHash, reader: SeriesLabels): number {
    const { facts } = this;
    const at = facts.find(hash.h0, hash.h1, hash.h2, hash.h3);
    if (at < 0 || facts.words[at + FACT_GENERATION] !== this.#generation)
      return this.#admit(hash, reader, at);
    if (this.#nowMinute - facts.words[at + LAST_SEEN] >= REFRESH_MINUTES) return this.#refresh(at);
    return at;
  }

  static partition(words: Int32Array, at: number): number {
    return words[at + FACT_PLACE] & PARTITION_MASK;
  }

  /** Whether the series' label bytes are already what a log record wants. */
  static normalised(words: Int32Array, at: number): boolean {
    return (words[at + FACT_PLACE] & NOT_NORMALISED) === 0;
  }

  #admit(hash: ContentHash, reader: SeriesLabels, known: number): number {
    const labelsBytes = reader.labelsEnd - reader.labelsStart;
    if (labelsBytes > LABELS_MAX_BYTES) {
      this.#refuse('labels_too_long', `${labelsBytes} bytes`);
      return -1;
    }
    const parser = this.#parser;
    parser.parse(reader.labelBytes, reader.labelsStart, reader.labelsEnd);
    if (this.#hasLabelFault()) return -1;
    const { facts } = this;
    const shard = this.#shard as Shard;
    if (known >= 0) {
      const { words } = facts;
      const place = partitionOf(words[known + FACT_GROUP], shard);
      words[known + FACT_PLACE] = place | (words[known + FACT_PLACE] & NOT_NORMALISED);
      words[known + FACT_GENERATION] = this.#generation;
      return this.#refresh(known);
    }
    const { tenant } = this.#options;
    const labels = Labels.fromSorted(parser.takePairs());
    const id = seriesId(tenant, labels);
    const idWords = new Int32Array(id.slice().buffer);
    if (!this.#activate(idWords, 0)) return -1;
    const group = groupKey(tenant, labels, id);
    const place = partitionOf(group, shard) | (parser.normalised ? 0 : NOT_NORMALISED);
    const at = facts.insert(hash.h0, hash.h1, hash.h2, hash.h3, this.#nowMinute);
    const { words } = facts;
    for (let i = 0; i < 4; i++) words[at + FACT_ID + i] = idWords[i];
    words[at + FACT_GROUP] = group;
    words[at + FACT_PLACE] = place;
    words[at + FACT_GENERATION] = this.#generation;
    return at;
  }

  #refresh(at: number): number {
    const { words } = this.facts;
    if (!this.#activate(words, at + FACT_ID)) return -1;
    words[at + LAST_SEEN] = this.#nowMinute;
    return at;
  }

  #hasLabelFault(): boolean {
    const parser = this.#parser;
    const limits = this.#limits as Limits;
    const { fault } = parser;
    if (fault !== undefined) {
      return this.#refuse(fault, parser.faultyName === '' ? '' : JSON.stringify(parser.faultyName));
    }
    const labelCount = parser.pairs.length / 2;
    if (labelCount > limits.max_label_names_per_series) {
      return this.#refuse('too_many_labels', `${labelCount} of ${limits.max_label_names_per_series}`);
    }
    if (parser.metricNameBytes > limits.max_metric_name_length) {
      return this.#refuse('metric_name_too_long', `limit ${limits.max_metric_name_length}`);
    }
    if (parser.longestNameBytes > limits.max_label_name_length) {
      return this.#refuse('label_name_too_long', `limit ${limits.max_label_name_length}`);
    }
    if (parser.longestValueBytes > limits.max_label_value_length) {
      return this.#refuse('label_value_too_long', `limit ${limits.max_label_value_length}`);
    }
    return false;
  }

  /** Notes that the id at `words[at …]` is active; false where it is new and above the limit. */
  #activate(words: Int32Array, at: number): boolean {
    const active = this.#active;
    if (active === undefined) return true;
    const known = active.find(words[at], words[at + 1], words[at + 2], words[at + 3]);
    if (known >= 0) {
      active.words[known + LAST_SEEN] = this.#nowMinute;
      return true;
    }
    const limit = (this.#limits as Limits).max_global_series_per_user;
    if (this.#loaded && active.size >= limit) return !this.#refuse('series_limit', `limit ${limit}`);
    active.insert(words[at], words[at + 1], words[at + 2], words[at + 3], this.#nowMinute);
    return true;
  }

  #refuse(reason: Reason, detail: string): true {
    this.refusedFor = reason;
    this.refusedDetail = detail;
    return true;
  }

  /** Begins to count active series if that isn't done yet: from the facts, then from outside. */
  #countActive(nowMs: number): void {
    if (this.#active === undefined) {
      const active = this.#table(0);
      this.facts.forEach((words, at) => {
        const [id0, id1, id2, id3] = words.subarray(at + FACT_ID, at + FACT_ID + 4);
        if (active.find(id0, id1, id2, id3) < 0) active.insert(id0, id1, id2, id3, words[at + LAST_SEEN]);
      });
      this.#active = active;
      this.#loaded = this.#options.loadActive === undefined;
      this.#loadAgainMs = 0;
    }
    if (this.#loaded || nowMs < this.#loadAgainMs) return;
    // Until the ids are here everything is accepted: an existing series is never refused.
    this.#loadAgainMs = nowMs + LOAD_RETRY_MS;
    this.#load(this.#active).catch(this.#options.onLoadFailed);
  }

  async #load(active: SeriesTable): Promise<void> {
    const ids = await this.#options.loadActive?.(this.#options.tenant);
    if (ids === undefined || active !== this.#active) return;
    const words = new Int32Array(ids.buffer, ids.byteOffset, ids.length);
    for (let at = 0; at + 4 <= words.length; at += 4) {
      if (active.find(words[at], words[at + 1], words[at + 2], words[at + 3]) >= 0) continue;
      active.insert(words[at], words[at + 1], words[at + 2], words[at + 3], this.#nowMinute);
    }
    this.#loaded = true;
  }

  #table(ownWords: number): SeriesTable {
    const { maxFacts, seed } = this.#options;
    return new SeriesTable({ ownWords, maxEntries: maxFacts, staleAfterMinutes: ACTIVE_MINUTES, seed });
  }
}

function labelLimitsDiffer(a: Limits, b: Limits): boolean {
  return (
    a !== b &&
    (a.max_label_names_per_series !== b.max_label_names_per_series ||
      a.max_label_name_length !== b.max_label_name_length ||
      a.max_label_value_length !== b.max_label_value_length ||
      a.max_metric_name_length !== b.max_metric_name_length)
  );
}
