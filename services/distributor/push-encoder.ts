import { ByteWriter, ContentHash } from '@xscaler/encoding';
import { EXEMPLAR_MAX_LABEL_LENGTH, type Exemplar, Labels, seriesId } from '@xscaler/model';
import type { Limits } from '@xscaler/tenancy';
import {
  AT_END,
  AT_SERIES,
  LabelSetParser,
  LogRecordWriter,
  MAX_TIMESTAMP_MS,
  RECORD_SPLIT_BYTES,
  WriteRequestReader,
  writeLabelSet,
} from '@xscaler/wire';
import { groupKey, partitionOf } from './partitioning.ts';
import { type Reason, Refusals } from './refusals.ts';
import { FACT_GROUP, FACT_ID, TenantSeries } from './tenant-series.ts';

/** A record is split inside a group (a classic histogram) only where it would grow beyond this. */
const RECORD_MAX_BYTES = 4 * 1024 * 1024;
/** Samples of one series that go into a record at once: at most 17 bytes each. */
const SERIES_SLICE_SAMPLES = 64 * 1024;

/** A finished record and where it goes; its buffer is its own. */
export interface PartitionRecord {
  readonly partition: number;
  readonly record: Uint8Array<ArrayBuffer>;
}

/** What became of a request: `receivedSamples` = `storedSamples` + `refusals.sampleCount`, once appended. */
export interface EncodedPush {
  readonly records: readonly PartitionRecord[];
  readonly receivedSamples: number;
  readonly storedSamples: number;
  readonly storedExemplars: number;
  readonly refusals: Refusals;
}

/**
 * Turns a remote write 1.0 request into log records, one per partition (more where they would grow large).
 *
 * One request at a time, synchronously, so that all scratch space is shared; nothing is allocated per
 * sample, and per series only for those that are new, refused, or whose labels don't come in normal form.
 */
export class PushEncoder {
  readonly #partitionCount: number;
  readonly #windowMs: number;
  readonly #hash: ContentHash;
  readonly #reader = new WriteRequestReader();
  readonly #parser = new LabelSetParser();
  readonly #labels = new ByteWriter(1024);
  readonly #writers: LogRecordWriter[] = [];
  /** Group of the series that each writer got last. */
  readonly #lastGroups: Int32Array;
  readonly #open: number[] = [];

  #tenant!: TenantSeries;
  #tenantId = '';
  #minMs = 0;
  #maxMs = 0;
  #maxSamples = 0;
  #records: PartitionRecord[] = [];
  #refusals = new Refusals();
  #received = 0;
  #stored = 0;
  #storedExemplars = 0;

  constructor(partitionCount: number, windowMs: number, seed: Uint32Array) {
    this.#partitionCount = partitionCount;
    this.#windowMs = windowMs;
    this.#hash = new ContentHash(seed);
    this.#lastGroups = new Int32Array(partitionCount);
  }

  /**
   * @param body the expanded request
   * @returns no records where the request has more samples than `max_samples_per_request`
   * @throws DecodeError where the body isn't a WriteRequest
   */
  encode(
    tenantId: string,
    tenant: TenantSeries,
    limits: Limits,
    body: Uint8Array,
    nowMs: number,
  ): EncodedPush {
    this.#begin(tenantId, tenant, limits, nowMs);
    const reader = this.#reader;
    reader.reset(body);
    try {
      for (let at = reader.next(); at !== AT_END; at = reader.next()) {
        if (at === AT_SERIES) this.#addSeries();
        else this.#addMetadata();
      }
    } finally {
      reader.release();
    }
    for (const partition of this.#open) this.#finishRecord(partition);
    return {
      records: this.#received > this.#maxSamples ? [] : this.#records,
      receivedSamples: this.#received,
      storedSamples: this.#stored,
      storedExemplars: this.#storedExemplars,
      refusals: this.#refusals,
    };
  }

  #begin(tenantId: string, tenant: TenantSeries, limits: Limits, nowMs: number): void {
    tenant.begin(limits, nowMs);
    this.#tenant = tenant;
    this.#tenantId = tenantId;
    this.#minMs = Math.max(-MAX_TIMESTAMP_MS, nowMs - limits.out_of_order_time_window);
    this.#maxMs = Math.min(MAX_TIMESTAMP_MS, nowMs + limits.creation_grace_period);
    this.#maxSamples = limits.max_samples_per_request || Number.POSITIVE_INFINITY;
    this.#records = [];
    this.#open.length = 0;
    this.#refusals = new Refusals();
    this.#received = 0;
    this.#stored = 0;
    this.#storedExemplars = 0;
  }

  #addSeries(): void {
    const reader = this.#reader;
    const { sampleCount, exemplarCount, histogramCount } = reader;
    this.#received += sampleCount + histogramCount;
    // Of a request that is refused whole only the samples are counted.
    if (this.#received > this.#maxSamples) return;
    if (histogramCount > 0) this.#refusals.refuseSamples('native_histogram', histogramCount, this.#describe);
    if (sampleCount === 0 && exemplarCount === 0) return;

    const tenant = this.#tenant;
    this.#hash.hash(reader.labelView, reader.labelsStart, reader.labelsEnd);
    const at = tenant.find(this.#hash, reader);
    if (at < 0) {
      this.#refuseSeries(tenant.refusedFor, tenant.refusedDetail);
      return;
    }
    const inBounds = this.#countInBounds();
    if (inBounds < sampleCount) this.#refuseOutOfBounds();
    if (inBounds > 0) this.#appendSamples(tenant.facts.words, at, inBounds);
    if (exemplarCount > 0) this.#appendExemplars(tenant.facts.words, at, inBounds > 0);
  }

  #countInBounds(): number {
    const { timestamps, sampleCount } = this.#reader;
    const minMs = this.#minMs;
    const maxMs = this.#maxMs;
    let count = 0;
    for (let i = 0; i < sampleCount; i++) if (timestamps[i] >= minMs && timestamps[i] <= maxMs) count++;
    return count;
  }

