import { ContentHash, histogramByteBound } from '@xscaler/encoding';
import { EXEMPLAR_MAX_LABEL_LENGTH, type Exemplar, isStaleWords, Labels } from '@xscaler/model';
import type { Limits, Shard } from '@xscaler/tenancy';
import {
  AT_END,
  AT_METADATA,
  AT_REFUSAL,
  LabelSetParser,
  type LogRecordWriter,
  MAX_TIMESTAMP_MS,
  type SeriesSource,
  type SourceHistogram,
} from '@xscaler/wire';
import { MetadataEncoder } from './metadata-encoder.ts';
import { type PartitionRecord, PartitionRecords, RECORD_MAX_BYTES } from './partition-records.ts';
import { PointMark } from './point-mark.ts';
import type { Question } from './question.ts';
import { INTENDED, type Reason, Refusals } from './refusals.ts';
import { RequestSize } from './request-size.ts';
import { StoredLabels } from './stored-labels.ts';
import { FACT_GROUP, FACT_ID, FACT_REPLICA, TenantSeries } from './tenant-series.ts';
import { type WriteFormat, WriteSources } from './write-sources.ts';

/** Samples of one series that go into a record at once: at most 36 bytes each. */
const SERIES_SLICE_SAMPLES = 64 * 1024;
const SAMPLE_MAX_BYTES = 17;
const START_TIME_MAX_BYTES = 19;
/**
 * A request that is refused for its size is still counted, so that received = stored + refused; up to so many
 * times of what it may have, since 60 MB of empty series cost more than a second.
 */
const COUNTED_PARTS = 100;
/** An exemplar that takes more is refused unread: its labels have at most 128 characters. */
const EXEMPLAR_MAX_BYTES = 4 * 1024;

/** Bound on the label sets that are stored otherwise than they come, bytes: a process' part of them all. */
const STORED_LABELS_BYTES = 64 * 1024 * 1024;

/** From this version on records have native histograms and start timestamps. */
const NOTED_RECORD_VERSION = 2;

/** A request to be encoded. */
export interface WriteBody {
  readonly tenantId: string;
  readonly tenant: TenantSeries;
  readonly limits: Limits;
  /** Where the tenant's samples go now. */
  readonly shard: Shard;
  readonly format: WriteFormat;
  /** Expanded. */
  readonly body: Uint8Array;
  readonly nowMs: number;
  /** The highest version of records that all who read the log understand. */
  readonly recordVersion: number;
  /** Whether there may be questions; else what can't be told is accepted. */
  readonly mayAsk: boolean;
}

/** What became of a request: `received.samples` = `storedSamples` + `refusals.sampleCount`, once appended. */
export interface EncodedPush {
  readonly records: readonly PartitionRecord[];
  readonly received: RequestSize;
  /** Native histograms too. */
  readonly storedSamples: number;
  readonly storedHistograms: number;
  readonly storedExemplars: number;
  readonly storedMetadata: number;
  readonly refusals: Refusals;
  /** Whether there are histograms that the records can't hold in the version they have to have. */
  readonly needsNewerRecords: boolean;
  /** What was left open: nothing of this counts, and the request is to be encoded again, once that is decided. */
  readonly questions: readonly Question[];
}

/**
 * Turns a write request of any format into log records, one per partition (more where they would grow large).
 *
 * One request at a time, synchronously, so that all scratch space is shared; nothing is allocated per
 * sample, and per series only for those that are new, refused, or whose labels don't come in normal form.
 */
export class PushEncoder {
  readonly #hash: ContentHash;
  readonly #sources: WriteSources;
  readonly #parser = new LabelSetParser();
  readonly #storedLabels = new StoredLabels(STORED_LABELS_BYTES);
  readonly #records: PartitionRecords;
  readonly #metadata: MetadataEncoder;

  #source!: SeriesSource;
  #tenant!: TenantSeries;
  #minMs = 0;
  #maxMs = 0;
  /** Of samples (or data points), series, exemplars and metadata entries each. */
  #maxParts = 0;
  #refusals = new Refusals();
  #received = new RequestSize();
  #stored = 0;
  #storedHistograms = 0;
  #storedExemplars = 0;
  #writesNotes = true;
  #needsNewerRecords = false;
  /** Data point of the series before. */
  #point = -1;
  /** Whether that point is several series, of which all are stored or none. */
  #isWhole = false;
  readonly #beforePoint = new PointMark();

