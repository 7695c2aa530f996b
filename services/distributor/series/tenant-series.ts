import type { Leases, SeriesTotal } from '@xscaler/cluster';
import type { ByteWriter, ContentHash } from '@xscaler/encoding';
import { Labels, seriesId } from '@xscaler/model';
import { type Limits, partitionOf, type Shard } from '@xscaler/tenancy';
import { LabelSetParser, type SeriesSource, writeLabelSet } from '@xscaler/wire/labels';
import type { Question } from '../outcome/question.ts';
import type { Reason } from '../outcome/refusals.ts';
import { ACTIVE_MINUTES, ActiveSeries } from './active-series.ts';
import { ExemplarSlots } from './exemplar-slots.ts';
import type { HaPairOptions } from './ha-pair.ts';
import { HaPairs } from './ha-pairs.ts';
import { KnownMetadata } from './known-metadata.ts';
import { LabelRewriting, type RewrittenLabels } from './label-rewriting.ts';
import { type LabelSizes, labelWithValueOf, sizesOf } from './label-sizes.ts';
import { groupKey } from './partitioning.ts';
import { TextTooLongError } from './relabelling.ts';
import { FIRST_OWN_WORD, LAST_SEEN, SeriesTable } from './series-table.ts';
import { TokenBucket } from './token-bucket.ts';

/**
 * Own words of a fact: the series id (4), its group key, its partition and how it came, what it was checked under, and the number
 * of the replica of an HA pair that sends it, 0 if none does.
 */
export const FACT_ID = FIRST_OWN_WORD;
export const FACT_GROUP = FIRST_OWN_WORD + 4;
const FACT_PLACE = FIRST_OWN_WORD + 5;
const FACT_GENERATION = FIRST_OWN_WORD + 6;
export const FACT_REPLICA = FIRST_OWN_WORD + 7;
const FACT_WORDS = 8;

const PARTITION_MASK = 0xffff;
/** What is stored is not the bytes that came. */
const NOT_NORMALISED = 0x10000;
/** Relabelling leaves the series out. It has no id, and no generation: it is looked at again each time it comes. */
const LEFT_OUT = 0x20000;
const NO_GENERATION = -1;

/** However high the limits are: a series has to fit a record. */
const LABELS_MAX_BYTES = 1024 * 1024;

/** `LAST_SEEN` is this coarse, so that the steady path writes nothing. */
const REFRESH_MINUTES = 5;
const SWEEP_EVERY_MS = 1_000;
/** The name of a replica is not stored, so that no other limit holds for it. */
const REPLICA_MAX_LENGTH = 1024;

/** Where the labels of a series are. */
export type SeriesLabels = Pick<SeriesSource, 'labelBytes' | 'labelsStart' | 'labelsEnd'>;

export interface TenantSeriesOptions {
  readonly tenant: string;
  /** Bound on the series of a tenant that facts are kept for. */
  readonly maxFacts: number;
  readonly seed: number;
  /** Ids (4 words each) of the series that are active now, from the ingesters. */
  readonly loadActive: ((tenant: string) => Promise<Uint32Array>) | undefined;
  readonly onLoadFailed: (error: unknown) => void;
  /** How many there are over the cluster; absent if there is no other distributor. */
  readonly activeTotal?: ((tenant: string) => Promise<SeriesTotal | undefined>) | undefined;
  /** Where elections of HA pairs are agreed on; absent if there is no other distributor. */
  readonly leases?: Leases | undefined;
  readonly onElected: HaPairOptions['onElected'];
}

/**
 * What a distributor knows about a tenant's series: facts by the hash of a series' label bytes, and, if
 * the tenant has a series limit, which ids are active.
 *
 * Facts are not verdicts: each carries the generation of label limits and shard that its labels were last checked
 * and placed under; when those have changed that is done again if the series comes next.
 */
export class TenantSeries {
  readonly facts: SeriesTable;
  readonly bucket = new TokenBucket();
  readonly metadata: KnownMetadata;
  readonly exemplars: ExemplarSlots;
  lastPushMs = 0;
  /** Why `admit` or `refresh` refused. */
  refusedFor: Reason = 'no_labels';
  refusedDetail = '';

