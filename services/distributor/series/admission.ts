import type { ByteWriter, ContentHash } from '@xscaler/encoding';
import { seriesId } from '@xscaler/model';
import { type Limits, partitionOf, type Shard } from '@xscaler/tenancy';
import type { Question } from '../outcome/question.ts';
import type { ActiveSeries } from './active-series.ts';
import type { Fact, FactTable } from './fact-table.ts';
import type { HaPairs } from './ha-pairs.ts';
import type { LabelRules, SeriesLabels, StoredPairs } from './label-rules.ts';
import { groupKey } from './partitioning.ts';
import { DROPPED_BY_RELABELLING, Refusal, type Verdict } from './refusal.ts';
import type { UndoLog } from './undo-log.ts';

/** Facts note when they were last seen only this precisely, so that known series cost no write. */
const REFRESH_MINUTES = 5;
/** A replica's name is not stored, so that no other limit applies to it. */
const REPLICA_MAX_LENGTH = 1024;

/** The tenant's state and the request's settings that decide which series are admitted. */
export interface AdmissionParts {
  readonly tenant: string;
  readonly facts: FactTable;
  readonly rules: LabelRules;
  readonly haPairs: HaPairs;
  /** Undefined if the tenant's series are unlimited. */
  readonly active: ActiveSeries | undefined;
  readonly limits: Limits;
  readonly shard: Shard;
  /** Generation of label limits and shard: facts of another one are checked again. */
  readonly generation: number;
  readonly nowMs: number;
  readonly nowMinute: number;
  /** Whether questions may be asked; otherwise undecided series are accepted. */
  readonly mayAsk: boolean;
  readonly undo: UndoLog;
}

/** Admits the series of one request, under the limits and the shard that hold when it arrives. */
export class Admission {
  readonly #facts: FactTable;
  readonly #generation: number;
  readonly #nowMinute: number;
  readonly #parts: AdmissionParts;
  readonly #questions = new Set<Question>();
  #limitRemark = '';

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
    this.#facts = parts.facts;
    this.#generation = parts.generation;
    this.#nowMinute = parts.nowMinute;
  }

  /** The questions the request has raised. Once they are decided it must be encoded again. */
  get questions(): Question[] {
    return [...this.#questions];
  }

  /** Names the fastest growing metrics and labels to a sender at the series limit; made once a request. */
  get limitRemark(): string {
    this.#limitRemark ||= this.#parts.active?.remark ?? '';
    return this.#limitRemark;
  }

  /**
   * Whether the series whose label bytes have this hash is stored.
   * @throws DecodeError if a new series' label bytes aren't labels
   */
  judge(hash: ContentHash, labels: SeriesLabels): Verdict {
    const fact = this.#facts.find(hash);
    if (fact === undefined || fact.generation !== this.#generation) return this.#check(hash, labels, fact);
    if (this.#nowMinute - fact.lastSeenMinute >= REFRESH_MINUTES) return this.#refresh(hash, fact);
    return fact;
  }

  /** Whether samples of an HA replica, the youngest at `timeMs`, are stored. */
  acceptsReplica(replica: number, timeMs: number): boolean {
    const { haPairs, nowMs } = this.#parts;
    return haPairs.accepts(replica, timeMs, nowMs, this.#questions);
  }

  /** Writes the labels to store of an admitted series, in normal form. */
  writeLabels(labels: SeriesLabels, to: ByteWriter): void {
    this.#parts.rules.write(labels, to);
  }

  #check(hash: ContentHash, labels: SeriesLabels, known: Fact | undefined): Verdict {
    if (known?.isDropped) {
      known.lastSeenMinute = this.#nowMinute;
      return DROPPED_BY_RELABELLING;
    }
    const stored = this.#parts.rules.judge(labels);
    if (stored === DROPPED_BY_RELABELLING) this.#drop(hash, known);
    if (stored.isRefused) return stored;
    if (known === undefined) return this.#add(hash, stored);
    known.place(partitionOf(known.group, this.#parts.shard), this.#generation);
    return this.#refresh(hash, known);
  }

  #add(hash: ContentHash, stored: StoredPairs): Verdict {
    const { tenant, rules, shard } = this.#parts;
    const replica = this.#replicaOf(stored);
    if (replica instanceof Refusal) return replica;
    const isNormalised = rules.isNormalised(stored);
    const labels = rules.take(stored);
    const idBytes = seriesId(tenant, labels);
    const id = new Int32Array(new Uint8Array(idBytes).buffer);
    const refusal = this.#activate(id, 0, labels.pairs);
    if (refusal !== undefined) return refusal;
    const group = groupKey(tenant, labels, idBytes);
    const values = { id, group, partition: partitionOf(group, shard), isNormalised, replica };
    const fact = this.#facts.add(hash, values, this.#generation, this.#nowMinute);
    this.#noteFact(hash);
    return fact;
  }

  /** Notes that relabelling drops the series, so that the rules don't run each time. */
  #drop(hash: ContentHash, known: Fact | undefined): void {
    if (known !== undefined) {
      known.drop();
      return;
    }
    this.#facts.addDropped(hash, this.#nowMinute);
    this.#noteFact(hash);
  }

  #refresh(hash: ContentHash, fact: Fact): Verdict {
    const refusal = this.#activate(fact.words, fact.idAt, undefined);
    if (refusal !== undefined) return refusal;
    // If the series' activity is undone, the fact must not count it as seen.
    this.#noteFact(hash);
    fact.lastSeenMinute = this.#nowMinute;
    return fact;
  }

  #noteFact({ h0, h1, h2, h3 }: ContentHash): void {
    this.#parts.undo.note(this.#facts.undoable, h0, h1, h2, h3);
  }

  /** Number of the HA replica that sends the series, 0 if none does. */
  #replicaOf({ cluster, replica }: StoredPairs): number | Refusal {
    if (cluster === undefined || replica === undefined) return 0;
    const { haPairs, limits, nowMs } = this.#parts;
    const { ha_max_clusters: maxClusters, ha_replica_label: label } = limits;
    if (replica.length > REPLICA_MAX_LENGTH || cluster.length > REPLICA_MAX_LENGTH) {
      return new Refusal('label_value_too_long', `of ${label}, limit ${REPLICA_MAX_LENGTH}`);
    }
    const number = haPairs.numberOf(cluster, replica, maxClusters, nowMs, () => this.#facts.clear());
    return number > 0 ? number : new Refusal('too_many_ha_clusters', `limit ${maxClusters}`);
  }

  /** Notes that the id at `words[at …]` is active, unless it is new and above the limit. */
  #activate(words: Int32Array, at: number, pairs: readonly string[] | undefined): Refusal | undefined {
    const { active, mayAsk, limits, undo } = this.#parts;
    if (active === undefined) return undefined;
    const isAdmitted = active.admit(words, at, pairs, mayAsk, undo);
    if (isAdmitted === true) return undefined;
    if (isAdmitted === undefined) this.#questions.add(active);
    return new Refusal('series_limit', `limit ${limits.max_global_series_per_user}`);
  }
}
