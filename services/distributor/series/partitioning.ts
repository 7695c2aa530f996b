import { type Labels, seriesId } from '@xscaler/model';
import { FNV_OFFSET, hashText } from '@xscaler/tenancy';

/** The label by which the buckets of a classic histogram differ. */
const BUCKET_LABEL = 'le';

/**
 * A 32-bit key that all buckets of a classic histogram share: the first word of the id that the series
 * would have without `le`. `ownId` is the series' own id.
 */
export function groupKey(tenant: string, labels: Labels, ownId: Uint8Array): number {
  const id = labels.get(BUCKET_LABEL) === '' ? ownId : seriesId(tenant, labels.without(BUCKET_LABEL));
  return (id[0] | (id[1] << 8) | (id[2] << 16) | (id[3] << 24)) >>> 0;
}

/** Where `metadataKey` begins for a tenant's metrics. */
export function metadataSeed(tenant: string): number {
  return hashText(FNV_OFFSET, tenant);
}

/**
 * A 32-bit key of a metric's metadata, by its name only: signed, the same in every process. The hash may be weak, since somebody who
 * aims names at one partition moves only their own metadata, and queries read all partitions for it.
 */
export function metadataKey(seed: number, metric: string): number {
  return hashText(seed, metric);
}