  readonly haPairs: HaPairs;

  readonly #options: TenantSeriesOptions;
  readonly #parser = new LabelSetParser();
  readonly #questions = new Set<Question>();
  #rewriting: LabelRewriting | undefined;
  #active: ActiveSeries | undefined;
  #limits: Limits | undefined;
  #shard: Shard | undefined;
  #generation = 0;
  #nowMs = 0;
  #mayAsk = true;
  #remark = '';
  #nowMinute = 1;
  #sweptMs = 0;

  constructor(options: TenantSeriesOptions) {
    this.#options = options;
    this.facts = this.#table(FACT_WORDS);
    this.metadata = new KnownMetadata(options.seed);
    this.exemplars = new ExemplarSlots(options.seed);
    this.haPairs = new HaPairs(options);
  }

  /**
   * Prepares for a request: takes the current limits and shard, drops a little of what is stale.
   * @param mayAsk whether there may be questions; else what can't be told is accepted
   */
  begin(limits: Limits, shard: Shard, nowMs: number, mayAsk: boolean): void {
    this.#mayAsk = mayAsk;
    this.lastPushMs = nowMs;
    this.#nowMs = nowMs;
    this.#questions.clear();
    this.#remark = '';
    this.#nowMinute = Math.max(1, Math.floor(nowMs / 60_000));
    this.exemplars.begin(limits.max_exemplars_per_series_per_minute, this.#nowMinute);
    const isChecked = this.#limits !== undefined && !labelLimitsDiffer(this.#limits, limits);
    if (!isChecked || this.#shard !== shard) this.#generation++;
    if (this.#limits !== limits) this.#setRewriting(limits);
    this.#limits = limits;
    this.#shard = shard;
    if (limits.max_global_series_per_user > 0) this.#countActive(limits.max_global_series_per_user);
    else this.#active = undefined;
    if (nowMs - this.#sweptMs < SWEEP_EVERY_MS) return;
    this.#sweptMs = nowMs;
    this.facts.sweep(this.#nowMinute);
    this.#active?.sweep();
    this.metadata.sweep(this.#nowMinute);
    this.exemplars.sweep();
  }

  /** Metadata and exemplars that were noted as stored may not have been. */
  noteFailure(storedExemplars: number): void {
    this.metadata.clear();
    if (storedExemplars > 0) this.exemplars.forget();
  }

  /** What the request that was looked at since `begin` left open: it is to be encoded again once that is decided. */
  takeQuestions(): Question[] {
    const questions = [...this.#questions];
    this.#questions.clear();
    return questions;
  }

  /** Active series as far as they are known here, if the tenant has a limit on them. */
  get active(): ActiveSeries | undefined {
    return this.#active;
  }

  /** What somebody whose new series are refused wants to know; made once a request. */
  get limitRemark(): string {
    this.#remark ||= this.#active?.remark ?? '';
    return this.#remark;
  }

  /** Whether samples of the replica (a fact's `FACT_REPLICA`), the youngest at `timeMs`, are to be stored. */
  acceptsReplica(replica: number, timeMs: number): boolean {
    return this.haPairs.accepts(replica, timeMs, this.#nowMs, this.#questions);
  }

  /** Writes the labels that are stored of a series that `find` has found, in normal form. */
  writeLabels(reader: SeriesLabels, to: ByteWriter): void {
    const parser = this.#parser;
    parser.parse(reader.labelBytes, reader.labelsStart, reader.labelsEnd);
    writeLabelSet(this.#rewriting?.rewrite(parser.pairs)?.pairs ?? parser.pairs, to);
  }

  /**
   * Index in `facts.words` of the series whose content hash `hash` has, or −1 if it is refused
   * (`refusedFor`, `refusedDetail`).
   * @throws DecodeError if a new series' label bytes aren't labels
   */
  find(hash: ContentHash, reader: SeriesLabels): number {
    const { facts } = this;
    const at = facts.find(hash.h0, hash.h1, hash.h2, hash.h3);
    if (at < 0 || facts.words[at + FACT_GENERATION] !== this.#generation)
      return this.#admit(hash, reader, at);
    if (this.#nowMinute - facts.words[at + LAST_SEEN] >= REFRESH_MINUTES) return this.#refresh(at);
    return at;
  }

  /** What is admitted from here on can be taken back, until `settle`. */
  mark(): void {
    this.facts.mark();
    this.#active?.mark();
    this.exemplars.mark();
  }

  settle(): void {
    this.facts.settle();
    this.#active?.settle();
    this.exemplars.settle();
  }

  /** Forgets the series that were admitted since `mark`. */
  rewind(): void {
    this.facts.rewind();
    this.#active?.rewind();
    this.exemplars.rewind();
  }

  static partition(words: Int32Array, at: number): number {
    return words[at + FACT_PLACE] & PARTITION_MASK;
  }

  /** Whether the series' label bytes are already what a log record wants. */
  static normalised(words: Int32Array, at: number): boolean {
    return (words[at + FACT_PLACE] & NOT_NORMALISED) === 0;
  }

  #setRewriting(limits: Limits): void {
    if (this.#rewriting?.isBy(limits)) return;
    this.#rewriting = new LabelRewriting(limits);
    this.facts.clear();
  }

  #admit(hash: ContentHash, reader: SeriesLabels, known: number): number {
    if (known >= 0 && (this.facts.words[known + FACT_PLACE] & LEFT_OUT) !== 0) {
      this.facts.words[known + LAST_SEEN] = this.#nowMinute;
      this.#refuse('dropped_by_relabelling', '');
      return -1;
    }
    const labelsBytes = reader.labelsEnd - reader.labelsStart;
    if (labelsBytes > LABELS_MAX_BYTES) {
      this.#refuse('labels_too_long', `${labelsBytes} bytes`);
      return -1;
    }
    const parser = this.#parser;
    parser.parse(reader.labelBytes, reader.labelsStart, reader.labelsEnd);
    if (this.#hasParserFault()) return -1;
    const rewritten = this.#rewrite(parser.pairs);
    if (rewritten === 'refused') return -1;
    if (rewritten === undefined) {
      this.#leaveOut(hash, known);
      return -1;
    }
    const isAsItCame = rewritten.pairs === parser.pairs;
    if (this.#isOverLimits(rewritten.pairs, isAsItCame ? parser : sizesOf(rewritten.pairs))) return -1;
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
    const replica = this.#replicaOf(rewritten);
    if (replica < 0) return -1;
    const isNormal = isAsItCame && parser.normalised;
    const labels = Labels.fromSorted(isAsItCame ? parser.takePairs() : rewritten.pairs);
    const id = seriesId(tenant, labels);
    const idWords = new Int32Array(new Uint8Array(id).buffer);
    if (!this.#activate(idWords, 0, labels.pairs)) return -1;
    const group = groupKey(tenant, labels, id);
    const place = partitionOf(group, shard) | (isNormal ? 0 : NOT_NORMALISED);
    const at = facts.insert(hash.h0, hash.h1, hash.h2, hash.h3, this.#nowMinute);
    const { words } = facts;
    for (let i = 0; i < 4; i++) words[at + FACT_ID + i] = idWords[i];
    words[at + FACT_GROUP] = group;
    words[at + FACT_PLACE] = place;
    words[at + FACT_GENERATION] = this.#generation;
    words[at + FACT_REPLICA] = replica;
    return at;
  }

  /** The labels as they are stored; undefined if the series is to be left out. */
  #rewrite(pairs: readonly string[]): RewrittenLabels | undefined | 'refused' {
    try {
      return (this.#rewriting as LabelRewriting).rewrite(pairs);
    } catch (error) {
      if (!(error instanceof TextTooLongError)) throw error;
      this.#refuse('relabelling_too_costly', error.message);
      return 'refused';
    }
  }

  #refresh(at: number): number {
    const { words } = this.facts;
    if (!this.#activate(words, at + FACT_ID, undefined)) return -1;
    // A series that was active here for a moment only isn't to be taken for one the next time.
    this.facts.removeOnRewind(words, at);
    words[at + LAST_SEEN] = this.#nowMinute;
    return at;
  }

  /** Notes that relabelling leaves the series out, so that its rules are not run each time. */
  #leaveOut(hash: ContentHash, known: number): void {
    const { facts } = this;
    const at = known >= 0 ? known : facts.insert(hash.h0, hash.h1, hash.h2, hash.h3, this.#nowMinute);
    facts.words[at + FACT_PLACE] = LEFT_OUT;
    facts.words[at + FACT_GENERATION] = NO_GENERATION;
    this.#refuse('dropped_by_relabelling', '');
  }

  /** The number of the replica that sends the series, 0 if none does, −1 if it is refused. */
  #replicaOf({ cluster, replica }: RewrittenLabels): number {
    if (cluster === undefined || replica === undefined) return 0;
    const { ha_max_clusters: maxClusters, ha_replica_label: label } = this.#limits as Limits;
    if (replica.length > REPLICA_MAX_LENGTH || cluster.length > REPLICA_MAX_LENGTH) {
      this.#refuse('label_value_too_long', `of ${label}, limit ${REPLICA_MAX_LENGTH}`);
      return -1;
    }
    const forget = () => this.facts.clear();
    const number = this.haPairs.numberOf(cluster, replica, maxClusters, this.#nowMs, forget);
    if (number > 0) return number;
    this.#refuse('too_many_ha_clusters', `limit ${maxClusters}`);
    return -1;
  }

  #hasParserFault(): boolean {
    const { fault, faultyName } = this.#parser;
    return fault !== undefined && this.#refuse(fault, faultyName === '' ? '' : JSON.stringify(faultyName));
  }

  #isOverLimits(pairs: readonly string[], sizes: LabelSizes): boolean {
    const limits = this.#limits as Limits;
    const labelCount = pairs.length / 2;
    if (labelCount > limits.max_label_names_per_series) {
      return this.#refuse('too_many_labels', `${labelCount} of ${limits.max_label_names_per_series}`);
    }
    if (sizes.metricNameBytes > limits.max_metric_name_length) {
      return this.#refuse(
        'metric_name_too_long',
        `${sizes.metricNameBytes} of ${limits.max_metric_name_length}`,
      );
    }
    if (sizes.longestNameBytes > limits.max_label_name_length) {
      return this.#refuse(
        'label_name_too_long',
        `${sizes.longestNameBytes} of ${limits.max_label_name_length}`,
      );
    }
    if (sizes.longestValueBytes > limits.max_label_value_length) {
      // The answer may not show as much of the series as this label.
      const label = JSON.stringify(labelWithValueOf(pairs, sizes.longestValueBytes));
      const detail = `${label} has ${sizes.longestValueBytes} of ${limits.max_label_value_length}`;
      return this.#refuse('label_value_too_long', detail);
    }
    return false;
  }

  /** Notes that the id at `words[at …]` is active; false if it is new and above the limit. */
  #activate(words: Int32Array, at: number, pairs: readonly string[] | undefined): boolean {
    const active = this.#active;
    if (active === undefined) return true;
    const isAdmitted = active.admit(words, at, pairs, this.#mayAsk);
    if (isAdmitted === true) return true;
    if (isAdmitted === undefined) this.#questions.add(active);
    return !this.#refuse('series_limit', `limit ${(this.#limits as Limits).max_global_series_per_user}`);
  }

  #refuse(reason: Reason, detail: string): true {
    this.refusedFor = reason;
    this.refusedDetail = detail;
    return true;
  }

  /** Counts active series, from the facts on if that wasn't done before. */
  #countActive(limit: number): void {
    let active = this.#active;
    if (active === undefined) {
      const { tenant, maxFacts, seed, loadActive, activeTotal, onLoadFailed } = this.#options;
      const series = new ActiveSeries({
        tenant,
        maxEntries: maxFacts,
        seed,
        load: loadActive,
        total: activeTotal,
        onLoadFailed,
      });
      this.facts.forEach((words, at) => {
        if ((words[at + FACT_PLACE] & LEFT_OUT) === 0)
          series.note(words, at + FACT_ID, words[at + LAST_SEEN]);
      });
      active = series;
      this.#active = active;
    }
    active.begin(limit, this.#nowMs, this.#nowMinute);
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
