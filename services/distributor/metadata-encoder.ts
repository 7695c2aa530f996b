import type { ContentHash } from '@xscaler/encoding';
import type { MetricMetadata } from '@xscaler/model';
import { type Limits, partitionOf, type Shard } from '@xscaler/tenancy';
import type { SeriesSource } from '@xscaler/wire';
import type { KnownMetadata } from './known-metadata.ts';
import type { PartitionRecords } from './partition-records.ts';
import { metadataKey, metadataSeed } from './partitioning.ts';
import type { Refusals } from './refusals.ts';

/** Each text of a metadata entry is at most so long, however high the limits are: it has to fit a record. */
const METADATA_TEXT_MAX_BYTES = 128 * 1024;

/** Puts metadata into records: to a partition by its metric's name alone. */
export class MetadataEncoder {
  stored = 0;
  readonly #hash: ContentHash;
  readonly #records: PartitionRecords;
  #limits!: Limits;
  #shard!: Shard;
  #refusals!: Refusals;
  #known!: KnownMetadata;
  #nowMinute = 0;
  #seed = 0;

  constructor(hash: ContentHash, records: PartitionRecords) {
    this.#hash = hash;
    this.#records = records;
  }

  begin(
    tenantId: string,
    limits: Limits,
    shard: Shard,
    refusals: Refusals,
    known: KnownMetadata,
    nowMs: number,
  ): void {
    this.stored = 0;
    this.#limits = limits;
    this.#shard = shard;
    this.#refusals = refusals;
    this.#known = known;
    this.#nowMinute = Math.max(1, Math.floor(nowMs / 60_000));
    this.#seed = metadataSeed(tenantId);
  }

  /** What the source stands on, unless it was stored a short while ago. */
  add(source: SeriesSource): void {
    if (source.repeatsMetadata) {
      source.metadataHash(this.#hash);
      if (this.#known.knows(this.#hash, this.#nowMinute)) return;
    }
    const metadata = source.metadata();
    if (metadata.metric === '') return;
    const nameBytes = Buffer.byteLength(metadata.metric);
    const textBytes = Math.max(Buffer.byteLength(metadata.help), Buffer.byteLength(metadata.unit));
    if (this.#refuses(metadata, nameBytes, textBytes)) return;
    const key = metadataKey(this.#seed, metadata.metric);
    const partition = partitionOf(key, this.#shard);
    this.#records.withRoom(partition, key, 32 + nameBytes + 2 * textBytes).addMetadata(metadata);
    this.stored++;
  }

  #refuses({ metric }: MetricMetadata, nameBytes: number, textBytes: number): boolean {
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
