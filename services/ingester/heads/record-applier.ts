import { ID_WORDS } from '@xscaler/model';
import { type AppendOutcome, type Head, newHistogramBytes } from '@xscaler/tsdb';
import type { LogRecordReader } from '@xscaler/wire/log-record';
import type { LedgerView } from './ledger-view.ts';
import type { PartitionHeads } from './partition-heads.ts';

/** The effect of one record, in samples. */
export interface ApplyCounts {
  stored: number;
  /** The same value again; not reported. */
  repeated: number;
  /** Another value for a timestamp that has one: the first wins. */
  conflicting: number;
  /** Index in the record of the first series with such a sample, −1 if there is none. */
  conflictingSeries: number;
  /** Already in a block (replay). */
  skipped: number;
}

export function noCounts(): ApplyCounts {
  return { stored: 0, repeated: 0, conflicting: 0, conflictingSeries: -1, skipped: 0 };
}

/**
 * Puts the samples of a decoded record into its tenant's heads. Only the record, its offset and the ledger decide the
 * result, so a replay gives the same heads. `nowMs` only dates a new head.
 *
 * The window is looked up for every sample outside the last one; ids are looked up once per series and window.
 */
export class RecordApplier {
  readonly #heads: PartitionHeads;
  readonly #ledger: LedgerView;
  #windowStartMs = Number.NaN;
  #head: Head | undefined;
  /** Index of the current record's next histogram to apply. */
  #nextHistogram = 0;
  readonly #histogram = newHistogramBytes();

  constructor(heads: PartitionHeads, ledger: LedgerView) {
    this.#heads = heads;
    this.#ledger = ledger;
  }

  apply(record: LogRecordReader, offset: number, nowMs: number, counts: ApplyCounts): void {
    const { ids, sampleEnds, timestamps, valueWords, windowMs, seriesCount } = record;
    const isPlain = record.histogramPlaces.count === 0 && record.startTimes === undefined;
    this.#nextHistogram = 0;
    this.#windowStartMs = Number.NaN;
    let sample = 0;
    let slot = -1;
    for (let series = 0; series < seriesCount; series++) {
      const end = sampleEnds[series];
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
          slot = head.findAt(
            slot + 1,
            ids[series * ID_WORDS],
            ids[series * ID_WORDS + 1],
            ids[series * ID_WORDS + 2],
            ids[series * ID_WORDS + 3],
          );
          if (slot < 0) slot = this.#create(head, record, series);
        }
        const outcome = isPlain
          ? head.append(slot, timestampMs, valueWords[2 * sample], valueWords[2 * sample + 1])
          : this.#appendNoted(head, slot, record, sample);
        if (outcome === 0) counts.stored++;
        else if (outcome === 1) counts.repeated++;
        else if (counts.conflicting++ === 0) counts.conflictingSeries = series;
      }
    }
    this.#applyExemplars(record, offset, nowMs);
  }

  /** Applies a sample of a record with native histograms or start timestamps. */
  #appendNoted(head: Head, slot: number, record: LogRecordReader, sample: number): AppendOutcome {
    const { timestamps, valueWords, startTimes, histogramPlaces } = record;
    const { count, samples, places, bytes } = histogramPlaces;
    let next = this.#nextHistogram;
    while (next < count && samples[next] < sample) next++;
    this.#nextHistogram = next;
    const histogram = next < count && samples[next] === sample ? this.#histogram : undefined;
    if (histogram !== undefined) {
      histogram.bytes = bytes;
      histogram.layoutStart = places[4 * next];
      histogram.layoutEnd = places[4 * next + 1];
      histogram.countsStart = places[4 * next + 2];
      histogram.countsEnd = places[4 * next + 3];
    }
    const low = valueWords[2 * sample];
    const high = valueWords[2 * sample + 1];
    const startMs = startTimes === undefined ? 0 : startTimes[sample];
    return head.appendNoted(slot, timestamps[sample], low, high, startMs, histogram);
  }

  /** Makes the head of a timestamp's window current, or no head if the ledger says that its samples are stored. */
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
      if (record.keepsAllExemplars) head.appendExemplar(slot, exemplar);
      else head.appendYoungestExemplar(slot, exemplar);
    }
  }
}
