import { ByteWriter, ContentHash } from '@xscaler/encoding';
import { EXEMPLAR_MAX_LABEL_LENGTH, type Exemplar, Labels, type MetricMetadata } from '@xscaler/model';
import { type Limits, partitionOf, type Shard } from '@xscaler/tenancy';
import {
  AT_END,
  AT_SERIES,
  LabelSetParser,
  type LogRecordWriter,
  MAX_TIMESTAMP_MS,
  WriteRequestReader,
  writeLabelSet,
} from '@xscaler/wire';
import { type PartitionRecord, PartitionRecords, RECORD_MAX_BYTES } from './partition-records.ts';
import { metadataKey, metadataSeed } from './partitioning.ts';
import { type Reason, Refusals } from './refusals.ts';
import { RequestSize } from './request-size.ts';
import { FACT_GROUP, FACT_ID, TenantSeries } from './tenant-series.ts';

/** Samples of one series that go into a record at once: at most 17 bytes each. */
const SERIES_SLICE_SAMPLES = 64 * 1024;
/**
 * A request that is refused for its size is still counted, so that received = stored + refused; up to so many
 * times of what it may have, since 60 MB of empty series cost more than a second.
 */
const COUNTED_PARTS = 100;
/** An exemplar that takes more is refused unread: its labels have at most 128 characters. */
const EXEMPLAR_MAX_BYTES = 4 * 1024;
/** Each text of a metadata entry is at most so long, however high the limits are: it has to fit a record. */
const METADATA_TEXT_MAX_BYTES = 128 * 1024;

/** What became of a request: `received.samples` = `storedSamples` + `refusals.sampleCount`, once appended. */
export interface EncodedPush {
  readonly records: readonly PartitionRecord[];
  readonly received: RequestSize;
  readonly storedSamples: number;
  readonly storedExemplars: number;
  readonly storedMetadata: number;
  readonly refusals: Refusals;
}

/**
 * Turns a remote write 1.0 request into log records, one per partition (more where they would grow large).
 *
 * One request at a time, synchronously, so that all scratch space is shared; nothing is allocated per
 * sample, and per series only for those that are new, refused, or whose labels don't come in normal form.
 */
export class PushEncoder {
  readonly #hash: ContentHash;
  readonly #reader = new WriteRequestReader();
  readonly #parser = new LabelSetParser();
  readonly #labels = new ByteWriter(1024);
  readonly #records: PartitionRecords;

  #tenant!: TenantSeries;
  #shard!: Shard;
  #limits!: Limits;
  #metadataSeed = 0;
  #minMs = 0;
  #maxMs = 0;
  /** Of samples, series, exemplars and metadata entries each. */
  #maxParts = 0;
  #refusals = new Refusals();
  #received = new RequestSize();
  #stored = 0;
  #storedExemplars = 0;
  #storedMetadata = 0;

  constructor(windowMs: number, seed: Uint32Array) {
    this.#hash = new ContentHash(seed);
    this.#records = new PartitionRecords(windowMs);
  }

  /**
   * @param shard where the tenant's samples go now
   * @param body the expanded request
   * @returns no records where the request has more of anything than `max_samples_per_request`
   * @throws DecodeError where the body isn't a WriteRequest
   */
  encode(
    tenantId: string,
    tenant: TenantSeries,
    limits: Limits,
    shard: Shard,
    body: Uint8Array,
    nowMs: number,
  ): EncodedPush {
    this.#begin(tenantId, tenant, limits, shard, nowMs);
    const reader = this.#reader;
    reader.reset(body, this.#maxParts);
    try {
      for (let at = reader.next(); at !== AT_END; at = reader.next()) {
        if (at === AT_SERIES) this.#addSeries();
        else this.#addMetadata();
        if (this.#received.largest > COUNTED_PARTS * this.#maxParts) {
          this.#received.isCut = true;
          break;
        }
      }
    } finally {
      reader.release();
    }
    return {
      records: this.#isTooLarge() ? [] : this.#records.take(),
      received: this.#received,
      storedSamples: this.#stored,
      storedExemplars: this.#storedExemplars,
      storedMetadata: this.#storedMetadata,
      refusals: this.#refusals,
    };
  }

  #begin(tenantId: string, tenant: TenantSeries, limits: Limits, shard: Shard, nowMs: number): void {
    tenant.begin(limits, shard, nowMs);
    this.#tenant = tenant;
    this.#shard = shard;
    this.#limits = limits;
    this.#metadataSeed = metadataSeed(tenantId);
    this.#minMs = Math.max(-MAX_TIMESTAMP_MS, nowMs - limits.out_of_order_time_window);
    this.#maxMs = Math.min(MAX_TIMESTAMP_MS, nowMs + limits.creation_grace_period);
    this.#maxParts = limits.max_samples_per_request || Number.POSITIVE_INFINITY;
    this.#records.begin(tenantId, 1 + (shard.partitions.at(-1) as number));
    this.#refusals = new Refusals();
    this.#received = new RequestSize();
    this.#stored = 0;
    this.#storedExemplars = 0;
    this.#storedMetadata = 0;
  }

