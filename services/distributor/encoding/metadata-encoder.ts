import type { ContentHash } from '@xscaler/encoding';
import type { MetricMetadata } from '@xscaler/model';
import { partitionOf } from '@xscaler/tenancy';
import { metadataKey, metadataSeed } from '../series/partitioning.ts';
import type { OpenPush } from './open-push.ts';
import type { PartitionRecords } from './partition-records.ts';

/** Limit on each text of a metadata entry, whatever the tenant's limits are: an entry must fit a record. */
const METADATA_TEXT_MAX_BYTES = 128 * 1024;

/** Puts a request's metadata into records; the metric's name picks the partition. */
export class MetadataEncoder {
  readonly #push: OpenPush;
  readonly #hash: ContentHash;
  readonly #records: PartitionRecords;
  readonly #nowMinute: number;
  readonly #seed: number;

  constructor(push: OpenPush, records: PartitionRecords, hash: ContentHash) {
    this.#push = push;
    this.#hash = hash;
    this.#records = records;
    this.#nowMinute = Math.max(1, Math.floor(push.nowMs / 60_000));
    this.#seed = metadataSeed(push.tenantId);
  }

  /** Adds the source's metadata entry, unless it was stored a short while ago. */
  add(): void {
    const push = this.#push;
    const { source, tenant, received } = push;
    received.metadata++;
    if (push.isTooLarge) return;
    if (source.repeatsMetadata) {
      source.metadataHash(this.#hash);
      if (tenant.metadata.knows(this.#hash, this.#nowMinute)) return;
    }
    const metadata = source.metadata();
    if (metadata.metric === '') return;
    const nameBytes = Buffer.byteLength(metadata.metric);
    const textBytes = Math.max(Buffer.byteLength(metadata.help), Buffer.byteLength(metadata.unit));
    if (this.#refuses(metadata, nameBytes, textBytes)) return;
    const key = metadataKey(this.#seed, metadata.metric);
    const partition = partitionOf(key, push.shard);
    this.#records.withRoom(partition, key, 32 + nameBytes + 2 * textBytes).addMetadata(metadata);
    push.storedMetadata++;
  }

  #refuses({ metric }: MetricMetadata, nameBytes: number, textBytes: number): boolean {
    const { limits, refusals } = this.#push;
    const nameLimit = Math.min(limits.max_metric_name_length, METADATA_TEXT_MAX_BYTES);
    const textLimit = Math.min(limits.max_metadata_length, METADATA_TEXT_MAX_BYTES);
    if (nameBytes > nameLimit) {
      refusals.refuseMetadata('metric_name_too_long', metric, `${nameBytes} of ${nameLimit}`);
    } else if (textBytes > textLimit) {
      refusals.refuseMetadata('metadata_too_long', metric, `${textBytes} of ${textLimit}`);
    } else {
      return false;
    }
    return true;
  }
}
