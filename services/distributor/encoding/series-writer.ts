import { histogramByteBound } from '@xscaler/encoding';
import { EXEMPLAR_MAX_LABEL_LENGTH, type Exemplar, isStaleWords } from '@xscaler/model';
import { type LogRecordWriter, MAX_TIMESTAMP_MS } from '@xscaler/wire/log-record';
import type { Reason } from '../outcome/refusals.ts';
import type { Fact } from '../series/fact-table.ts';
import type { UndoLog } from '../series/undo-log.ts';
import type { EncoderScratch } from './encoder-scratch.ts';
import type { OpenPush } from './open-push.ts';
import { type PartitionRecords, RECORD_MAX_BYTES } from './partition-records.ts';
import type { SeriesRefusals } from './series-refusals.ts';
import type { StoredLabels } from './stored-labels.ts';
import type { TimeBounds } from './time-bounds.ts';

/** Samples of one series that go into a record at once: at most 36 bytes each. */
const SERIES_SLICE_SAMPLES = 64 * 1024;
const SAMPLE_MAX_BYTES = 17;
const START_TIME_MAX_BYTES = 19;
/** An exemplar that takes more is refused unread: its labels have at most 128 characters. */
const EXEMPLAR_MAX_BYTES = 4 * 1024;

/**
 * Writes the source's series into records. A series that doesn't fit the rest of a record is begun again in the next, so every method
 * returns the record that has the series' latest part, for the method after it.
 */
export class SeriesWriter {
  readonly #push: OpenPush;
  readonly #records: PartitionRecords;
  readonly #refusals: SeriesRefusals;
  readonly #storedLabels: StoredLabels;
  readonly #undo: UndoLog;

  constructor(
    push: OpenPush,
    records: PartitionRecords,
    refusals: SeriesRefusals,
    { storedLabels, undo }: EncoderScratch,
  ) {
    this.#push = push;
    this.#records = records;
    this.#refusals = refusals;
    this.#storedLabels = storedLabels;
    this.#undo = undo;
  }

  /** Adds the `inBounds` samples that are within the bounds. */
  addSamples(fact: Fact, inBounds: number): LogRecordWriter | undefined {
    const { source, bounds, writesNotes } = this.#push;
    const { timestamps, valueWords, sampleCount, startTimes } = source;
    const hasStartTimes = source.hasStartTimes && writesNotes;
    const { minMs, maxMs } = bounds;
    const sampleBytes = SAMPLE_MAX_BYTES + (hasStartTimes ? START_TIME_MAX_BYTES : 0);
    let record: LogRecordWriter | undefined;
    for (let start = 0; start < sampleCount; start += SERIES_SLICE_SAMPLES) {
      const end = Math.min(sampleCount, start + SERIES_SLICE_SAMPLES);
      record = this.#beginSeries(fact, sampleBytes * (end - start));
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

  /** Adds native histograms, and refuses those that can't be stored. `begun` has the series' latest part, if it has any. */
  addHistograms(fact: Fact, begun: LogRecordWriter | undefined): LogRecordWriter | undefined {
    const push = this.#push;
    const { source, writesNotes } = push;
    let record = begun;
    for (let i = 0; i < source.histogramCount; i++) {
      const one = source.histogram(i);
      if (this.#refusals.refusesHistogram(one) || one.histogram === undefined) continue;
      const { histogram, timestampMs, sumLow, sumHigh } = one;
      const bytes = SAMPLE_MAX_BYTES + START_TIME_MAX_BYTES + histogramByteBound(histogram);
      if (record === undefined || record.byteLength + bytes > RECORD_MAX_BYTES) {
        record = this.#beginSeries(fact, bytes);
      }
      // A staleness marker needs no buckets.
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

  /** Adds exemplars, and refuses those that can't be stored. `begun` has the series' latest part, if it has any. */
  addExemplars(fact: Fact, begun: LogRecordWriter | undefined): void {
    const push = this.#push;
    const { source, tenant } = push;
    const { exemplarCount } = source;
    // In this order the exemplars that find room in their slots are spread over all.
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
      if (!tenant.exemplars.admits(fact.words, fact.idAt, exemplar, this.#undo)) {
        thinned++;
        continue;
      }
      // The record is full; the series continues in the next one.
      if (record === undefined || record.byteLength + EXEMPLAR_MAX_BYTES > RECORD_MAX_BYTES) {
        record = this.#beginSeries(fact, EXEMPLAR_MAX_BYTES);
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

  /** Begins the series in its partition's record, with room for `wantedBytes` after its labels. */
  #beginSeries(fact: Fact, wantedBytes: number): LogRecordWriter {
    const { source, admission } = this.#push;
    const { words, idAt } = fact;
    let labels = source.labelBytes;
    let start = source.labelsStart;
    let end = source.labelsEnd;
    if (!fact.isNormalised) {
      const stored = this.#storedLabels;
      stored.show(words, idAt, admission, source);
      labels = stored.bytes;
      start = stored.start;
      end = stored.end;
    }
    const record = this.#records.withRoom(fact.partition, fact.group, 32 + end - start + wantedBytes);
    record.addSeries(words[idAt], words[idAt + 1], words[idAt + 2], words[idAt + 3], labels, start, end);
    return record;
  }
}

/** The lowest bits of a number in reverse: consecutive numbers step through the range by halves, then quarters. */
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

/** Leaves out a start that isn't before its sample, or that no record can hold. */
function setStartTime(record: LogRecordWriter, timestampMs: number, startMs: number): void {
  if (startMs !== 0 && startMs < timestampMs && startMs >= -MAX_TIMESTAMP_MS) record.setStartTime(startMs);
}