  /** Such a request is refused whole: what it has is counted on, nothing else is done for it. */
  #isTooLarge(): boolean {
    return this.#received.largest > this.#maxParts;
  }

  #addSeries(): void {
    const reader = this.#reader;
    const { sampleCount, exemplarCount, histogramCount } = reader;
    const received = this.#received;
    received.series++;
    received.samples += sampleCount + histogramCount;
    received.exemplars += exemplarCount;
    if (this.#isTooLarge()) return;
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
    const { words } = tenant.facts;
    const writer = inBounds > 0 ? this.#appendSamples(words, at, inBounds) : undefined;
    if (exemplarCount > 0) this.#appendExemplars(words, at, writer);
  }

  #countInBounds(): number {
    const { timestamps, sampleCount } = this.#reader;
    const minMs = this.#minMs;
    const maxMs = this.#maxMs;
    let count = 0;
    for (let i = 0; i < sampleCount; i++) if (timestamps[i] >= minMs && timestamps[i] <= maxMs) count++;
    return count;
  }

  /** The writer that has the series' last samples. */
  #appendSamples(words: Int32Array, at: number, inBounds: number): LogRecordWriter | undefined {
    const { timestamps, valueWords, sampleCount } = this.#reader;
    const minMs = this.#minMs;
    const maxMs = this.#maxMs;
    let writer: LogRecordWriter | undefined;
    for (let start = 0; start < sampleCount; start += SERIES_SLICE_SAMPLES) {
      const end = Math.min(sampleCount, start + SERIES_SLICE_SAMPLES);
      writer = this.#beginSeries(words, at, 17 * (end - start));
      for (let i = start; i < end; i++) {
        const timestampMs = timestamps[i];
        if (timestampMs >= minMs && timestampMs <= maxMs) {
          writer.addSample(timestampMs, valueWords[2 * i], valueWords[2 * i + 1]);
        }
      }
    }
    this.#stored += inBounds;
    return writer;
  }

  /** The series' partition's writer, where the series has been begun with room for `wantedBytes` after its labels. */
  #beginSeries(words: Int32Array, at: number, wantedBytes: number): LogRecordWriter {
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
    const writer = this.#records.withRoom(partition, words[at + FACT_GROUP], 32 + end - start + wantedBytes);
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

  #normaliseLabels(): void {
    const reader = this.#reader;
    this.#parser.parse(reader.labelBytes, reader.labelsStart, reader.labelsEnd);
    this.#labels.reset();
    writeLabelSet(this.#parser.pairs, this.#labels);
  }

  /** `begun` is the writer where the series stands last, if it does. */
  #appendExemplars(words: Int32Array, at: number, begun: LogRecordWriter | undefined): void {
    const reader = this.#reader;
    let writer = begun;
    for (let i = 0; i < reader.exemplarCount; i++) {
      const tooLong = reader.exemplarBytes(i) > EXEMPLAR_MAX_BYTES;
      const exemplar = tooLong ? undefined : reader.exemplar(i);
      const reason = tooLong ? 'exemplar_too_long' : this.#exemplarFault(exemplar);
      if (exemplar === undefined || reason !== undefined) {
        this.#refusals.refuseExemplars(reason ?? 'exemplar_labels', 1, this.#describe);
        continue;
      }
      // A record that got no further than this is full; the series goes on in the next.
      if (writer === undefined || writer.byteLength + EXEMPLAR_MAX_BYTES > RECORD_MAX_BYTES) {
        writer = this.#beginSeries(words, at, EXEMPLAR_MAX_BYTES);
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

  /** Metadata goes to a partition by its metric's name alone. */
  #addMetadata(): void {
    this.#received.metadata++;
    if (this.#isTooLarge()) return;
    const metadata = this.#reader.metadata();
    if (metadata.metric === '') return;
    const nameBytes = Buffer.byteLength(metadata.metric);
    const textBytes = Math.max(Buffer.byteLength(metadata.help), Buffer.byteLength(metadata.unit));
    if (this.#refusesMetadata(metadata, nameBytes, textBytes)) return;
    const key = metadataKey(this.#metadataSeed, metadata.metric);
    const partition = partitionOf(key, this.#shard);
    this.#records.withRoom(partition, key, 32 + nameBytes + 2 * textBytes).addMetadata(metadata);
    this.#storedMetadata++;
  }

  #refusesMetadata({ metric }: MetricMetadata, nameBytes: number, textBytes: number): boolean {
    const limits = this.#limits;
    const nameLimit = Math.min(limits.max_metric_name_length, METADATA_TEXT_MAX_BYTES);
    const textLimit = Math.min(limits.max_metadata_length, METADATA_TEXT_MAX_BYTES);
    if (nameBytes > nameLimit) {
      this.#refusals.refuseMetadata('metric_name_too_long', metric, `${nameBytes} of ${nameLimit}`);
    } else if (textBytes > textLimit) {
      this.#refusals.refuseMetadata('metadata_too_long', metric, `${textBytes} of ${textLimit}`);
    } else {
      return false;
    }
    return true;
  }
}
