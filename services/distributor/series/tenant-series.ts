import type { Leases, SeriesTotal } from '@xscaler/cluster';
import type { Limits, Shard } from '@xscaler/tenancy';
import { LabelSetParser } from '@xscaler/wire/labels';
import { ActiveSeries } from './active-series.ts';
import { Admission } from './admission.ts';
import { ExemplarSlots } from './exemplar-slots.ts';
import { FactTable } from './fact-table.ts';
import type { HaPairOptions } from './ha-pair.ts';
import { HaPairs } from './ha-pairs.ts';
import { KnownMetadata } from './known-metadata.ts';
import { LabelRules } from './label-rules.ts';
import { TokenBucket } from './token-bucket.ts';
import type { UndoLog } from './undo-log.ts';

const SWEEP_EVERY_MS = 1_000;

export interface TenantSeriesOptions {
  readonly tenant: string;
  /** Bound on the series that facts are kept for. */
  readonly maxFacts: number;
  readonly seed: number;
  /** Ids (4 words each) of the series that are active beyond this process. */
  readonly loadActive: ((tenant: string) => Promise<Uint32Array>) | undefined;
  readonly onLoadFailed: (error: unknown) => void;
  /** The number of active series in the cluster; absent if there is no other distributor. */
  readonly activeTotal?: ((tenant: string) => Promise<SeriesTotal | undefined>) | undefined;
  /** Agrees on the elected replicas of HA pairs; absent if there is no other distributor. */
  readonly leases?: Leases | undefined;
  readonly onElected: HaPairOptions['onElected'];
}

/** A request as far as it decides which series are admitted. */
export interface AdmissionRequest {
  readonly limits: Limits;
  readonly shard: Shard;
  readonly nowMs: number;
  /** Whether questions may be asked; otherwise undecided series are accepted. */
  readonly mayAsk: boolean;
}

/**
 * What a distributor remembers of a tenant from one request to the next.
 *
 * Facts are not verdicts: each has the generation of label limits and shard that its labels were last checked and placed under. After
 * a change the series is checked and placed again when it next arrives.
 */
export class TenantSeries {
  readonly facts: FactTable;
  readonly bucket = new TokenBucket();
  readonly metadata: KnownMetadata;
  readonly exemplars: ExemplarSlots;
  readonly haPairs: HaPairs;
  lastPushMs = 0;

  readonly #options: TenantSeriesOptions;
  readonly #parser = new LabelSetParser();
  #rules: LabelRules | undefined;
  #active: ActiveSeries | undefined;
  #shard: Shard | undefined;
  #generation = 0;
  #sweptMs = 0;

  constructor(options: TenantSeriesOptions) {
    const { maxFacts, seed } = options;
    this.#options = options;
    this.facts = new FactTable(maxFacts, seed);
    this.metadata = new KnownMetadata(seed);
    this.exemplars = new ExemplarSlots(seed);
    this.haPairs = new HaPairs(options);
  }

  /** Active series known here; undefined if the tenant's series are unlimited. */
  get active(): ActiveSeries | undefined {
    return this.#active;
  }

  /** Begins a request, and drops a few stale entries. */
  admission(request: AdmissionRequest, undo: UndoLog): Admission {
    const { limits, shard, nowMs } = request;
    const nowMinute = Math.max(1, Math.floor(nowMs / 60_000));
    this.lastPushMs = nowMs;
    this.exemplars.begin(limits.max_exemplars_per_series_per_minute, nowMinute);
    const rules = this.#rulesUnder(limits);
    if (this.#shard !== shard) this.#generation++;
    this.#shard = shard;
    const active = this.#activeUnder(limits.max_global_series_per_user, nowMs, nowMinute);
    this.#sweep(nowMs, nowMinute);
    const { facts, haPairs } = this;
    const { tenant } = this.#options;
    const generation = this.#generation;
    return new Admission({ ...request, tenant, facts, rules, haPairs, active, generation, nowMinute, undo });
  }

  /** Metadata and exemplars noted as stored may not have been. */
  noteFailure(storedExemplars: number): void {
    this.metadata.clear();
    if (storedExemplars > 0) this.exemplars.forget();
  }

  #rulesUnder(limits: Limits): LabelRules {
    let rules = this.#rules;
    if (rules?.isUnder(limits)) return rules;
    if (rules === undefined || !rules.rewriteLike(limits)) {
      rules = new LabelRules(limits, this.#parser);
      this.#rules = rules;
      this.#generation++;
      // The same label bytes may become another series.
      this.facts.clear();
    } else if (rules.update(limits)) {
      this.#generation++;
    }
    return rules;
  }

  /** Begins to count active series with those that have facts. */
  #activeUnder(limit: number, nowMs: number, nowMinute: number): ActiveSeries | undefined {
    if (limit <= 0) {
      this.#active = undefined;
    } else {
      this.#active ??= this.#countActive();
      this.#active.begin(limit, nowMs, nowMinute);
    }
    return this.#active;
  }

  #countActive(): ActiveSeries {
    const { tenant, maxFacts, seed, loadActive, activeTotal, onLoadFailed } = this.#options;
    const active = new ActiveSeries({
      tenant,
      maxEntries: maxFacts,
      seed,
      load: loadActive,
      total: activeTotal,
      onLoadFailed,
    });
    this.facts.forEachStored((words, idAt, lastSeenMinute) => active.note(words, idAt, lastSeenMinute));
    return active;
  }

  #sweep(nowMs: number, nowMinute: number): void {
    if (nowMs - this.#sweptMs < SWEEP_EVERY_MS) return;
    this.#sweptMs = nowMs;
    this.facts.sweep(nowMinute);
    this.#active?.sweep();
    this.metadata.sweep(nowMinute);
    this.exemplars.sweep();
  }
}
