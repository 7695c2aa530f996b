import { histogramByteBound } from '@xscaler/encoding';
import { EXEMPLAR_MAX_LABEL_LENGTH, type Exemplar, isStaleWords } from '@xscaler/model';
import { type LogRecordWriter, MAX_TIMESTAMP_MS } from '@xscaler/wire/log-record';
import type { Reason } from '../outcome/refusals.ts';
import { FACT_GROUP, FACT_ID, TenantSeries } from '../series/tenant-series.ts';
import type { OpenPush } from './open-push.ts';
import { type PartitionRecords, RECORD_MAX_BYTES } from './partition-records.ts';
import type { SeriesRefusals } from './series-refusals.ts';
import { StoredLabels } from './stored-labels.ts';
import type { TimeBounds } from './time-bounds.ts';

/** Samples of one series that go into a record at once: at most 36 bytes each. */
const SERIES_SLICE_SAMPLES = 64 * 1024;
const SAMPLE_MAX_BYTES = 17;
const START_TIME_MAX_BYTES = 19;
/** An exemplar that takes more is refused unread: its labels have at most 128 characters. */
const EXEMPLAR_MAX_BYTES = 4 * 1024;

/** Bound on the label sets that are stored otherwise than they come, bytes: a process' part of them all. */
const STORED_LABELS_BYTES = 64 * 1024 * 1024;

/**
 * Writes the series that the source stands on into records, by the facts at `words[at …]` about it. A series is begun
 * again wherever it goes on in another record: what writes returns the record if it stands last, for what comes after.
 */
export class SeriesWriter {
  readonly #storedLabels = new StoredLabels(STORED_LABELS_BYTES);
  readonly #records: PartitionRecords;
  readonly #refusals: SeriesRefusals;
  #push!: OpenPush;

  constructor(records: PartitionRecords, refusals: SeriesRefusals) {
    this.#records = records;
    this.#refusals = refusals;
  }

  begin(push: OpenPush): void {
    this.#push = push;
  }

  /** Those within the bounds: `inBounds` of them. */
  addSamples(words: Int32Array, at: number, inBounds: number): LogRecordWriter | undefined {
    const { source, bounds, writesNotes } = this.#push;
    const { timestamps, valueWords, sampleCount, startTimes } = source;
    const hasStartTimes = source.hasStartTimes && writesNotes;
    const { minMs, maxMs } = bounds;
    const sampleBytes = SAMPLE_MAX_BYTES + (hasStartTimes ? START_TIME_MAX_BYTES : 0);
    let record: LogRecordWriter | undefined;
    for (let start = 0; start < sampleCount; start += SERIES_SLICE_SAMPLES) {
      const end = Math.min(sampleCount, start + SERIES_SLICE_SAMPLES);
      record = this.#beginSeries(words, at, sampleBytes * (end - start));
      for (let i = start; i < end; i++) {
        const timestampMs = timestamps[i];
        if (timestampMs >= minMs && timestampMs <= maxMs) {
          record.addSampleOf(timestamps, valueWords, i);
          if (hasStartTimes) setStartTime(record, timestampMs, startTimes[i]);
        }
      }
    }
    this.#push.storedSamples += inBounds;
    return record;
  }