  constructor(windowMs: number, seed: Uint32Array) {
    this.#hash = new ContentHash(seed);
    this.#sources = new WriteSources(seed);
    this.#records = new PartitionRecords(windowMs);
    this.#metadata = new MetadataEncoder(this.#hash, this.#records);
  }

  /** Bytes that OTLP's cache of label sets takes. */
  get otlpCacheBytes(): number {
    return this.#sources.otlpCacheBytes;
  }

  /**
   * @returns no records where the request has more of anything than `max_samples_per_request`
   * @throws DecodeError where the body isn't what it is taken for
   * @throws TooLargeError where its labels, written out, take more than `max_decompressed_size`
   */
  encode(write: WriteBody): EncodedPush {
    this.#begin(write);
    const source = this.#source;
    try {
      for (let at = source.next(); at !== AT_END; at = source.next()) {
        if (at === AT_METADATA) this.#addMetadata();
        else if (at === AT_REFUSAL) this.#addRefusal();
        else this.#addSeries();
        if (this.#received.largest > COUNTED_PARTS * this.#maxParts) {
          this.#received.isCut = true;
          break;
        }
      }
    } finally {
      this.#tenant.settle();
      source.release();
    }
    return {
      records: this.#isTooLarge() ? [] : this.#records.take(),
      received: this.#received,
      storedSamples: this.#stored,
      storedHistograms: this.#storedHistograms,
      storedExemplars: this.#storedExemplars,
      storedMetadata: this.#metadata.stored,
      refusals: this.#refusals,
      needsNewerRecords: this.#needsNewerRecords,
      questions: this.#tenant.takeQuestions(),
    };
  }

  #begin(write: WriteBody): void {
    const { tenantId, tenant, limits, shard, format, body, nowMs, recordVersion } = write;
    this.#minMs = Math.max(-MAX_TIMESTAMP_MS, nowMs - limits.out_of_order_time_window);
    this.#maxMs = Math.min(MAX_TIMESTAMP_MS, nowMs + limits.creation_grace_period);
    this.#maxParts = limits.max_samples_per_request || Number.POSITIVE_INFINITY;
    const bounds = { minMs: this.#minMs, maxMs: this.#maxMs };
    this.#source = this.#sources.open(format, body, limits, this.#maxParts, bounds);
    tenant.begin(limits, shard, nowMs, write.mayAsk);
    this.#tenant = tenant;
    this.#records.begin(tenantId, 1 + (shard.partitions.at(-1) as number));
    this.#refusals = new Refusals();
    this.#metadata.begin(tenantId, limits, shard, this.#refusals, tenant.metadata, nowMs);
    this.#received = new RequestSize();
    if (format === 'otlp') this.#received.points = 0;
    this.#stored = 0;
    this.#storedHistograms = 0;
    this.#storedExemplars = 0;
    this.#writesNotes = recordVersion >= NOTED_RECORD_VERSION;
    this.#needsNewerRecords = false;
    this.#point = -1;
    this.#isWhole = false;
  }