  #appendSamples(words: Int32Array, at: number, inBounds: number): void {
    const { timestamps, valueWords, sampleCount } = this.#reader;
    const minMs = this.#minMs;
    const maxMs = this.#maxMs;
    for (let start = 0; start < sampleCount; start += SERIES_SLICE_SAMPLES) {
      const end = Math.min(sampleCount, start + SERIES_SLICE_SAMPLES);
      const writer = this.#beginSeries(words, at, end - start);
      for (let i = start; i < end; i++) {
        const timestampMs = timestamps[i];
        if (timestampMs >= minMs && timestampMs <= maxMs) {
          writer.addSample(timestampMs, valueWords[2 * i], valueWords[2 * i + 1]);
        }
      }
    }
    this.#stored += inBounds;
  }

  /** The series' partition's writer, where the series has been begun. */
  #beginSeries(words: Int32Array, at: number, sampleCount: number): LogRecordWriter {
    const reader = this.#reader;
    let source = reader.labelBytes;
    let start = reader.labelsStart;
    let end = reader.labelsEnd;
    if (!TenantSeries.normalised(words, at)) {
      this.#normaliseLabels();
      source = this.#labels.bytes;
      start = 0;
      end = this.#labels.length;
    }
    const partition = TenantSeries.partition(words, at);
    const writer = this.#writerWithRoom(
      partition,
      words[at + FACT_GROUP],
      32 + end - start + 17 * sampleCount,
    );
    writer.addSeries(
      words[at + FACT_ID],
      words[at + FACT_ID + 1],
      words[at + FACT_ID + 2],
      words[at + FACT_ID + 3],
      source,
      start,
      end,
    );
    return writer;
  }

  #writerWithRoom(partition: number, group: number, wantedBytes: number): LogRecordWriter {
    const writer = this.#writer(partition);
    const { byteLength } = writer;
    if (byteLength + wantedBytes > RECORD_SPLIT_BYTES && !writer.isEmpty) {
      const sameGroup = this.#lastGroups[partition] === group;
      if (!sameGroup || byteLength + wantedBytes > RECORD_MAX_BYTES) {
        this.#finishRecord(partition);
        writer.reset(this.#tenantId, this.#windowMs);
      }
    }
    this.#lastGroups[partition] = group;
    return writer;
  }

  #writer(partition: number): LogRecordWriter {
    let writer = this.#writers[partition];
    if (writer === undefined) {
      writer = new LogRecordWriter();
      this.#writers[partition] = writer;
    }
    if (!this.#open.includes(partition)) {
      this.#open.push(partition);
      writer.reset(this.#tenantId, this.#windowMs);
    }
    return writer;
  }

  #finishRecord(partition: number): void {
    const writer = this.#writers[partition];
    if (!writer.isEmpty) this.#records.push({ partition, record: writer.finish() });
  }

  #normaliseLabels(): void {
    const reader = this.#reader;
    this.#parser.parse(reader.labelBytes, reader.labelsStart, reader.labelsEnd);
    this.#labels.reset();
    writeLabelSet(this.#parser.pairs, this.#labels);
  }

  #appendExemplars(words: Int32Array, at: number, begun: boolean): void {
    let writer = begun ? this.#writers[TenantSeries.partition(words, at)] : undefined;
    for (let i = 0; i < this.#reader.exemplarCount; i++) {
      const exemplar = this.#reader.exemplar(i);
      const reason = this.#exemplarFault(exemplar);
      if (exemplar === undefined || reason !== undefined) {
        this.#refusals.refuseExemplars(reason ?? 'exemplar_labels', 1, this.#describe);
        continue;
      }
      writer ??= this.#beginSeries(words, at, 0);
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
    const { sampleCount, exemplarCount } = this.#reader;
    this.#refusals.refuseSamples(reason, sampleCount, this.#describe, detail);
    this.#refusals.refuseExemplars(reason, exemplarCount, this.#describe);
  }

  #refuseOutOfBounds(): void {
    const { timestamps, sampleCount } = this.#reader;
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

  /** The labels of the series that the reader stands on, as its sender wrote them. */
  #describe = (): string => {
    const reader = this.#reader;
    this.#parser.parse(reader.labelBytes, reader.labelsStart, reader.labelsEnd);
    return Labels.fromSorted(this.#parser.pairs).toString();
  };

  /** Metadata goes where a series with nothing but the metric's name would go. */
  #addMetadata(): void {
    if (this.#received > this.#maxSamples) return;
    const metadata = this.#reader.metadata();
    if (metadata.metric === '') return;
    const labels = Labels.of({ __name__: metadata.metric });
    const key = groupKey(this.#tenantId, labels, seriesId(this.#tenantId, labels));
    const wantedBytes = 64 + 3 * (metadata.metric.length + metadata.help.length + metadata.unit.length);
    const partition = partitionOf(key, this.#partitionCount);
    this.#writerWithRoom(partition, key | 0, wantedBytes).addMetadata(metadata);
  }
}