  /** Native histograms; those that can't be stored are refused. `begun` is the record if the series stands last, if it does. */
  addHistograms(
    words: Int32Array,
    at: number,
    begun: LogRecordWriter | undefined,
  ): LogRecordWriter | undefined {
    const push = this.#push;
    const { source, writesNotes } = push;
    let record = begun;
    for (let i = 0; i < source.histogramCount; i++) {
      const one = source.histogram(i);
      if (this.#refusals.refusesHistogram(one) || one.histogram === undefined) continue;
      const { histogram, timestampMs, sumLow, sumHigh } = one;
      const bytes = SAMPLE_MAX_BYTES + START_TIME_MAX_BYTES + histogramByteBound(histogram);
      if (record === undefined || record.byteLength + bytes > RECORD_MAX_BYTES) {
        record = this.#beginSeries(words, at, bytes);
      }
      // What ends a series needs no buckets.
      if (isStaleWords(sumLow, sumHigh)) {
        record.addSample(timestampMs, sumLow, sumHigh);
      } else {
        push.needsNewerRecords ||= !writesNotes;
        record.addHistogram(timestampMs, sumLow, sumHigh, histogram, one.isInteger);
        setStartTime(record, timestampMs, one.startMs);
      }
      push.storedSamples++;
      push.storedHistograms++;
    }
    return record;
  }

  /** Those that can't be stored are refused. `begun` is the record if the series stands last, if it does. */
  addExemplars(words: Int32Array, at: number, begun: LogRecordWriter | undefined): void {
    const push = this.#push;
    const { source, tenant } = push;
    const { exemplarCount } = source;
    // Those that find room in their slots are then spread over all.
    const isSpread = exemplarCount > tenant.exemplars.perSlot;
    const bits = isSpread ? 32 - Math.clz32(exemplarCount - 1) : 0;
    const steps = isSpread ? 2 ** bits : exemplarCount;
    let record = begun;
    let thinned = 0;
    for (let step = 0; step < steps; step++) {
      const i = isSpread ? reversedBits(step, bits) : step;
      if (i >= exemplarCount) continue;
      const exemplar = this.#storableExemplar(i);
      if (exemplar === undefined) continue;
      if (!tenant.exemplars.admits(words, at + FACT_ID, exemplar)) {
        thinned++;
        continue;
      }
      // A record that got no further than this is full; the series goes on in the next.
      if (record === undefined || record.byteLength + EXEMPLAR_MAX_BYTES > RECORD_MAX_BYTES) {
        record = this.#beginSeries(words, at, EXEMPLAR_MAX_BYTES);
        if (this.#records.isOverfull) return;
      }
      record.addExemplar(exemplar);
      push.storedExemplars++;
    }
    this.#refusals.thinExemplars(thinned);
  }

  /** Exemplar `i` of the series; undefined if it can't be stored: then it is refused. */
  #storableExemplar(i: number): Exemplar | undefined {
    const { source, bounds } = this.#push;
    const tooLong = source.exemplarBytes(i) > EXEMPLAR_MAX_BYTES;
    const exemplar = tooLong ? undefined : source.exemplar(i);
    const reason = tooLong ? 'exemplar_too_long' : exemplarFault(exemplar, bounds);
    if (reason === undefined) return exemplar;
    this.#refusals.refuseExemplar(reason);
    return undefined;
  }

  /** The record of the series' partition, if the series has been begun with room for `wantedBytes` after its labels. */
  #beginSeries(words: Int32Array, at: number, wantedBytes: number): LogRecordWriter {
    const { source, tenant } = this.#push;
    let labels = source.labelBytes;
    let start = source.labelsStart;
    let end = source.labelsEnd;
    if (!TenantSeries.normalised(words, at)) {
      const stored = this.#storedLabels;
      stored.show(words, at + FACT_ID, tenant, source);
      labels = stored.bytes;
      start = stored.start;
      end = stored.end;
    }
    const partition = TenantSeries.partition(words, at);
    const record = this.#records.withRoom(partition, words[at + FACT_GROUP], 32 + end - start + wantedBytes);
    record.addSeries(
      words[at + FACT_ID],
      words[at + FACT_ID + 1],
      words[at + FACT_ID + 2],
      words[at + FACT_ID + 3],
      labels,
      start,
      end,
    );
    return record;
  }
}

/** The lowest bits of a number in reverse: numbers that follow each other go through all by halves, then quarters. */
function reversedBits(number: number, bits: number): number {
  let reversed = 0;
  for (let bit = 0; bit < bits; bit++) reversed |= ((number >>> bit) & 1) << (bits - 1 - bit);
  return reversed;
}

function exemplarFault(exemplar: Exemplar | undefined, { minMs, maxMs }: TimeBounds): Reason | undefined {
  if (exemplar === undefined) return 'exemplar_labels';
  if (exemplar.timestampMs < minMs || exemplar.timestampMs > maxMs) return 'exemplar_out_of_bounds';
  let length = 0;
  for (const text of exemplar.labels.pairs) for (const _ of text) length++;
  return length > EXEMPLAR_MAX_LABEL_LENGTH ? 'exemplar_too_long' : undefined;
}

/** A start that isn't before its sample says nothing, and one that no record can hold is left out. */
function setStartTime(record: LogRecordWriter, timestampMs: number, startMs: number): void {
  if (startMs !== 0 && startMs < timestampMs && startMs >= -MAX_TIMESTAMP_MS) record.setStartTime(startMs);
}