  /** Such a request is refused whole: what it has is counted on, nothing else is done for it. */
  #isTooLarge(): boolean {
    return this.#received.largest > this.#maxParts;
  }

  #addMetadata(): void {
    this.#received.metadata++;
    if (!this.#isTooLarge()) this.#metadata.add(this.#source);
  }

  /** What the source could make no series of. */
  #addRefusal(): void {
    const { reason, count, exemplars, subject, detail } = this.#source.refusal;
    const received = this.#received;
    received.samples += count;
    received.exemplars += exemplars;
    if (received.points === undefined) received.series++;
    else received.points += count;
    if (this.#isTooLarge()) return;
    this.#refusals.refuseSamples(reason, count, () => subject, detail);
    this.#refusals.refuseExemplars(reason, exemplars, () => subject);
    if (received.points !== undefined) this.#refusals.pointCount += count;
  }

  #addSeries(): void {
    const source = this.#source;
    const { sampleCount, exemplarCount, histogramCount, point } = source;
    const received = this.#received;
    if (point !== this.#point) this.#beginPoint(point);
    if (!this.#isWhole) {
      received.series++;
      received.samples += sampleCount + histogramCount;
      received.exemplars += exemplarCount;
    }
    if (this.#isTooLarge() || sampleCount + histogramCount + exemplarCount === 0) return;
    const refusedBefore = this.#refusals.faultyCount;
    if (this.#isWhole || exemplarCount > 0 || this.#hasAnyInBounds()) this.#appendSeries();
    else this.#refuseAllSamples();
    if (point >= 0 && this.#refusals.faultyCount > refusedBefore) this.#refusals.notePoint();
  }

  #beginPoint(point: number): void {
    this.#point = point;
    const { pointSeriesCount, pointExemplarCount } = this.#source;
    const isWhole = point >= 0 && pointSeriesCount > 1;
    if (isWhole || this.#isWhole) this.#beginWhole(isWhole);
    if (point < 0) return;
    const received = this.#received;
    if (received.points !== undefined) received.points++;
    this.#refusals.atNewPoint();
    if (!isWhole) return;
    received.series += pointSeriesCount;
    received.samples += pointSeriesCount;
    received.exemplars += pointExemplarCount;
  }

  /** What was stored whole before stands. */
  #beginWhole(isWhole: boolean): void {
    this.#isWhole = isWhole;
    this.#tenant.settle();
    this.#records.settle();
    if (!isWhole) return;
    this.#tenant.mark();
    this.#records.mark();
    this.#beforePoint.note(this.#stored, this.#storedExemplars, this.#refusals);
  }

  #appendSeries(): void {
    const source = this.#source;
    const tenant = this.#tenant;
    const { sampleCount, exemplarCount, histogramCount } = source;
    source.contentHash(this.#hash);
    const at = tenant.find(this.#hash, source);
    if (at < 0) {
      this.#refuseSeries(tenant.refusedFor, tenant.refusedDetail);
      return;
    }
    const { words } = tenant.facts;
    const inBounds = this.#countInBounds();
    const replica = words[at + FACT_REPLICA];
    if (replica !== 0 && !tenant.acceptsReplica(replica, this.#youngestMs())) {
      this.#refuseSeries('ha_deduplicated', '');
      return;
    }
    if (inBounds < sampleCount) {
      if (this.#isWhole) {
        this.#refusePointForTime();
        return;
      }
      this.#refuseOutOfBounds();
    }
    let writer = inBounds > 0 ? this.#appendSamples(words, at, inBounds) : undefined;
    if (histogramCount > 0) writer = this.#appendHistograms(words, at, writer);
    if (exemplarCount > 0) this.#appendExemplars(words, at, writer);
    if (this.#records.isOverfull) this.#refusePoint('point_too_large', '');
  }

  #hasAnyInBounds(): boolean {
    const { timestamps, sampleCount, histogramCount } = this.#source;
    for (let i = 0; i < sampleCount; i++) if (this.#isInBounds(timestamps[i])) return true;
    for (let i = 0; i < histogramCount; i++) {
      if (this.#isInBounds(this.#source.histogram(i).timestampMs)) return true;
    }
    return false;
  }

  /** A series of which nothing can be stored for its time: it isn't active by that. */
  #refuseAllSamples(): void {
    this.#tenant.mark();
    this.#appendSeries();
    this.#tenant.rewind();
    this.#tenant.settle();
  }

  #countInBounds(): number {
    const { timestamps, sampleCount } = this.#source;
    const minMs = this.#minMs;
    const maxMs = this.#maxMs;
    let count = 0;
    for (let i = 0; i < sampleCount; i++) if (timestamps[i] >= minMs && timestamps[i] <= maxMs) count++;
    return count;
  }

  /** Time of the series' youngest sample within the bounds, −∞ where there is none. */
  #youngestMs(): number {
    const source = this.#source;
    const { timestamps, sampleCount, histogramCount } = source;
    let youngestMs = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < sampleCount; i++) {
      if (timestamps[i] > youngestMs && this.#isInBounds(timestamps[i])) youngestMs = timestamps[i];
    }
    for (let i = 0; i < histogramCount; i++) {
      const { timestampMs } = source.histogram(i);
      if (timestampMs > youngestMs && this.#isInBounds(timestampMs)) youngestMs = timestampMs;
    }
    return youngestMs;
  }

  #isInBounds(timestampMs: number): boolean {
    return timestampMs >= this.#minMs && timestampMs <= this.#maxMs;
  }

  /** The writer that has the series' last samples. */
  #appendSamples(words: Int32Array, at: number, inBounds: number): LogRecordWriter | undefined {
    const { timestamps, valueWords, sampleCount, startTimes } = this.#source;
    const hasStartTimes = this.#source.hasStartTimes && this.#writesNotes;
    const minMs = this.#minMs;
    const maxMs = this.#maxMs;
    const sampleBytes = SAMPLE_MAX_BYTES + (hasStartTimes ? START_TIME_MAX_BYTES : 0);
    let writer: LogRecordWriter | undefined;
    for (let start = 0; start < sampleCount; start += SERIES_SLICE_SAMPLES) {
      const end = Math.min(sampleCount, start + SERIES_SLICE_SAMPLES);
      writer = this.#beginSeries(words, at, sampleBytes * (end - start));
      for (let i = start; i < end; i++) {
        const timestampMs = timestamps[i];
        if (timestampMs >= minMs && timestampMs <= maxMs) {
          writer.addSample(timestampMs, valueWords[2 * i], valueWords[2 * i + 1]);
          if (hasStartTimes) setStartTime(writer, timestampMs, startTimes[i]);
        }
      }
    }
    this.#stored += inBounds;
    return writer;
  }

  /** `begun` is the writer where the series stands last, if it does; as is what comes back. */
  #appendHistograms(
    words: Int32Array,
    at: number,
    begun: LogRecordWriter | undefined,
  ): LogRecordWriter | undefined {
    const source = this.#source;
    let writer = begun;
    for (let i = 0; i < source.histogramCount; i++) {
      const one = source.histogram(i);
      if (this.#refusesHistogram(one) || one.histogram === undefined) continue;
      const { histogram, timestampMs, sumLow, sumHigh } = one;
      const bytes = SAMPLE_MAX_BYTES + START_TIME_MAX_BYTES + histogramByteBound(histogram);
      if (writer === undefined || writer.byteLength + bytes > RECORD_MAX_BYTES) {
        writer = this.#beginSeries(words, at, bytes);
      }
      // What ends a series needs no buckets.
      if (isStaleWords(sumLow, sumHigh)) {
        writer.addSample(timestampMs, sumLow, sumHigh);
      } else {
        this.#needsNewerRecords ||= !this.#writesNotes;
        writer.addHistogram(timestampMs, sumLow, sumHigh, histogram, one.isInteger);
        setStartTime(writer, timestampMs, one.startMs);
      }
      this.#stored++;
      this.#storedHistograms++;
    }
    return writer;
  }

  #refusesHistogram({ fault, timestampMs }: SourceHistogram): boolean {
    if (fault !== undefined) {
      this.#refusals.refuseSamples('invalid_histogram', 1, this.#describe, fault);
    } else if (!(timestampMs >= this.#minMs)) {
      this.#refusals.refuseSamples('too_old', 1, this.#describe, `${timestampMs} < ${this.#minMs}`);
    } else if (timestampMs > this.#maxMs) {
      this.#refusals.refuseSamples('too_far_in_future', 1, this.#describe, `${timestampMs} > ${this.#maxMs}`);
    } else {
      return false;
    }
    return true;
  }

  /** The series' partition's writer, where the series has been begun with room for `wantedBytes` after its labels. */
  #beginSeries(words: Int32Array, at: number, wantedBytes: number): LogRecordWriter {
    const source = this.#source;
    let labels = source.labelBytes;
    let start = source.labelsStart;
    let end = source.labelsEnd;
    if (!TenantSeries.normalised(words, at)) {
      const stored = this.#storedLabels;
      stored.show(words, at + FACT_ID, this.#tenant, source);
      labels = stored.bytes;
      start = stored.start;
      end = stored.end;
    }
    const partition = TenantSeries.partition(words, at);
    const writer = this.#records.withRoom(partition, words[at + FACT_GROUP], 32 + end - start + wantedBytes);
    writer.addSeries(
      words[at + FACT_ID],
      words[at + FACT_ID + 1],
      words[at + FACT_ID + 2],
      words[at + FACT_ID + 3],
      labels,
      start,
      end,
    );
    return writer;
  }

  /** `begun` is the writer where the series stands last, if it does. */
  #appendExemplars(words: Int32Array, at: number, begun: LogRecordWriter | undefined): void {
    const source = this.#source;
    let writer = begun;
    for (let i = 0; i < source.exemplarCount; i++) {
      const tooLong = source.exemplarBytes(i) > EXEMPLAR_MAX_BYTES;
      const exemplar = tooLong ? undefined : source.exemplar(i);
      const reason = tooLong ? 'exemplar_too_long' : this.#exemplarFault(exemplar);
      if (exemplar === undefined || reason !== undefined) {
        this.#refusals.refuseExemplars(reason ?? 'exemplar_labels', 1, this.#describe);
        continue;
      }
      // A record that got no further than this is full; the series goes on in the next.
      if (writer === undefined || writer.byteLength + EXEMPLAR_MAX_BYTES > RECORD_MAX_BYTES) {
        writer = this.#beginSeries(words, at, EXEMPLAR_MAX_BYTES);
        if (this.#records.isOverfull) return;
      }
      writer.addExemplar(exemplar);
      this.#storedExemplars++;
    }
  }

  #exemplarFault(exemplar: Exemplar | undefined): Reason | undefined {
    if (exemplar === undefined) return 'exemplar_labels';
    if (exemplar.timestampMs < this.#minMs || exemplar.timestampMs > this.#maxMs)
      return 'exemplar_out_of_bounds';
    let length = 0;
    for (const text of exemplar.labels.pairs) for (const _ of text) length++;
    return length > EXEMPLAR_MAX_LABEL_LENGTH ? 'exemplar_too_long' : undefined;
  }

  #refuseSeries(reason: Reason, detail: string): void {
    if (this.#isWhole && !INTENDED.has(reason)) {
      this.#refusePoint(reason, detail);
      return;
    }
    const { sampleCount, histogramCount, exemplarCount } = this.#source;
    if (INTENDED.has(reason)) this.#received.noteLeftOut(exemplarCount);
    this.#remarkOn(reason);
    const samples = sampleCount + histogramCount;
    this.#refusals.refuseSamples(reason, samples, this.#describe, detail);
    this.#refusals.refuseExemplars(reason, exemplarCount, samples === 0 ? this.#describe : undefined);
  }

  /** All series of the point that the source stands in: those which were stored already aren't. */
  #refusePoint(reason: Reason, detail: string): void {
    const source = this.#source;
    const before = this.#beforePoint;
    this.#tenant.rewind();
    this.#records.rewind();
    this.#stored = before.stored;
    this.#storedExemplars = before.storedExemplars;
    this.#remarkOn(reason);
    const samples = source.pointSeriesCount - before.refusedSince(this.#refusals);
    const exemplars = source.pointExemplarCount - before.exemplarsRefusedSince(this.#refusals);
    const why = `${detail === '' ? '' : `${detail}, `}with all ${samples} series of its data point`;
    this.#refusals.refuseSamples(reason, samples, this.#describe, why);
    this.#refusals.refuseExemplars(reason, exemplars);
    source.skipPoint();
  }

  /** All samples of a point have its time. */
  #refusePointForTime(): void {
    const timeMs = this.#source.timestamps[0];
    if (timeMs < this.#minMs) this.#refusePoint('too_old', `${timeMs} < ${this.#minMs}`);
    else this.#refusePoint('too_far_in_future', `${timeMs} > ${this.#maxMs}`);
  }

  #remarkOn(reason: Reason): void {
    if (reason === 'series_limit') this.#refusals.remark(this.#tenant.limitRemark);
  }

  #refuseOutOfBounds(): void {
    const { timestamps, sampleCount } = this.#source;
    let old = 0;
    let future = 0;
    let firstOld = 0;
    let firstFuture = 0;
    for (let i = 0; i < sampleCount; i++) {
      if (timestamps[i] < this.#minMs && old++ === 0) firstOld = timestamps[i];
      if (timestamps[i] > this.#maxMs && future++ === 0) firstFuture = timestamps[i];
    }
    this.#refusals.refuseSamples('too_old', old, this.#describe, `${firstOld} < ${this.#minMs}`);
    this.#refusals.refuseSamples(
      'too_far_in_future',
      future,
      this.#describe,
      `${firstFuture} > ${this.#maxMs}`,
    );
  }

  /** The labels of the series that the source stands on, as its sender wrote them. */
  #describe = (): string => {
    const source = this.#source;
    this.#parser.parse(source.labelBytes, source.labelsStart, source.labelsEnd);
    return Labels.fromSorted(this.#parser.pairs).toString();
  };
}

/** A start that isn't before its sample says nothing, and one that no record can hold is left out. */
function setStartTime(writer: LogRecordWriter, timestampMs: number, startMs: number): void {
  if (startMs !== 0 && startMs < timestampMs && startMs >= -MAX_TIMESTAMP_MS) writer.setStartTime(startMs);
}
