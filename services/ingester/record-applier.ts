import { ID_WORDS } from '@xscaler/model';
import type { Head } from '@xscaler/tsdb';
import type { LogRecordReader } from '@xscaler/wire';
import type { LedgerView } from './ledger-view.ts';
import type { PartitionHeads } from './partition-heads.ts';

/** What applying one record did, in samples. */
export interface ApplyCounts {
  stored: number;
  /** The same value again: silent. */
  repeated: number;
  /** Another value for a timestamp that has one: the first stands. */
  conflicting: number;
  /** Already in a block (replay). */
  skipped: number;
}

export function noCounts(): ApplyCounts {
  return { stored: 0, repeated: 0, conflicting: 0, skipped: 0 };
}

/**
 * Puts the samples of a decoded record into the heads of its tenant. Nothing but the record, its offset and the
 * ledger decides what happens: a replay gives the same heads. `nowMs` is only noted as a new head's age.
 *
 * Windows are found again for every sample that leaves the last one; ids are looked up once a series and window.
 */
export class RecordApplier {
  readonly #heads: PartitionHeads;
  readonly #ledger: LedgerView;
  #windowStartMs = Number.NaN;
  #head: Head | undefined;

  constructor(heads: PartitionHeads, ledger: LedgerView) {
    this.#heads = heads;
    this.#ledger = ledger;
  }

  apply(record: LogRecordReader, offset: number, nowMs: number, counts: ApplyCounts): void {
    const { ids, sampleEnds, timestamps, valueWords, windowMs, seriesCount } = record;
    this.#windowStartMs = Number.NaN;
    let sample = 0;
    for (let series = 0; series < seriesCount; series++) {
      const end = sampleEnds[series];
      let slot = -1;
      let slotWindowMs = Number.NaN;
      for (; sample < end; sample++) {
        const timestampMs = timestamps[sample];
        const offsetInWindow = timestampMs - this.#windowStartMs;
        if (!(offsetInWindow >= 0 && offsetInWindow < windowMs))
          this.#enter(record, timestampMs, offset, nowMs);
        const head = this.#head;
        if (head === undefined) {
          counts.skipped++;
          continue;
        }
        if (slotWindowMs !== this.#windowStartMs) {
          slotWindowMs = this.#windowStartMs;
          slot = head.find(
            ids[series * ID_WORDS],
            ids[series * ID_WORDS + 1],
            ids[series * ID_WORDS + 2],
            ids[series * ID_WORDS + 3],
          );
          if (slot < 0) slot = this.#create(head, record, series);
        }
        const outcome = head.append(slot, timestampMs, valueWords[2 * sample], valueWords[2 * sample + 1]);
        if (outcome === 0) counts.stored++;
        else if (outcome === 1) counts.repeated++;
        else counts.conflicting++;
      }
    }
    this.#applyExemplars(record, offset, nowMs);
  }

  /** Makes the head of a timestamp's window current, or none where the ledger says that its samples are stored. */
  #enter(record: LogRecordReader, timestampMs: number, offset: number, nowMs: number): void {
    const { tenant, windowMs } = record;
    const startMs = Math.floor(timestampMs / windowMs) * windowMs;
    this.#windowStartMs = startMs;
    const stored = this.#ledger.mayCover(offset) && this.#ledger.covers(tenant, startMs, windowMs, offset);
    this.#head = stored ? undefined : this.#heads.mustOpen(tenant, startMs, windowMs, offset, nowMs).head;
  }

  #create(head: Head, record: LogRecordReader, series: number): number {
    const { ids } = record;
    const at = series * ID_WORDS;
    return head.create(ids[at], ids[at + 1], ids[at + 2], ids[at + 3], record.labelsOf(series));
  }

  /** An exemplar goes into the head of its own time. */
  #applyExemplars(record: LogRecordReader, offset: number, nowMs: number): void {
    const { ids, tenant, windowMs } = record;
    for (const { series, exemplar } of record.exemplars()) {
      const startMs = Math.floor(exemplar.timestampMs / windowMs) * windowMs;
      if (this.#ledger.mayCover(offset) && this.#ledger.covers(tenant, startMs, windowMs, offset)) continue;
      const { head } = this.#heads.mustOpen(tenant, startMs, windowMs, offset, nowMs);
      const at = series * ID_WORDS;
      let slot = head.find(ids[at], ids[at + 1], ids[at + 2], ids[at + 3]);
      if (slot < 0) slot = this.#create(head, record, series);
      head.appendExemplar(slot, exemplar);
    }
  }
}
